/** What is told of an agent, the one request that a notification leads to, and the channels that the settings page shows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NOTIFY_CHANNELS } from '../../../core/api/notify.ts';
import { startStandIn } from '../../support/fakes/http-stand-in.ts';
import { type PipelineHarness, pipelineHarness } from '../../support/harness/pipeline-harness.ts';

async function withHarness(run: (harness: PipelineHarness) => Promise<void>, config = {}): Promise<void> {
  const harness = await pipelineHarness(config);
  try {
    await run(harness);
  } finally {
    await harness.close();
  }
}

test('each agent chooses; the choice is on disk and goes with the agent', () =>
  withHarness(async ({ agents, ask, directory }) => {
    await agents.create({ name: 'A', directory }, 'test');
    const path = '/api/agents/agent-1/notify';
    assert.equal(await ask('GET', path), { status: 200, body: { level: 'default' } });
    for (const level of ['requests', 'all', 'nothing', 'default', 'nothing']) {
      assert.equal(await ask('PUT', path, { level }), { status: 200, body: { level } });
    }
    const file = () => JSON.parse(readFileSync(join(directory, 'data/notify-agents.json'), 'utf8'));
    assert.equal(file(), { 'agent-1': 'nothing' });
    for (const body of [{ level: 'some' }, { level: 1 }, {}, []]) assert.is((await ask('PUT', path, body)).status, 400);
    assert.is((await ask('PUT', '/api/agents/none/notify', { level: 'all' })).status, 404);
    await agents.remove('agent-1', { discardWork: false }, 'test');
    for (let i = 0; i < 100 && file()['agent-1']; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(file(), {});
  }));

test('one request with its agent, in one answer', () =>
  withHarness(async ({ agents, ask, directory }) => {
    await agents.create({ name: 'A', directory }, 'test');
    const id = agents.ask('agent-1', { tool: 'Bash', title: 'ls' });
    const { status, body } = await ask('GET', `/api/agents/agent-1/requests/${id}`);
    assert.equal([status, body.agent.id, body.request.id, body.request.title], [200, 'agent-1', id, 'ls']);
    assert.is((await ask('GET', '/api/agents/agent-1/requests/none')).status, 404);
    assert.is((await ask('GET', `/api/agents/none/requests/${id}`)).status, 404);
  }));

test('every channel says how it did, and sends a test where there is an address', async () => {
  const there = await startStandIn({ status: 200 });
  const config = { allowPrivateAddresses: true, webhookSecret: 'a secret of the receiver' };
  await withHarness(async ({ ask, context }) => {
    const before = await ask('GET', '/api/settings/channels');
    assert.equal(before.body.map(({ channel }: { channel: string }) => channel), NOTIFY_CHANNELS);
    assert.is((await ask('POST', '/api/settings/channels/test', { channel: 'ntfy' })).body.code, 'no_recipient');
    const notify = { ntfyUrl: `${there.url}/SECRET-topic`, webhookUrl: `${there.url}/SECRET-hook` };
    assert.is((await ask('PUT', '/api/settings', { notify })).status, 200);
    for (const channel of ['ntfy', 'webhook']) {
      assert.is((await ask('POST', '/api/settings/channels/test', { channel })).status, 200, channel);
    }
    assert.equal(there.asked.map(({ url }) => url), ['/', '/SECRET-hook']);
    there.answers = [{ status: 403 }];
    const failed = await ask('POST', '/api/settings/channels/test', { channel: 'webhook' });
    assert.equal([failed.status, failed.body.code], [502, 'not_sent']);
    const after = (await ask('GET', '/api/settings/channels')).body as {
      channel: string;
      sentAt: number;
      error: string;
    }[];
    const statusOf = (name: string) => after.find(({ channel }) => channel === name)!;
    assert.ok(statusOf('ntfy').sentAt > 0 && statusOf('ntfy').error === '');
    assert.match(statusOf('webhook').error, /refused the message \(403\)/);
    assert.not.match([...context.lines, JSON.stringify(after), JSON.stringify(failed)].join(), /SECRET/);
  }, config);
  await there.close();
});

test.run();
