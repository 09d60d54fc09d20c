/**
 * One end of the tunnel is of version 88ce34a, the other of this one: everything that goes through it works, both ways round.
 * The old version is taken from the history of this clone.
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { LiveMessage } from '../../core/api/live.ts';
import type { Message } from '../../core/api/messages.ts';
import type { TerminalInfo } from '../../core/api/terminals.ts';
import { FAKE_CLAUDE, liveClient } from '../support/harness/agent-server.ts';
import { checkOutOldVersion, OLD_COMMIT, type OldVersion } from '../support/harness/old-version.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';
import { TestViewer } from '../support/harness/terminal-harness.ts';

/** Bytes of a picture that goes up and of a text that comes down: more than a stream's window. */
const UP = 3 * 1024 * 1024;
const DOWN = 1_500_000;

let old: OldVersion;
test.before(() => void (old = checkOutOldVersion()));
test.after(() => old?.remove());

const PAIRS = [
  [`an agent of ${OLD_COMMIT} works with the new relay`, () => ({ agentRoot: old.root })],
  [`the new agent works with a relay of ${OLD_COMMIT}`, () => ({ relayRoot: old.root })],
] as const;
for (const [name, roots] of PAIRS) {
  test(name, async () => {
    const product = await startProduct({
      ...roots(),
      agentEnv: { CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent' },
    });
    try {
      mkdirSync(join(product.directory, 'project'));
      const agent = await conversation(product);
      await terminal(product);
      await restarts(product, agent);
    } finally {
      await product.close();
    }
  });
}

async function call<T>(product: Product, method: string, path: string, body?: unknown): Promise<T> {
  const response = await product.fetch(path, { method, body: body === undefined ? null : JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return await response.json() as T;
}

const idle = (product: Product, { id }: AgentInfo) =>
  until('the agent is idle', async () => (await call<AgentInfo>(product, 'GET', `/api/agents/${id}`)).state === 'idle');

/** Commands, a large body each way, a permission, and the live feed beside them. */
async function conversation(product: Product): Promise<AgentInfo> {
  const directory = join(product.directory, 'project');
  const agent = await call<AgentInfo>(product, 'POST', '/api/agents', { directory, prompt: 'bash echo through' });
  const live = await liveClient(product.relayUrl, { watch: [{ agent: agent.id }] }, { cookie: await product.login() });
  const asked = await until('a request', async () => {
    return (await call<AgentInfo>(product, 'GET', `/api/agents/${agent.id}`)).pending[0] ?? null;
  });
  await call(product, 'POST', `/api/agents/${agent.id}/permissions/${asked}`, { decision: 'allow' });
  await idle(product, agent);
  const image = { mediaType: 'image/png', data: `iVBORw0KGgoAAAAN${randomBytes(UP * 3 / 4 - 12).toString('base64')}` };
  await call(product, 'POST', `/api/agents/${agent.id}/message`, { text: `size ${DOWN} 20000 5`, images: [image] });
  const messages = await until('the long text', async () => {
    const page = await call<{ messages: Message[] }>(product, 'GET', `/api/agents/${agent.id}/messages?limit=100`);
    return page.messages.some((message) => message.kind === 'text' && message.text.length === DOWN && message.done)
      ? page.messages
      : null;
  });
  const through = messages.find((message) => message.kind === 'tool');
  assert.ok(through?.kind === 'tool' && through.result?.text.includes('through'));
  const streamed = () =>
    live.changes().filter((change) => change.type === 'delta').reduce((sum, { text }) => sum + text.length, 0);
  await until(() => `the text by the feed: ${streamed()} characters`, () => streamed() >= DOWN / 2);
  live.socket.close();
  return agent;
}

/** Keystrokes and output, and the output again from where a cut connection was. */
async function terminal(product: Product): Promise<void> {
  const headers = { cookie: await product.login(), origin: product.relayUrl };
  const origin = product.relayUrl.replace('http', 'ws');
  const { id } = await call<TerminalInfo>(product, 'POST', '/api/terminals', { directory: product.directory });
  const viewer = await TestViewer.open(origin, id, { headers });
  viewer.type('echo $((40 + 2))-first\r');
  await viewer.sees('42-first');
  await viewer.cut();
  const again = await TestViewer.open(origin, id, { headers, client: viewer.client, offset: viewer.offset });
  again.type('head -c 300000 /dev/zero | tr "\\\\0" x; echo $((40 + 2))-second\r');
  await again.sees('42-second', 20_000);
  assert.ok(Buffer.byteLength(again.bytes()) >= 300_000);
  again.socket.close();
  await call(product, 'DELETE', `/api/terminals/${id}`);
}

/** The relay goes down orderly, then by a crash: the tunnel comes back, and the feed goes on where it was. */
async function restarts(product: Product, agent: AgentInfo): Promise<void> {
  const watch = [{ agent: agent.id }];
  const before = await liveClient(product.relayUrl, { watch }, { cookie: await product.login() });
  const welcome = before.seen[0] as Extract<LiveMessage, { type: 'welcome' }>;
  const snapshot = await before.wait(({ type }) => type === 'messages') as Extract<LiveMessage, { type: 'messages' }>;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await product.relay!.kill(signal);
    await product.startRelay();
    await product.tunnel(true);
    assert.is((await product.fetch('/api/health')).status, 200, signal);
  }
  const hello = { epoch: welcome.epoch, last: snapshot.seq, watch };
  const after = await liveClient(product.relayUrl, hello, { cookie: await product.login() });
  assert.is((after.seen[0] as typeof welcome).resumed, true);
  await call(product, 'POST', `/api/agents/${agent.id}/message`, { text: 'hello again' });
  await after.wait((message) => message.type === 'event' && message.change.type === 'message');
  after.socket.close();
}

test.run();
