/** Which processes belong to a family and which are spared, with real processes in sessions of their own. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DATA_DIRECTORY_MARK, PROCESS_MARK } from '../../agent/process/environment.ts';
import { isSameProcess, processIdentity } from '../../agent/process/identity.ts';
import { killProcessTree } from '../../agent/process/process-tree.ts';
import { createLog } from '../../core/log.ts';

const NODE = fileURLToPath(new URL('../support/harness/process-tree-node.mjs', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'process-tree-'));
const started: number[] = [];
test.after(() => {
  for (const pid of started) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

/** See process-tree-node.mjs. */
interface Node {
  name: string;
  session?: boolean;
  env?: Record<string, string>;
  without?: string[];
  /** Ends after it has started its children: they lose their parent. */
  orphan?: boolean;
  dataDir?: string;
  delayMs?: number;
  children?: Node[];
}

function isAlive(pid: number): boolean {
  const identity = processIdentity(pid);
  return identity !== null && isSameProcess(identity);
}

const names = (node: Node): string[] => [node.name, ...(node.children ?? []).flatMap(names)];

/** Starts the tree in a session of its own. @returns the pids by name, and those that a server in it has killed */
async function grow(root: Node): Promise<{ pids: Record<string, number>; killed: () => number[] }> {
  const log = join(directory, `${root.name}-${Math.random()}.log`);
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...root.env };
  spawn(process.execPath, ['--import', 'tsx', NODE, JSON.stringify({ ...root, log })], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env,
    detached: true,
    stdio: 'ignore',
  }).unref();
  const lines = () =>
    existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean).map((line) => line.split(' ')) : [];
  const isServer = JSON.stringify(root).includes('dataDir');
  const wanted = [...names(root), ...(isServer ? ['done'] : [])];
  for (let i = 0; !wanted.every((name) => lines().some(([found]) => found === name)); i++) {
    if (i > 400) throw new Error(`not all of ${wanted.join(' ')} came up: ${JSON.stringify(lines())}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const pids = Object.fromEntries(
    lines().filter(([name]) => name !== 'killed').map(([name, pid]) => [name!, Number(pid)]),
  );
  started.push(...Object.values(pids).filter(Boolean));
  return { pids, killed: () => lines().filter(([name]) => name === 'killed').map(([, pid]) => Number(pid)).sort() };
}

const marked = (dataDir: string, mark = 'm-1') => ({ [DATA_DIRECTORY_MARK]: dataDir, [PROCESS_MARK]: mark });
const alive = (pids: Record<string, number>, ...list: string[]) => list.map((name) => [name, isAlive(pids[name]!)]);
const all = (list: string[], isRunning: boolean) => list.map((name) => [name, isRunning]);

test('a server started in a tmux that an agent began: all its ancestors and the other windows are spared', async () => {
  const dataDir = join(directory, 'tmux');
  const lost = await grow({
    name: 'cli',
    orphan: true,
    env: marked(dataDir),
    children: [{ name: 'lost', session: true }],
  });
  const { pids, killed } = await grow({
    name: 'tmux',
    env: marked(dataDir),
    children: [
      { name: 'window', session: true, children: [{ name: 'editor' }] },
      {
        name: 'shell',
        session: true,
        children: [{
          name: 'npx',
          children: [{ name: 'server', dataDir, delayMs: 1500, children: [{ name: 'compiler' }] }],
        }],
      },
    ],
  });
  const spared = ['tmux', 'window', 'editor', 'shell', 'npx', 'server', 'compiler'];
  assert.equal(alive(pids, ...spared), all(spared, true));
  assert.equal(killed(), [lost.pids.lost]);
  assert.equal(alive(lost.pids, 'lost'), all(['lost'], false), 'what an earlier run left behind is still ended');
});

test('a server whose starter is gone spares itself and its own children', async () => {
  const dataDir = join(directory, 'nohup');
  const { pids, killed } = await grow({
    name: 'shell',
    orphan: true,
    env: marked(dataDir),
    children: [{ name: 'server', session: true, dataDir, delayMs: 1000, children: [{ name: 'compiler' }] }],
  });
  assert.equal(alive(pids, 'server', 'compiler'), all(['server', 'compiler'], true));
  assert.equal(killed(), []);
});

test('of the descendants in sessions of their own only marked ones are ended, of those in the same session all', async () => {
  const { pids } = await grow({
    name: 'cli',
    env: marked(join(directory, 'sessions'), 'm-2'),
    children: [
      { name: 'tool', without: [PROCESS_MARK], children: [{ name: 'deeper' }] },
      { name: 'daemon', session: true, children: [{ name: 'worker', without: [PROCESS_MARK] }] },
      { name: 'users', session: true, without: [PROCESS_MARK], children: [{ name: 'usersOwn' }] },
    ],
  });
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const ended = await killProcessTree(processIdentity(pids.cli!, 'm-2')!, { log });
  const gone = ['cli', 'tool', 'deeper', 'daemon', 'worker'];
  assert.equal(alive(pids, ...gone), all(gone, false));
  assert.equal(alive(pids, 'users', 'usersOwn'), all(['users', 'usersOwn'], true));
  assert.equal(ended.map(({ pid }) => pid).sort(), gone.map((name) => pids[name]!).sort());
  for (const name of gone) {
    assert.ok(lines.some((line) => line.includes(`pid=${pids[name]} `)), `${name} is in the log`);
  }
});

test('another data directory’s processes are left alone', async () => {
  const other = await grow({ name: 'other', env: marked(join(directory, 'other'), 'm-3') });
  const { killed } = await grow({ name: 'server', dataDir: join(directory, 'mine'), delayMs: 0 });
  assert.equal(killed(), []);
  assert.ok(isAlive(other.pids.other!));
});

test('a server that is short of file descriptors still finds what it started', async () => {
  const mark = `AGENT_MONITOR_TEST=${Math.random()}`;
  const many = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 60 & sleep 60 & sleep 60 & done';
  const crowd = spawn('/bin/sh', ['-c', `${many}; wait`], { detached: true, stdio: 'ignore' });
  const [name, value] = mark.split('=') as [string, string];
  const own = spawn('sleep', ['60'], { env: { ...process.env, [name]: value }, detached: true, stdio: 'ignore' });
  started.push(own.pid!);
  const tree = new URL('../../agent/process/process-tree.ts', import.meta.url).href;
  const look = `const { findFamily } = await import('${tree}');
    console.log((await findFamily({ root: null, variable: '${mark}' })).map(({ pid }) => pid).join());`;
  try {
    for (const limit of [45, 60, 1000]) {
      const command = `ulimit -n ${limit}; exec "$0" --import tsx --input-type=module -e "$1"`;
      const found = execFileSync('/bin/bash', ['-c', command, process.execPath, look], { encoding: 'utf8' });
      assert.is(found.trim(), String(own.pid), `${limit} descriptors`);
    }
  } finally {
    process.kill(-crowd.pid!, 'SIGKILL');
  }
});

test.run();
