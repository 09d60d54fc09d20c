/**
 * `npm run bench:start [-- --agents <n>] [--messages <n>] [--rounds <n>]`: the built agent machine from its start to its first
 * answer, with its memory; empty, and with agents whose journals are long; and how long such an agent takes to be opened.
 * Needs Linux. Prints a table of medians, in Markdown.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Message } from '../../core/api/messages.ts';
import { newRecord } from '../../agent/session/record.ts';
import { liveClient } from '../../test/support/harness/agent-server.ts';
import { freePort, plainEnv, type Program, ROOT, startProgram } from '../../test/support/harness/product.ts';
import { buildPackage } from '../build-package.ts';

const DEFAULTS = { agents: 200, messages: 100_000, rounds: 5 };
/** What a start began in the background ends before memory is read, ms. */
const SETTLE_MS = 3_000;
const POLL_MS = 5;
const MAX_START_MS = 60_000;

type Row = Record<string, number>;

function option(name: keyof typeof DEFAULTS): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? DEFAULTS[name] : Number(process.argv[at + 1]);
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!;

interface Started {
  program: Program;
  url: string;
  ms: number;
}

/** The built program on a data directory, until it has answered. */
async function start(dataDir: string, port: number): Promise<Started> {
  const url = `http://127.0.0.1:${port}`;
  const env = plainEnv({ PORT: String(port), DATA_DIR: dataDir, RELAY_URL: '', CLAUDE_BIN: '/nonexistent' });
  const from = performance.now();
  const program = startProgram(process.execPath, [join(ROOT, 'dist/package/agent/main.mjs')], env);
  for (;;) {
    try {
      await (await fetch(`${url}/api/agents`)).arrayBuffer();
      return { program, url, ms: performance.now() - from };
    } catch (error) {
      const ms = performance.now() - from;
      if (ms > MAX_START_MS || program.child.exitCode !== null) throw new Error(`${error}\n${program.output()}`);
      await sleep(POLL_MS);
    }
  }
}

/** Resident memory of a process, and of the programs that it has started; MiB. */
function residentMiB(pid: number): number {
  const children = execFileSync('ps', ['-o', 'rss=', '--pid', String(pid), '--ppid', String(pid)], {
    encoding: 'utf8',
  });
  return children.trim().split('\n').reduce((sum, line) => sum + Number(line), 0) / 1024;
}

/** Processor time of a process so far, ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

async function measure(dataDir: string, name: string, agent?: string): Promise<Row> {
  const { program, url, ms } = await start(dataDir, await freePort());
  try {
    const pid = program.child.pid!;
    const cpu = cpuMs(pid);
    await sleep(SETTLE_MS);
    const row: Row = {
      [`${name}: start to first answer, ms`]: ms,
      [`${name}: processor time of the start, ms`]: cpu,
      [`${name}: memory, MiB`]: residentMiB(pid),
    };
    if (!agent) return row;
    row[`${name}: agent opened, ms`] = await openAgent(url, agent);
    row[`${name}: agent opened again, ms`] = await openAgent(url, agent);
    return row;
  } finally {
    await program.kill();
  }
}

/** From the page's `watch` until its newest messages are there, ms. */
async function openAgent(url: string, agent: string): Promise<number> {
  const client = await liveClient(url);
  try {
    const from = performance.now();
    client.send({ type: 'watch', agent, limit: 80 });
    await client.wait(({ type }) => type === 'messages');
    return performance.now() - from;
  } finally {
    client.socket.close();
  }
}

/** A conversation as the server writes it: questions, tools and answers. */
function journal(count: number): string {
  const at = Date.UTC(2026, 0, 1);
  const lines: string[] = [];
  for (let seq = 1; seq <= count; seq++) {
    const base = { id: randomUUID(), seq, at: at + seq * 1000 };
    const text = `Step ${seq}: the total of the invoice is rounded once, at the end; ${seq % 7} tests cover it. `
      .repeat(2);
    const message = seq % 3 === 1
      ? { kind: 'user', ...base, text, images: [], status: 'done', by: 'bench' }
      : seq % 3 === 2
      ? {
        kind: 'tool',
        ...base,
        tool: 'Bash',
        title: 'npm test',
        input: { command: 'npm test' },
        inputText: '',
        output: text,
        status: 'done',
      }
      : { kind: 'text', ...base, text, done: true };
    lines.push(`{"m":${JSON.stringify(asWritten(message as Message))}}\n`);
  }
  return lines.join('');
}

/** The kind and the id come first, as in a record of the server. */
const asWritten = ({ kind, id, ...rest }: Message): object => ({ kind, id, ...rest });

/** Agents that have the same long conversation. @returns the id of one */
function fill(dataDir: string, agents: number, messages: number): string {
  const directory = join(dataDir, 'agents');
  const shared = join(dataDir, 'journal');
  mkdirSync(directory, { recursive: true });
  writeFileSync(shared, journal(messages));
  let id = '';
  for (let i = 0; i < agents; i++) {
    id = randomUUID();
    const path = join(directory, id);
    mkdirSync(path);
    const record = newRecord(id, { directory: tmpdir(), name: `Task ${i}`, clientId: randomUUID() }, {
      cwd: tmpdir(),
      directory: tmpdir(),
      worktree: null,
      notice: '',
    }, { demo: false, now: Date.now() });
    Object.assign(record.info, { state: 'idle', stateReason: 'done', lastSeq: messages });
    writeFileSync(join(path, 'agent.json'), JSON.stringify(record));
    linkSync(shared, join(path, 'journal.jsonl'));
  }
  return id;
}

async function run(): Promise<void> {
  await buildPackage({ quick: true });
  const root = mkdtempSync(join(tmpdir(), 'bench-start-'));
  const [agents, messages] = [option('agents'), option('messages')];
  try {
    const rows: Row[] = [];
    const full = join(root, 'full');
    const talker = fill(full, agents, messages);
    for (let i = 0; i < option('rounds'); i++) {
      const empty = join(root, `empty-${i}`);
      rows.push({
        ...await measure(empty, 'empty'),
        ...await measure(full, `${agents} agents with ${messages.toLocaleString('en')} messages`, talker),
      });
    }
    console.log('|   |   |\n| --- | ---: |');
    for (const name of Object.keys(rows[0]!)) {
      console.log(`| ${name} | ${median(rows.map((row) => row[name]!)).toFixed(0)} |`);
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

await run();
