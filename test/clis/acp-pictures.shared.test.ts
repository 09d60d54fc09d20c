/**
 * Pictures through the real agents of the protocol: one that is sent reaches the model, one that a tool reads is shown as its
 * CLI gives it, and both are there after kill -9 of the server.
 */
import { createHash, randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message, Picture } from '../../core/api/messages.ts';
import { acpClis } from '../support/harness/acp-clis.ts';
import { type Product, ROOT, startProduct, until } from '../support/harness/product.ts';
import { type ChatRule, type ChatStub, startChatStub } from '../support/stubs/stub-chat.ts';

/** The CLIs share two cores. */
const WAIT_MS = 90_000;
const NAMES = ['gemini', 'opencode', 'qwen', 'copilot'] as const;
type Name = typeof NAMES[number];
const READ: Record<Name, (path: string) => { name: string; input: Record<string, unknown> }> = {
  gemini: (file_path) => ({ name: 'read_file', input: { file_path } }),
  opencode: (filePath) => ({ name: 'read', input: { filePath } }),
  qwen: (file_path) => ({ name: 'read_file', input: { file_path } }),
  copilot: (path) => ({ name: 'view', input: { path } }),
};
/** Those that put a picture into a tool's result; the others name its file and show it to their model only. */
const SHOWS: ReadonlySet<Name> = new Set(['opencode']);
const read = readFileSync(join(ROOT, 'ui/public/icon-192.png'));
const sent = readFileSync(join(ROOT, 'ui/public/icon-512.png'));

let product: Product;
let stub: ChatStub;
let home: string;
let drawing: string;
const ids = {} as Record<Name, string>;

test.before(async () => {
  product = await startProduct({
    withRelay: false,
    agentEnv: { CLAUDE_BIN: '/nonexistent', CODEX_BIN: '/nonexistent' },
  });
  const rules: ChatRule[] = [];
  stub = await startChatStub(rules);
  home = mkdtempSync(join(tmpdir(), 'acp-pictures-'));
  mkdirSync(join(home, 'project'));
  drawing = join(home, 'project/drawing.png');
  copyFileSync(join(ROOT, 'ui/public/icon-192.png'), drawing);
  const clis = acpClis(stub.url, home);
  for (const name of NAMES) {
    rules.push({ match: new RegExp(`${name} look`), steps: [{ tool: READ[name](drawing) }, { text: 'Seen.' }] });
  }
  await call('PUT', '/api/settings', { acpAgents: NAMES.map((name) => clis[name].agent) });
});
test.after(async () => {
  // Gemini writes to its home for some time after a kill; it is asked to end.
  await Promise.all(Object.values(ids).map((id) => call('POST', `/api/agents/${id}/stop`, {}).catch(() => {})));
  await product?.close();
  await stub?.close();
  if (home) await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
});

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(product.localUrl + path, {
    method,
    headers: { 'content-type': 'application/json', origin: product.localUrl },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await response.json() as T;
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}
const history = async (id: string) =>
  (await call<{ messages: Message[] }>('GET', `/api/agents/${id}/messages?limit=1000`)).messages;

async function finish(id: string): Promise<void> {
  await until('the turn is over', async () => {
    const { state, stateText, pending } = await call<AgentInfo>('GET', `/api/agents/${id}`);
    assert.is.not(state, 'error', stateText);
    if (pending[0]) {
      const body = { decision: 'allow', clientId: randomUUID() };
      await call('POST', `/api/agents/${id}/permissions/${pending[0]}`, body);
    }
    return state === 'idle' && (await history(id)).at(-1)?.kind === 'turn';
  }, WAIT_MS);
}

const picturesOf = (messages: readonly Message[]): Picture[] =>
  messages.flatMap((message) =>
    message.kind === 'user' ? message.images : message.kind === 'tool' ? message.result?.pictures ?? [] : []
  );
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function served(id: string, wanted: readonly string[]): Promise<void> {
  const found = picturesOf(await history(id));
  assert.equal(found.map(({ hash }) => hash), wanted);
  for (const { hash } of found) {
    const response = await fetch(`${product.localUrl}/api/agents/${id}/pictures/${hash}`);
    assert.equal([response.status, response.headers.get('content-type')], [200, 'image/png']);
    assert.is(hashOf(new Uint8Array(await response.arrayBuffer())), hash);
  }
}

for (const name of NAMES) {
  test(`${name}: the model gets what was sent; ${SHOWS.has(name) ? 'what Read returned is shown' : 'Read says it in words'}`, async () => {
    const body = { provider: name, directory: join(home, 'project'), flags: { worktree: false } };
    const { id } = await call<AgentInfo>('POST', '/api/agents', body);
    ids[name] = id;
    const images = [{ mediaType: 'image/png', data: sent.toString('base64') }];
    await call('POST', `/api/agents/${id}/message`, { text: `${name} look`, images, clientId: randomUUID() });
    await finish(id);
    const asked = stub.seen.filter(({ words }) => words.includes(`${name} look`));
    assert.ok(asked.some(({ images }) => images.includes(sent.toString('base64'))), 'the model has the picture');
    await served(id, wanted(name));
  });
}

const wanted = (name: Name) => [hashOf(sent), ...(SHOWS.has(name) ? [hashOf(read)] : [])];

test('after kill -9 they are there, though the file is not', async () => {
  rmSync(drawing);
  await product.agent!.kill('SIGKILL');
  await product.startAgent();
  for (const name of NAMES) await served(ids[name], wanted(name));
});

test.run();
