/**
 * The real Claude Code and the real Codex outlive the server: their turns stream, ask and have a background task, a terminal prints
 * numbers, and the server is killed and restarted at random moments. No turn is cut, no byte lost or doubled, each decision delivered once.
 *
 *   KILLS, RESTARTS   how many; 50 and 20 for the whole of it
 *   SEED              of the moments
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { randomUUID } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message } from '../../core/api/messages.ts';
import { seeded } from '../support/fakes/seeded.ts';
import { CLAUDE_BIN, claudeEnv } from '../support/harness/claude-harness.ts';
import { CODEX_BIN, codexConfig } from '../support/harness/codex-harness.ts';
import { freePort, type Product, startProduct, until } from '../support/harness/product.ts';
import { TestViewer } from '../support/harness/terminal-harness.ts';
import { startAnthropicStub } from '../support/stubs/stub-anthropic.mjs';
import { startOpenAIStub } from '../support/stubs/stub-openai.mjs';

const KILLS = Number(process.env.KILLS ?? 3);
const RESTARTS = Number(process.env.RESTARTS ?? 2);
const SEED = Number(process.env.SEED ?? 20261130);
/** A server is left alone so long at most, ms. */
const MAX_LIFE = 2500;
/** More turns than there is time for. */
const MAX_TURNS = 20 * (KILLS + RESTARTS) + 20;
const END_MS = 120_000;

const BEFORE = 'Before the command. '.repeat(20).trim();
const AFTER = 'After the command. '.repeat(20).trim();
/** Counts as long as it runs; one that was begun twice, or ended, shows. */
const BACKGROUND = 'i=0; while :; do i=$((i+1)); echo $i >> background.txt; sleep 0.2; done';
const NUMBERS = `exec sh -c 'stty -echo; i=0; while :; do i=$((i+1)); echo n$i; sleep 0.01; done'\r`;

type Shell = (command: string, more?: object) => object;
const shellOfClaude: Shell = (command, more = {}) => ({ name: 'Bash', input: { command, description: 'x', ...more } });
const shellOfCodex: Shell = (cmd) => ({ name: 'exec_command', arguments: { cmd } });
const scenario = (name: string, shell: Shell, first: object[]) => ({
  rules: [
    { match: '^begin$', steps: first },
    ...Array.from({ length: MAX_TURNS }, (_, i) => ({
      match: `^turn ${i}$`,
      steps: [
        { text: BEFORE, tool: shell(`echo ${i} >> ${name}.txt`), chunk: 6, delayMs: 8 },
        { text: AFTER, chunk: 6, delayMs: 8 },
      ],
    })),
  ],
  default: { text: 'Stub answer.' },
});

let home: string;
let product: Product;
let claude: Awaited<ReturnType<typeof startAnthropicStub>>;
let codex: Awaited<ReturnType<typeof startOpenAIStub>>;
test.before(async () => {
  home = join(process.env.TMPDIR ?? '/tmp', `restarts-${process.pid}-${await freePort()}`);
  for (const name of ['claude', 'tmp', 'codex', 'project']) mkdirSync(join(home, name), { recursive: true });
  const background = [{ tool: shellOfClaude(BACKGROUND, { run_in_background: true }) }, { text: 'It runs.' }];
  claude = await startAnthropicStub({ scenario: scenario('claude', shellOfClaude, background) });
  codex = await startOpenAIStub({ scenario: scenario('codex', shellOfCodex, [{ text: 'Begun.' }]) });
  writeFileSync(join(home, 'codex/config.toml'), codexConfig(codex.url));
  const env = { ...claudeEnv(home, claude.url), CODEX_HOME: join(home, 'codex'), STUB_API_KEY: 'dummy' };
  product = await startProduct({ withRelay: false, agentEnv: { ...env, CLAUDE_BIN, CODEX_BIN } });
});
test.after(async () => {
  await product?.close();
  await Promise.all([claude?.close(), codex?.close()]);
  rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

/** Tried until a server answers. */
async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init = { method, headers: { 'content-type': 'application/json', origin: product.localUrl } };
  for (const end = Date.now() + END_MS;;) {
    const reply = await fetch(product.localUrl + path, {
      ...init,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).then(async (response) => ({ status: response.status, body: await response.json() }), () => null);
    if (reply && reply.status < 300) return reply.body as T;
    if (reply && ![500, 502, 503].includes(reply.status)) throw new Error(`${path}: ${JSON.stringify(reply)}`);
    if (Date.now() > end) throw new Error(`${path}: no answer\n${product.agent?.output().slice(-2000)}`);
    await pause(50);
  }
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const info = (id: string) => call<AgentInfo>('GET', `/api/agents/${id}`);
const linesOf = (name: string) => readFileSync(join(home, 'project', name), 'utf8').trim().split('\n').map(Number);

/** One agent that is never without work: what it is sent, and what is decided. */
class Worker {
  readonly id: string;
  readonly #provider: string;
  turns = 0;
  /** Ids of the decisions, by request. */
  decisions = new Map<string, string>();
  isOver = false;
  constructor(provider: string, id: string) {
    this.#provider = provider;
    this.id = id;
  }

  static async start(provider: string): Promise<Worker> {
    const body = { provider, directory: join(home, 'project'), prompt: 'begin', flags: { worktree: false } };
    return new Worker(provider, (await call<AgentInfo>('POST', '/api/agents', body)).id);
  }

  async work(): Promise<void> {
    for (let looks = 0;;) {
      const { state, pending, queue, stateText, usage } = await info(this.id);
      assert.is.not(state, 'error', `${this.#provider}: ${stateText}\n${product.agent?.output().slice(-3000)}`);
      if (pending[0]) await this.#decide(pending[0]);
      else if (state === 'idle' && !queue.length) {
        if (!this.isOver) await this.#send(`turn ${this.turns++}`);
        // Before the CLI begins with the last message it is idle too.
        else if (usage.turns > this.turns) return;
        else assert.ok(++looks < END_MS / 40, `${this.#provider}: ${usage.turns} of ${this.turns + 1} turns ended`);
      }
      await pause(40);
    }
  }

  async #send(text: string): Promise<void> {
    await call('POST', `/api/agents/${this.id}/message`, { text, clientId: randomUUID() });
  }

  /** The same decision again, when its answer got lost. */
  async #decide(request: string): Promise<void> {
    const clientId = this.decisions.get(request) ?? randomUUID();
    this.decisions.set(request, clientId);
    const body = { decision: 'allow', clientId };
    await call('POST', `/api/agents/${this.id}/permissions/${request}`, body);
  }

  /** All turns whole, in their order, and each command run once. @returns characters that were said */
  async check(): Promise<number> {
    const { messages } = await call<{ messages: Message[] }>('GET', `/api/agents/${this.id}/messages?limit=100000`);
    assert.equal(messages.map(({ seq }) => seq), messages.map((_, i) => i + 1));
    assert.is(new Set(messages.map(({ id }) => id)).size, messages.length);
    // What a CLI warns of is its own matter.
    const notices = messages.flatMap((message) =>
      message.kind === 'notice' && message.level !== 'info' ? [message] : []
    );
    assert.equal(notices.filter(({ code }) => !['cli_warning', 'stderr'].includes(code)), [], this.#provider);
    const texts = messages.flatMap((message) => message.kind === 'text' ? [message.text] : []).slice(1);
    assert.equal(texts, Array.from({ length: this.turns }, () => [BEFORE, AFTER]).flat());
    const outcomes = messages.flatMap((message) => message.kind === 'turn' ? [message.outcome] : []);
    assert.equal(outcomes.slice(-this.turns), Array(this.turns).fill('done'));
    const requests = messages.flatMap((message) => message.kind === 'request' ? [message.status] : []);
    assert.equal(requests, Array(this.decisions.size).fill('answered'));
    assert.equal(linesOf(`${this.#provider}.txt`), Array.from({ length: this.turns }, (_, i) => i));
    return texts.join('').length;
  }
}

/** A terminal whose viewer returns to each server at the byte where it was. */
class Numbers {
  #id = '';
  #viewer: TestViewer | null = null;
  #text = '';

  async open(): Promise<void> {
    const body = { directory: home, clientId: randomUUID() };
    this.#id = (await call<{ id: string }>('POST', '/api/terminals', body)).id;
    this.#viewer = await this.#view({});
    this.#viewer.type(NUMBERS);
    await this.#viewer.sees('n1\r\n');
  }
  #view(more: object): Promise<TestViewer> {
    return TestViewer.open(product.localUrl.replace('http', 'ws'), this.#id, {
      ...{ headers: { origin: product.localUrl }, cols: 200 },
      ...more,
    });
  }
  async left(): Promise<void> {
    const viewer = this.#viewer!;
    await viewer.until('closed', () => viewer.closed);
    this.#text += viewer.text();
  }
  async returned(): Promise<void> {
    const { client, offset } = this.#viewer!;
    const viewer = this.#viewer = await this.#view({ client, offset });
    assert.is((await viewer.until('attached', () => viewer.last('attached'))).reset, false, 'it goes on at the byte');
  }
  /** @returns how many numbers came, each once and in order */
  check(): number {
    const numbers = (this.#text + this.#viewer!.text()).match(/^n\d+(?=\r$)/gm)!.map((entry) => Number(entry.slice(1)));
    assert.equal(numbers, numbers.map((_, i) => i + 1));
    return numbers.length;
  }
}

test(`${KILLS} kills and ${RESTARTS} restarts of the server amid turns of the real Claude Code and Codex`, async () => {
  const random = seeded(SEED);
  const terminal = new Numbers();
  await terminal.open();
  const workers = [await Worker.start('claude'), await Worker.start('codex')];
  const work = Promise.all(workers.map((worker) => worker.work()));
  work.catch(() => {}); // awaited below
  await until('both work', () => workers.every(({ turns }) => turns > 0), 60_000);
  const signals = [...Array(KILLS).fill('SIGKILL'), ...Array(RESTARTS).fill('SIGTERM')] as NodeJS.Signals[];
  signals.sort(() => random() - 0.5);
  for (const signal of signals) {
    await Promise.race([pause(random() * MAX_LIFE), work]);
    await product.agent!.kill(signal);
    await terminal.left();
    await product.startAgent();
    await terminal.returned();
  }
  for (const worker of workers) worker.isOver = true;
  await work;
  const [said, spoken] = [await workers[0]!.check(), await workers[1]!.check()];
  const counted = linesOf('background.txt');
  assert.equal(counted, counted.map((_, i) => i + 1), 'the background task was begun once and goes on');
  const before = counted.length;
  await until('it still counts', () => linesOf('background.txt').length > before);
  console.log(
    `seed ${SEED}: ${KILLS} × kill -9 and ${RESTARTS} × restart: claude ${
      workers[0]!.turns
    } turns, ${said} characters, ` +
      `${workers[0]!.decisions.size} decisions, background task at ${before}; codex ${workers[1]!.turns} turns, ` +
      `${spoken} characters, ${workers[1]!.decisions.size} decisions; terminal ${terminal.check()} numbers: ` +
      'none cut, lost, doubled',
  );
});

test.run();
