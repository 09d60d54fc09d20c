/**
 * The real agents of the protocol through the whole product: the relay's single file, the agent machine, the dashboard in a
 * browser, stubs of their models' APIs. All at the same time: most of a turn is waiting for a program of 300 MB to think.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Browser } from 'playwright-core';
import { endHolders } from '../../agent/process/holder/end.ts';
import type { AgentInfo, CreateAgentBody } from '../../core/api/agents.ts';
import { approvalOf } from '../../core/api/approval.ts';
import type { Message, RequestMessage } from '../../core/api/messages.ts';
import type { Changes } from '../../core/api/workspace.ts';
import { acpClis } from '../support/harness/acp-clis.ts';
import { pressAnswer } from '../support/harness/answers.ts';
import { launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';
import { type ChatRule, type ChatStub, startChatStub } from '../support/stubs/stub-chat.ts';

/** The CLIs share two cores. */
const WAIT_MS = 90_000;
const NAMES = ['gemini', 'opencode', 'qwen', 'copilot'] as const;
type Name = typeof NAMES[number];

/** Their sessions are on disk after any turn; Gemini was seen to know its own, and not to. */
const ALWAYS_RESUME: readonly Name[] = ['opencode', 'qwen', 'copilot'];

let product: Product;
let stub: ChatStub;
let browser: Browser;
let home: string;
let clis: ReturnType<typeof acpClis>;
const agents = {} as Record<Name, AgentInfo>;
const times: string[] = [];

const LONG = { text: 'word '.repeat(2000), delayMs: 10 };

/** One scenario for all: the words name the CLI, which has its own tools. */
function rules(): ChatRule[] {
  return NAMES.flatMap((name) => {
    const { command, write } = clis[name];
    const file = () => join(agents[name].worktree?.path ?? agents[name].directory, 'written.txt');
    return [
      { match: new RegExp(`${name} long`), steps: [LONG] },
      {
        match: new RegExp(`${name} shell`),
        steps: [{ tool: command('echo hi > allowed.txt') }, { text: 'Shell over.' }],
      },
      { match: new RegExp(`${name} denied`), steps: [{ tool: command('echo no > denied.txt') }, { text: 'So not.' }] },
      {
        match: new RegExp(`${name} write`),
        steps: [{
          get tool() {
            return write(file(), 'first line\nsecond line\n');
          },
        }, { text: 'Written down.' }],
      },
      { match: new RegExp(`${name} again`), steps: [{ text: `Still here, ${name}.` }] },
    ];
  });
}

test.before(async () => {
  product = await startProduct({ agentEnv: { CLAUDE_BIN: '/nonexistent', CODEX_BIN: '/nonexistent' } });
  const list: ChatRule[] = [];
  stub = await startChatStub(list);
  home = mkdtempSync(join(tmpdir(), 'acp-clis-'));
  clis = acpClis(stub.url, home);
  list.push(...rules());
  await send('PUT', '/api/settings', { acpAgents: NAMES.map((name) => clis[name].agent) });
  browser = await launchBrowser();
});

test.after(async () => {
  await browser?.close();
  await product?.close();
  await stub?.close();
  // Some write to it to their last moment.
  if (home) rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  if (times.length) console.log(times.join('\n'));
});

async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await product.fetch(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const answer = await response.json() as T;
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

const info = (name: Name) => send<AgentInfo>('GET', `/api/agents/${agents[name].id}`);
async function history(name: Name): Promise<Message[]> {
  const { messages } = await send<{ messages: Message[] }>('GET', `/api/agents/${agents[name].id}/messages?limit=1000`);
  lastWords[name] = JSON.stringify(messages.slice(-4)).slice(-1500);
  return messages;
}
/** The end of the conversation, for what was not seen in time. */
const lastWords: Partial<Record<Name, string>> = {};
const say = (name: Name, words: string) =>
  send('POST', `/api/agents/${agents[name].id}/message`, { text: `${name} ${words}`, clientId: randomUUID() });
const has = async (name: Name, text: string) =>
  (await history(name)).some((message) => message.kind === 'text' && message.text.includes(text));

/** Each CLI does the step; the slowest says how long it takes. */
function each(title: string, step: (name: Name) => Promise<void>): void {
  test(title, async () => {
    const startedAt = performance.now();
    const results = await Promise.allSettled(NAMES.map(async (name) => {
      await step(name);
      times.push(`${title}: ${name} ${Math.round(performance.now() - startedAt)} ms`);
    }));
    const failures = results.flatMap((result, i) =>
      result.status === 'rejected' ? [`${NAMES[i]}: ${(result.reason as Error).message}`] : []
    );
    if (failures.length) console.log(`${title}:`, failures.join('\n'));
    assert.equal(failures, []);
  });
}

async function idle(name: Name): Promise<void> {
  await until(
    () => `${name} is idle; ${lastWords[name]}`,
    async () => (await history(name)) && (await info(name)).state === 'idle',
    WAIT_MS,
  );
}

async function pending(name: Name): Promise<RequestMessage> {
  const id = await until(`a request of ${name}`, async () => (await info(name)).pending[0], WAIT_MS);
  return (await history(name)).find((message) => message.id === id) as RequestMessage;
}

const decide = (name: Name, request: RequestMessage, decision: string) =>
  send('POST', `/api/agents/${agents[name].id}/permissions/${request.id}`, { decision, clientId: randomUUID() });

const cwd = (name: Name) => agents[name].worktree?.path ?? agents[name].directory;

each('created, it streams, and an interrupt ends its turn', async (name) => {
  const directory = join(product.directory, `project-${name}`);
  mkdirSync(directory);
  writeFileSync(join(directory, 'README.md'), 'hello\n');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: directory });
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'first');
  const body: CreateAgentBody = { directory, provider: name, prompt: `${name} long story`, clientId: randomUUID() };
  agents[name] = await send<AgentInfo>('POST', '/api/agents', body);
  await until(() => `${name} speaks; ${lastWords[name]}`, () => has(name, 'word word'), WAIT_MS);
  assert.is((await info(name)).state, 'running');
  await send('POST', `/api/agents/${agents[name].id}/interrupt`, {});
  await idle(name);
  const turn = (await history(name)).findLast(({ kind }) => kind === 'turn') as Extract<Message, { kind: 'turn' }>;
  assert.is(turn.outcome, 'interrupted');
});

test('a second prompt and a permission, allowed in the browser: every option stands there by its own name', async () => {
  const startedAt = performance.now();
  for (const name of NAMES) await say(name, 'shell please');
  const { page, problems } = await openPage(browser, PHONE);
  await page.goto(product.relayUrl);
  await page.getByRole('textbox', { name: 'Password' }).fill(product.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: /New agent/ }).or(page.getByRole('button', { name: /New agent/ })).first()
    .waitFor();
  for (const name of NAMES) {
    const request = await pending(name);
    assert.not.ok(existsSync(join(cwd(name), 'allowed.txt')), `${name} acted unasked`);
    await page.goto(`${product.relayUrl}/#/agents/${agents[name].id}`);
    const card = page.locator('.request-card').last();
    await card.getByText('echo hi > allowed.txt').first().waitFor();
    for (const { label } of request.choices) await card.getByRole('button', { name: label, exact: true }).waitFor();
    assert.is(await card.getByRole('button', { name: /Edit/ }).count(), 0, 'no edit of the input');
    const allow = request.choices.find(({ id }) => id === 'allow')!;
    await pressAnswer(card.getByRole('button', { name: allow.label, exact: true }));
    await until(`the file of ${name}`, () => existsSync(join(cwd(name), 'allowed.txt')), WAIT_MS);
    await page.getByText('Shell over.').first().waitFor({ timeout: WAIT_MS });
    assert.not.ok(await page.getByText('$').count(), 'no cost that nobody lastWords');
    times.push(`allowed in the browser: ${name} ${Math.round(performance.now() - startedAt)} ms`);
  }
  assert.equal(problems, []);
  await page.context().close();
});

each('a permission that is denied: nothing is done', async (name) => {
  await idle(name);
  await say(name, 'denied please');
  await decide(name, await pending(name), 'deny');
  await idle(name);
  assert.not.ok(existsSync(join(cwd(name), 'denied.txt')));
  const request = (await history(name)).findLast(({ kind }) => kind === 'request') as RequestMessage;
  assert.is(request.status, 'answered');
});

each('a file is written: all of it is seen before it is allowed, and its diff afterwards', async (name) => {
  await say(name, 'write please');
  const request = await pending(name);
  const approval = approvalOf(request);
  assert.ok(approval.isWhole, JSON.stringify(request));
  const seen = JSON.stringify([approval.diffs, approval.fields, approval.description]);
  for (const line of ['first line', 'second line', 'written.txt']) {
    assert.ok(seen.includes(line), `${line} in ${seen}`);
  }
  await decide(name, request, 'allow');
  await idle(name);
  assert.is(readFileSync(join(cwd(name), 'written.txt'), 'utf8'), 'first line\nsecond line\n');
  const changes = await send<Changes>('GET', `/api/agents/${agents[name].id}/changes`);
  const paths = changes.files.map(({ path }) => path);
  assert.ok(paths.includes('written.txt'), `${JSON.stringify(changes).slice(0, 500)}`);
  const diff = JSON.stringify(await send('GET', `/api/agents/${agents[name].id}/changes/file?path=written.txt`));
  assert.match(diff, /\+second line/);
});

test('the server and the agents are killed: each goes on where it can, and says so where it cannot', async () => {
  const startedAt = performance.now();
  for (const name of NAMES) await idle(name);
  const before = Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, (await info(name)).sessionId])));
  await product.agent!.kill('SIGKILL');
  await endHolders(product.dataDir);
  await product.startAgent();
  await product.tunnel(true);
  const outcomes = await Promise.all(NAMES.map(async (name) => {
    await say(name, 'again please');
    await until(
      () => `${name} answers; ${lastWords[name]}`,
      () => has(name, `Still here, ${name}.`),
      WAIT_MS,
    );
    await idle(name);
    const isSame = (await info(name)).sessionId === before[name];
    const notes = (await history(name)).flatMap((message) => message.kind === 'notice' ? [message.text] : []);
    times.push(
      `killed: ${name} ${isSame ? 'goes on' : 'is new'} after ${Math.round(performance.now() - startedAt)} ms`,
    );
    return { name, isSame, saysNew: notes.some((text) => /new one begins/i.test(text)) };
  }));
  for (const { name, isSame, saysNew } of outcomes) {
    assert.is(saysNew, !isSame, `${name}: a new session is said to be new, and no other`);
    assert.ok(isSame || !ALWAYS_RESUME.includes(name), `${name} goes on`);
  }
});

each('stopped, nothing of it is left', async (name) => {
  const { cli } = await info(name);
  await send('POST', `/api/agents/${agents[name].id}/stop`, {});
  const stopped = await until(`${name} has stopped`, async () => {
    const now = await info(name);
    return now.state === 'stopped' && !now.cli.running ? now : null;
  }, WAIT_MS);
  assert.is(stopped.stateReason, 'stopped_by_user');
  assert.throws(() => process.kill(-cli.pid!, 0), /ESRCH/, 'its group is gone');
});

test.run();
