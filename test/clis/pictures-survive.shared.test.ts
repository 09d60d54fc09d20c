/**
 * Pictures through the real Claude Code and the real Codex after kill -9 of the server: one that a tool reads, one that an MCP
 * server returns, one that is sent. Killed after the turn, while the turn streams, and before the tool has its result.
 */
import { Buffer } from 'node:buffer';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Browser } from 'playwright-core';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message, Picture } from '../../core/api/messages.ts';
import { launchBrowser, openPage } from '../support/harness/browser.ts';
import { CLAUDE_BIN, claudeEnv } from '../support/harness/claude-harness.ts';
import { CODEX_BIN, codexConfig } from '../support/harness/codex-harness.ts';
import { freePort, type Product, ROOT, startProduct, until } from '../support/harness/product.ts';
import { startAnthropicStub } from '../support/stubs/stub-anthropic.mjs';
import { startOpenAIStub } from '../support/stubs/stub-openai.mjs';

/** The CLIs share two cores. */
const WAIT_MS = 60_000;
const FAKE_MCP = join(ROOT, 'test/support/fakes/fake-mcp.mjs');
/** Long enough for a server to be killed in its middle, and to start. */
const LONG = { text: 'As I see in the picture, '.repeat(60), chunk: 6, delayMs: 60 };
const DONE = { text: 'I have seen it.' };

let home: string;
let product: Product;
let browser: Browser;
let anthropic: Awaited<ReturnType<typeof startAnthropicStub>>;
let openai: Awaited<ReturnType<typeof startOpenAIStub>>;
const path = (...names: string[]) => join(home, ...names);
/** A picture of its own for each way, so that one cannot be taken for another. */
const shots = {} as Record<'read' | 'mcp' | 'sent', Buffer>;

test.before(async () => {
  home = join(process.env.TMPDIR ?? '/tmp', `pictures-${process.pid}-${await freePort()}`);
  for (const name of ['claude', 'tmp', 'codex', 'project']) mkdirSync(path(name), { recursive: true });
  browser = await launchBrowser();
  for (const [name, colour] of [['read', 'teal'], ['mcp', 'gold'], ['sent', 'plum']] as const) {
    const page = await browser.newPage({ viewport: { width: 320, height: 200 } });
    await page.setContent(`<body style="background:${colour};font:60px sans-serif">${name}</body>`);
    shots[name] = await page.screenshot();
    await page.close();
  }
  writeFileSync(path('shot.png'), shots.mcp);
  const read = path('project/drawing.png');
  const claudeTools = {
    read: { tool: { name: 'Read', input: { file_path: read } } },
    mcp: { tool: { name: 'mcp__shots__shot', input: {} } },
  };
  const codexTools = {
    read: { tool: { name: 'view_image', arguments: { path: read } } },
    mcp: { tool: { name: 'shot', namespace: 'mcp__shots', arguments: {} } },
  };
  anthropic = await startAnthropicStub({ scenario: scenario(claudeTools) });
  openai = await startOpenAIStub({ scenario: scenario(codexTools) });
  const mcp = `[mcp_servers.shots]\ncommand = ${JSON.stringify(process.execPath)}\n` +
    `args = ${JSON.stringify([FAKE_MCP, path('shot.png'), path('gate')])}\ntool_timeout_sec = 120\n`;
  writeFileSync(path('codex/config.toml'), codexConfig(openai.url) + mcp);
  const env = { ...claudeEnv(home, anthropic.url), CODEX_HOME: path('codex'), STUB_API_KEY: 'dummy' };
  product = await startProduct({ withRelay: false, agentEnv: { ...env, CLAUDE_BIN, CODEX_BIN } });
});
test.after(async () => {
  await browser?.close();
  await product?.close();
  await Promise.all([anthropic?.close(), openai?.close()]);
  rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});
test.before.each(() => {
  rmSync(path('gate'), { force: true });
  writeFileSync(path('project/drawing.png'), shots.read);
});

const scenario = (tools: Record<'read' | 'mcp', object>) => ({
  rules: [
    { match: '^read then talk', steps: [tools.read, LONG] },
    { match: '^read', steps: [tools.read, DONE] },
    { match: '^shoot', steps: [tools.mcp, DONE] },
    { match: '^see then talk', steps: [LONG] },
    { match: '^see', steps: [DONE] },
  ],
  default: { text: 'Stub answer.' },
});

async function call<T>(method: string, address: string, body?: unknown): Promise<T> {
  const response = await fetch(product.localUrl + address, {
    method,
    headers: { 'content-type': 'application/json', origin: product.localUrl },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await response.json() as T;
  assert.ok(response.ok, `${method} ${address}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

const info = (id: string) => call<AgentInfo>('GET', `/api/agents/${id}`);
const history = async (id: string) =>
  (await call<{ messages: Message[] }>('GET', `/api/agents/${id}/messages?limit=1000`)).messages;
const picturesOf = (messages: readonly Message[]): Picture[] =>
  messages.flatMap((message) =>
    message.kind === 'user' ? message.images : message.kind === 'tool' ? message.result?.pictures ?? [] : []
  );
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function create(provider: string): Promise<string> {
  const shot = { command: process.execPath, args: [FAKE_MCP, path('shot.png'), path('gate')] };
  const mcp = provider === 'claude' ? { mcpConfig: JSON.stringify({ mcpServers: { shots: shot } }) } : {};
  const body = { provider, directory: path('project'), flags: { worktree: false, ...mcp } };
  return (await call<AgentInfo>('POST', '/api/agents', body)).id;
}

const say = (id: string, text: string, images: object[] = []) =>
  call('POST', `/api/agents/${id}/message`, { text, images, clientId: randomUUID() });
const image = (bytes: Buffer) => ({ mediaType: 'image/png', data: bytes.toString('base64') });

/** Allows what is asked, and waits until the turn is over. */
async function finish(id: string): Promise<void> {
  await until(() => `the turn of ${id} is over\n${product.agent!.output().slice(-2000)}`, async () => {
    const { state, stateText, pending, queue } = await info(id);
    assert.is.not(state, 'error', stateText);
    if (pending[0]) await allow(id, pending[0]);
    return state === 'idle' && !queue.length && (await history(id)).at(-1)?.kind === 'turn';
  }, WAIT_MS);
}
const allow = (id: string, request: string) =>
  call('POST', `/api/agents/${id}/permissions/${request}`, { decision: 'allow', clientId: randomUUID() });

async function restart(): Promise<void> {
  await product.agent!.kill('SIGKILL');
  await product.startAgent();
}

/** They are what was shown, byte by byte, under the hash that the conversation names. */
async function served(id: string, wanted: readonly Buffer[]): Promise<void> {
  const found = picturesOf(await history(id));
  assert.equal(found.map(({ hash }) => hash), wanted.map(hashOf));
  for (const [i, { hash, size }] of found.entries()) {
    const response = await fetch(`${product.localUrl}/api/agents/${id}/pictures/${hash}`);
    assert.equal([response.status, response.headers.get('content-type')], [200, 'image/png']);
    const bytes = Buffer.from(await response.arrayBuffer());
    assert.equal([bytes.length, hashOf(bytes)], [size, hashOf(wanted[i]!)]);
  }
}

const streams = (id: string) =>
  until('words of the turn', async () =>
    (await info(id)).state === 'running' &&
    (await history(id)).some((message) => message.kind === 'text' && message.text.includes('As I see')), WAIT_MS);

/** Once, as a person sees it: each thumbnail and its full view are drawn at their size. */
async function shown(id: string, count: number): Promise<void> {
  const { page, problems } = await openPage(browser);
  await page.goto(`${product.localUrl}/#/agents/${id}`);
  const sizes = () =>
    page.locator('.picture-thumb img').evaluateAll((list) =>
      list.map((img) => [(img as HTMLImageElement).naturalWidth, (img as HTMLImageElement).naturalHeight])
    );
  await until(`${count} thumbnails`, async () => (await sizes()).filter(([width]) => width! > 0).length === count);
  assert.equal(await sizes(), Array(count).fill([320, 200]));
  await page.getByRole('button', { name: /^Picture, / }).last().click();
  const full = page.locator('.picture-full img');
  await until('the full view', () => full.evaluate((img) => (img as HTMLImageElement).naturalWidth === 320));
  assert.equal(problems, []);
  await page.context().close();
}

for (const provider of ['claude', 'codex']) {
  test(`${provider}: read by a tool, returned by an MCP server, sent: all there after kill -9 behind the turns`, async () => {
    writeFileSync(path('gate'), '');
    const id = await create(provider);
    for (const words of ['read it', 'shoot it']) {
      await say(id, words);
      await finish(id);
    }
    await say(id, 'see it', [image(shots.sent)]);
    await finish(id);
    // Nothing is read again from where it came from.
    rmSync(path('project/drawing.png'));
    await restart();
    await served(id, [shots.read, shots.mcp, shots.sent]);
    await shown(id, 3);
  });

  test(`${provider}: killed while the turn with the picture streams, twice`, async () => {
    const id = await create(provider);
    await say(id, 'read then talk');
    await streams(id);
    rmSync(path('project/drawing.png'));
    await restart();
    await served(id, [shots.read]);
    await finish(id);
    await say(id, 'see then talk', [image(shots.sent)]);
    await streams(id);
    await restart();
    await served(id, [shots.read, shots.sent]);
    await finish(id);
    await served(id, [shots.read, shots.sent]);
  });

  test(`${provider}: the picture comes while no server is there`, async () => {
    const id = await create(provider);
    await say(id, 'shoot it');
    await until('the tool runs, as it was allowed to', async () => {
      const { pending } = await info(id);
      if (pending[0]) await allow(id, pending[0]);
      const messages = await history(id);
      return messages.some((message) => message.kind === 'request' && message.status === 'answered') &&
        messages.some((message) => message.kind === 'tool' && message.status === 'running');
    }, WAIT_MS);
    await product.agent!.kill('SIGKILL');
    writeFileSync(path('gate'), '');
    await product.startAgent();
    await finish(id);
    await served(id, [shots.mcp]);
  });
}

test.run();
