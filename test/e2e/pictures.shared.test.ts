/** Pictures that are sent and that tools return, by each kind of CLI: kept, served inert, there after kill -9, gone with the agent. */
import { Buffer } from 'node:buffer';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message, Picture } from '../../core/api/messages.ts';
import { FAKE_CLAUDE } from '../support/harness/agent-server.ts';
import { type Product, ROOT, startProduct, until } from '../support/harness/product.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const fake = (name: string) => join(ROOT, 'test/support/fakes', name);

let product: Product;
let project: string;
let file: string;
test.before(async () => {
  product = await startProduct({
    agentEnv: { CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: fake('fake-codex.mjs'), TERMINAL: 'off' },
  });
  project = join(product.directory, 'project');
  mkdirSync(project);
  file = join(project, 'drawing.png');
  writeFileSync(file, PNG);
  const acpAgents = [{ id: 'fake', name: 'Fake', command: process.execPath, args: [fake('fake-acp.mjs')] }];
  const { status, body } = await call('PUT', '/api/settings', { acpAgents });
  assert.is(status, 200, JSON.stringify(body));
});
test.after(() => product?.close());

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(product.localUrl + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: response.status, body: await response.json() as any };
}

async function create(prompt: string, more: object = {}): Promise<AgentInfo> {
  const { status, body } = await call('POST', '/api/agents', { directory: project, prompt, ...more });
  assert.is(status, 201, JSON.stringify(body));
  return body;
}

/** The pictures of an agent's messages, once there are so many. */
async function pictures(agent: string, count: number): Promise<Picture[]> {
  let found: Picture[] = [];
  await until(`${count} pictures`, async () => {
    const { messages } = (await call('GET', `/api/agents/${agent}/messages?limit=100`)).body as { messages: Message[] };
    found = messages.flatMap((message) =>
      message.kind === 'user' ? message.images : message.kind === 'tool' ? message.result?.pictures ?? [] : []
    );
    return found.length >= count;
  });
  assert.is(found.length, count);
  return found;
}

const get = (agent: string, hash: string, headers: Record<string, string> = {}) =>
  fetch(`${product.localUrl}/api/agents/${agent}/pictures/${hash}`, { headers });

async function seen(agent: string, [picture]: readonly Picture[]): Promise<void> {
  assert.equal([picture!.mediaType, picture!.size], ['image/png', PNG.length]);
  const response = await get(agent, picture!.hash!);
  assert.is(response.status, 200);
  assert.ok(Buffer.from(await response.arrayBuffer()).equals(PNG));
}

test('Claude: Read of a picture, and one that was sent; after kill -9 both are there; with the agent they go', async () => {
  const { id } = await create(`picture ${file}`);
  await seen(id, await pictures(id, 1));
  const sent = await call('POST', `/api/agents/${id}/message`, {
    text: 'hello',
    images: [{ mediaType: 'image/png', data: PNG.toString('base64') }],
  });
  assert.is(sent.status, 200);
  assert.is(sent.body.message.images[0].hash, (await pictures(id, 2))[0]!.hash, 'the same bytes are kept once');
  await product.agent!.kill('SIGKILL');
  await product.startAgent();
  for (const picture of await pictures(id, 2)) await seen(id, [picture]);
  const directory = join(product.dataDir, 'agents', id);
  assert.is(readdirSync(join(directory, 'pictures')).length, 1);
  assert.is((await call('DELETE', `/api/agents/${id}`)).status, 200);
  assert.not.ok(existsSync(directory));
});

test('Codex: a picture that it looked at, and that of an MCP tool, whose text has no placeholder', async () => {
  const { id } = await create(`see ${file}`, { provider: 'codex' });
  for (const picture of await pictures(id, 2)) await seen(id, [picture]);
  const { messages } = (await call('GET', `/api/agents/${id}/messages`)).body as { messages: Message[] };
  const texts = messages.flatMap((message) => message.kind === 'tool' ? [message.result?.text] : []);
  assert.equal(texts, ['', 'a page']);
});

for (
  const [what, change] of [
    ['is gone', (path) => rmSync(path)],
    ['is another picture', (path) => writeFileSync(path, readFileSync(join(ROOT, 'ui/public/icon-192.png')))],
    ['is no picture', (path) => writeFileSync(path, 'text')],
  ] as [string, (path: string) => void][]
) {
  test(`Codex: the file that it looked at ${what} when the next server applies the turn again`, async () => {
    const path = join(project, `${what}.png`);
    writeFileSync(path, PNG);
    const { id } = await create(`see ${path}`, { provider: 'codex' });
    await pictures(id, 2);
    // So soon that the server has not marked yet how far it has read.
    await product.agent!.kill('SIGKILL');
    change(path);
    await product.startAgent();
    await until('the turn', async () => (await call('GET', `/api/agents/${id}`)).body.state === 'idle');
    for (const picture of await pictures(id, 2)) await seen(id, [picture]);
  });
}

test('ACP: a picture in a result; what is called one and is none stays a word', async () => {
  const { id } = await create('picture', { provider: 'fake' });
  await seen(id, await pictures(id, 1));
  const { messages } = (await call('GET', `/api/agents/${id}/messages`)).body as { messages: Message[] };
  const tool = messages.find((message) => message.kind === 'tool');
  assert.is(tool?.kind === 'tool' && tool.result?.text, 'a page\n[image]');
});

test('it is served so that it can do nothing, through the relay too, and only what is kept', async () => {
  const { id } = await create(`picture ${file}`);
  const [picture] = await pictures(id, 1);
  const path = `/api/agents/${id}/pictures/${picture!.hash}`;
  const etag = `"${picture!.hash}"`;
  for (const response of [await get(id, picture!.hash!), await product.fetch(path)]) {
    const field = (name: string) => response.headers.get(name);
    assert.is(response.status, 200);
    assert.is(field('content-type'), 'image/png');
    assert.is(field('x-content-type-options'), 'nosniff');
    assert.match(field('content-security-policy') ?? '', /default-src 'none'.*sandbox/);
    assert.is(field('cross-origin-resource-policy'), 'same-origin');
    assert.is(field('etag'), etag);
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(PNG));
  }
  assert.is((await get(id, picture!.hash!, { 'if-none-match': etag })).status, 304);
  for (const hash of ['0'.repeat(64), '..%2Fagent.json', 'x']) assert.is((await get(id, hash)).status, 404, hash);
  // What was changed on the disk is not a picture any more.
  writeFileSync(join(product.dataDir, 'agents', id, 'pictures', picture!.hash!), '<html><script>1</script>');
  assert.is((await get(id, picture!.hash!)).status, 404);
  const other = await create('hello');
  assert.is((await get(other.id, picture!.hash!)).status, 404, "another agent's");
});

test.run();
