/** What the machine asks a confirmation for, when the relay says that it is needed; and what the relay alone may say. */
import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agentRoutes } from '../../../agent/api/agents.ts';
import { pushRoutes } from '../../../agent/api/push.ts';
import { scheduleRoutes } from '../../../agent/api/schedule.ts';
import { taskRoutes } from '../../../agent/api/tasks.ts';
import { workspaceRoutes } from '../../../agent/api/workspace.ts';
import { createHttpServer } from '../../../core/http/server.ts';
import { Router } from '../../../core/http/router.ts';
import { silentLog } from '../../../core/log.ts';
import { ask, tunnelPair } from '../../support/harness/tunnel-pair.ts';

const SKIPPING = { flags: { dangerouslySkipPermissions: true } };

/** Domain objects that only count what reaches them. */
function counted(): { router: Router; calls: string[] } {
  const calls: string[] = [];
  const part = (own: object = {}): never =>
    new Proxy(own, {
      get: (target, name) =>
        Reflect.get(target, name) ?? ((...args: unknown[]) => {
          if (name !== 'info') calls.push(String(name));
          return name === 'keepDevices'
            ? (calls.push(JSON.stringify(args[0])), Promise.resolve())
            : { id: 'a', flags: {} };
        }),
    }) as never;
  const router = new Router();
  agentRoutes(router, part({ origin: () => ({ prompt: '', instructions: '' }) }));
  taskRoutes(router, part({ task: () => SKIPPING, tasks: [SKIPPING] }));
  scheduleRoutes(router, part({ get: () => ({ flags: { permissionMode: 'bypassPermissions' } }) }));
  workspaceRoutes(router, part(), part());
  pushRoutes(router, part({ subscriptions: part(), keys: part() }));
  return { router, calls };
}

const ID = '0b5a1c1e-7a37-4a52-8a53-1d3c1f4f0a11';
type Case = [name: string, method: string, path: string, body?: object];
const decide = (decision: string, more: object = {}): [string, string, object] => [
  'POST',
  '/api/agents/a/permissions/r',
  { decision, clientId: ID, ...more },
];
const FINAL: Case[] = [
  ['an agent that skips permissions', 'POST', '/api/agents', {
    directory: '/tmp',
    prompt: 'x',
    flags: { dangerouslySkipPermissions: true },
  }],
  ['the same, by its mode', 'POST', '/api/agents', {
    directory: '/tmp',
    prompt: 'x',
    flags: { permissionMode: 'bypassPermissions' },
  }],
  ['the same as a script says it', 'POST', '/api/agents', {
    directory: '/tmp',
    prompt: 'x',
    config: { flags: { dangerouslySkipPermissions: true } },
    flags: { dangerouslySkipPermissions: true, permissionMode: 'default' },
  }],
  ['the switch to that mode', 'PUT', '/api/agents/a/mode', { mode: 'bypassPermissions' }],
  ['the same by POST', 'POST', '/api/agents/a/mode', { mode: 'bypassPermissions' }],
  ['a rule', ...decide('rule:0')],
  ['for the session', ...decide('session')],
  ['another choice that is not known here', ...decide('rule:1 ')],
  ['a plan, to go on without questions', ...decide('allow', { mode: 'bypassPermissions' })],
  ['deleting with work', 'DELETE', '/api/agents/a?discardWork=1'],
  ['deleting with work, in words', 'DELETE', '/api/agents/a?discardWork=true'],
  ['discarding all', 'POST', '/api/agents/a/changes/discard', { all: true }],
  ['discarding a file', 'POST', '/api/agents/a/changes/discard', { paths: ['x'] }],
  ['a task that skips permissions', 'POST', '/api/tasks', {
    name: 'x',
    prompt: 'x',
    directory: '/tmp',
    flags: { dangerouslySkipPermissions: true },
  }],
  ['a task made so', 'PUT', '/api/tasks/t', { flags: { permissionMode: 'bypassPermissions' } }],
  ['another prompt for a task that skips permissions', 'PUT', '/api/tasks/t', { prompt: 'x' }],
  ['another folder for it', 'PUT', '/api/tasks/t', { directory: '/tmp', name: 'x' }],
  ['another model for it', 'PUT', '/api/tasks/t', { model: 'x' }],
  ['instructions for all tasks, of which one skips permissions', 'PUT', '/api/tasks/meta/config', { claudeMd: 'x' }],
  ['another folder for all tasks', 'PUT', '/api/tasks/meta/config', { defaultDirectory: '/tmp' }],
  ['another prompt for a scheduled agent that skips permissions', 'PUT', '/api/schedule/s', { prompt: 'x' }],
  ['a scheduled agent that skips permissions, now', 'POST', '/api/schedule/s/run'],
];
const ORDINARY: Case[] = [
  ['a scheduled agent that skips permissions, off', 'PUT', '/api/schedule/s', { on: false }],
  ['another name and place for a task that skips permissions', 'PUT', '/api/tasks/t', { name: 'x', order: 2 }],
  ['how often the pipeline looks', 'PUT', '/api/tasks/meta/config', { pollIntervalMs: 5000, adminEmail: 'a@b.test' }],
  ['a task that skips permissions made to ask', 'PUT', '/api/tasks/t', { prompt: 'x', flags: {} }],
  ['allow once', ...decide('allow')],
  ['deny', ...decide('deny')],
  ['an answer', ...decide('answer', { answers: { q: ['a'] } })],
  ['another mode', 'PUT', '/api/agents/a/mode', { mode: 'plan' }],
  ['deleting what is merged', 'DELETE', '/api/agents/a'],
];

async function through(word: string | null, [, method, target, body]: Case) {
  const { router, calls } = counted();
  const pair = await tunnelPair({ handler: router.handle });
  const fields = ['Content-Type', 'application/json', ...(word === null ? [] : ['X-Relay-Step-Up', word])];
  const answer = await ask(pair.relay, { method, target, fields, body: Buffer.from(JSON.stringify(body ?? {})) });
  await pair.close();
  return { status: answer.status, text: answer.body.toString(), calls };
}

for (const each of FINAL) {
  test(`needs a confirmation: ${each[0]}`, async () => {
    const refused = await through('needed', each);
    assert.is(refused.status, 403, refused.text);
    assert.match(refused.text, /step_up_required/);
    assert.equal(refused.calls, [], 'nothing was done');
    for (const word of ['done', null]) {
      const done = await through(word, each);
      assert.ok(done.calls.length > 0, `${word}: ${done.status} ${done.text}`);
    }
  });
}
for (const each of ORDINARY) {
  test(`needs none: ${each[0]}`, async () => {
    const { status, text, calls } = await through('needed', each);
    assert.ok(calls.length > 0, `${status} ${text}`);
  });
}

test("on the machine's own port the relay's fields are the client's, and say nothing", async () => {
  const { router, calls } = counted();
  const server = createHttpServer({ log: silentLog, handler: router.handle });
  const { port } = await server.listen(0, '127.0.0.1');
  const headers = {
    'content-type': 'application/json',
    'x-relay-step-up': 'needed',
    'x-relay-event': 'devices',
    'x-relay-device': 'd',
  };
  const devices = { method: 'PUT', headers, body: '{"devices":[]}' };
  assert.is((await fetch(`http://127.0.0.1:${port}/api/relay/devices`, devices)).status, 404);
  assert.equal(calls, []);
  await fetch(`http://127.0.0.1:${port}/api/agents/a/mode`, { ...devices, body: '{"mode":"bypassPermissions"}' });
  assert.equal(calls, ['setMode']);
  await server.close(0);
});

test('the list of devices is taken from the relay itself only', async () => {
  const { router, calls } = counted();
  const pair = await tunnelPair({ handler: router.handle });
  const put = (fields: string[], body: string) =>
    ask(pair.relay, {
      method: 'PUT',
      target: '/api/relay/devices',
      fields: ['Content-Type', 'application/json', ...fields],
      body: Buffer.from(body),
    });
  assert.is((await put([], '{"devices":[]}')).status, 404);
  assert.is((await put(['X-Relay-Event', 'devices, x'], '{"devices":[]}')).status, 404);
  assert.is((await put(['X-Relay-Event', 'devices'], '{"devices":"all"}')).status, 400);
  assert.equal(calls, []);
  assert.is((await put(['X-Relay-Event', 'devices'], '{"devices":["one"]}')).status, 200);
  assert.equal(calls, ['keepDevices', '["one"]']);
  await pair.close();
});

test.run();
