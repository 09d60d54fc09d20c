/**
 * Several servers want one port at the same time, and a stranger holds it for a while, in random orders: one at most gets it,
 * and of those that do not, no byte is changed, no agent is started and no turn is paid.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readConfig } from '../../agent/config.ts';
import { type AgentServer, startAgentServer } from '../../agent/server.ts';
import { silentLog } from '../../core/log.ts';
import { memoryDirectory } from '../support/harness/memory-directory.ts';
import { seeded } from '../support/fakes/seeded.ts';

/** Each starts four servers: `RANDOM_ROUNDS=200` for a thorough run. */
const ROUNDS = Number(process.env.RANDOM_ROUNDS ?? 4);
const SERVERS = 3;
const TASK = 'task-1';

/** Notes each start on a session beside itself; ends with its input. */
const CLI = `#!/bin/sh
case "$1" in
  --version) echo 9.9.9 ;;
  *) echo started >> "$0.log"; exec cat > /dev/null ;;
esac
`;

interface Place {
  dataDir: string;
  cli: string;
  before: Record<string, string>;
}

/** Every file with its content. */
const contents = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'utf8')]),
  );

const starts = ({ cli }: Place): number =>
  existsSync(`${cli}.log`) ? readFileSync(`${cli}.log`, 'utf8').split('\n').length - 1 : 0;

const start = ({ dataDir, cli }: Place, port: number): Promise<AgentServer> => {
  const settings = { DATA_DIR: dataDir, CLAUDE_BIN: cli, CODEX_BIN: '/nonexistent/codex', TERMINAL: 'off' };
  return startAgentServer(readConfig({ ...settings, PORT: String(port) }), { log: silentLog, version: 'test' });
};

async function taskOf(server: AgentServer): Promise<{ status: string; agentId: string; error: string }> {
  const url = `http://127.0.0.1:${server.port}/api/tasks/${taskId}`;
  return await (await fetch(url)).json() as { status: string; agentId: string; error: string };
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(holds());
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

let taskId = '';
const directory = memoryDirectory();
const template = join(directory.path, 'template');
test.after(() => directory.remove());

/** A socket cannot be copied: what holds a CLI is left to the server that it belongs to. */
const isNoSocket = (path: string) => !path.endsWith('.sock');

const place = (name: string): Place => {
  const dataDir = join(directory.path, name, 'data');
  const cli = join(directory.path, name, 'claude');
  mkdirSync(join(directory.path, name), { recursive: true });
  cpSync(template, dataDir, { recursive: true, filter: isNoSocket });
  writeFileSync(cli, CLI);
  chmodSync(cli, 0o755);
  return { dataDir, cli, before: contents(dataDir) };
};

/** A data directory as kill -9 leaves it: a task whose agent was given its work. */
test('the data directory of a server that was killed at work', async () => {
  mkdirSync(join(template, '..', 'project'), { recursive: true });
  mkdirSync(template, { mode: 0o700 });
  const first = place('first');
  const server = await start(first, 0);
  const post = async (path: string, body: unknown = {}) =>
    await (await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })).json() as { id: string };
  const flags = { worktree: false };
  const project = join(directory.path, 'project');
  taskId = (await post('/api/tasks', { name: TASK, prompt: 'work', directory: project, flags })).id;
  await post('/api/tasks/meta/start');
  await until(() => starts(first) === 1);
  for (let agentId = ''; !agentId;) agentId = (await taskOf(server)).agentId;
  rmSync(template, { recursive: true });
  cpSync(first.dataDir, template, { recursive: true, filter: isNoSocket });
  rmSync(join(template, 'lock'));
  await server.close();
  assert.is(starts(first), 1);
});

test(`${SERVERS} servers and a stranger want one port, ${ROUNDS} times`, async () => {
  let served = 0;
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const random = seeded(seed);
    const wait = () => new Promise((resolve) => setTimeout(resolve, random() * 12));
    const port = await freePort();
    const places = Array.from({ length: SERVERS }, (_, i) => place(`${seed}-${i}`));
    const stranger: Server = createServer();
    const occupying = wait().then(() => {
      if (random() < 0.5) return;
      stranger.on('error', () => {}).listen(port, '127.0.0.1');
      return wait().then(() => stranger.close());
    });
    const results = await Promise.all(places.map(async (entry) => {
      await wait();
      return await start(entry, port).catch((error: Error) => error);
    }));
    await occupying;
    const winners = results.flatMap((result, i) => result instanceof Error ? [] : [{ server: result, at: places[i]! }]);
    assert.ok(winners.length <= 1, `seed ${seed}: ${winners.length} servers on one port`);
    for (const [i, result] of results.entries()) {
      if (!(result instanceof Error)) continue;
      const { dataDir, before } = places[i]!;
      assert.match(result.message, new RegExp(`${port}`), `seed ${seed}`);
      assert.equal(contents(dataDir), before, `seed ${seed}: a start that failed changed something`);
      assert.is(starts(places[i]!), 0, `seed ${seed}: a start that failed paid a turn`);
    }
    for (const { server, at } of winners) {
      await until(() => starts(at) === 1);
      const task = await taskOf(server);
      assert.equal([task.status, task.error], ['running', ''], `seed ${seed}`);
      await server.close();
      assert.is(starts(at), 1, `seed ${seed}: the agent was told to go on more than once`);
      served++;
    }
    for (const { dataDir } of places) rmSync(join(dataDir, '..'), { recursive: true });
  }
  console.log(`${ROUNDS} rounds: ${served} served`);
  assert.ok(served > 0);
});

test.run();
