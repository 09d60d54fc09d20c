/** The start of the server: what is claimed first, and what a start that fails leaves as it was. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLog } from '../../../core/log.ts';
import { readConfig } from '../../../agent/config.ts';
import { startAgentServer } from '../../../agent/server.ts';
import { type Bench, FAKE_CLAUDE, startBench } from '../../support/harness/agent-server.ts';

/** Every file with its content. */
const contents = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'utf8')]),
  );

const occupy = (host: string, port = 0): Promise<{ server: Server; port: number }> =>
  new Promise((resolve) => {
    const server = createServer().listen(port, host, () => {
      resolve({ server, port: (server.address() as { port: number }).port });
    });
  });

/** A data directory as kill -9 leaves it: a pipeline whose agent is at work. */
async function crashed(): Promise<{ bench: Bench; dataDir: string; taskId: string }> {
  const bench = await startBench();
  const { body: { id: taskId } } = await bench.call('POST', '/api/tasks', {
    name: 'Work',
    prompt: 'long 5000 20',
    directory: bench.project,
  });
  await bench.call('POST', '/api/tasks/meta/start');
  const reaches = async () => {
    for (;;) {
      const { body } = await bench.call('GET', `/api/tasks/${taskId}`);
      if (body.agentId) return body.agentId as string;
    }
  };
  await bench.until(await reaches(), ({ preview }) => preview.includes('word'));
  const dataDir = join(bench.directory, 'crashed');
  cpSync(bench.dataDir, dataDir, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  rmSync(join(dataDir, 'lock'));
  return { bench, dataDir, taskId };
}

test('with its port taken a server begins nothing: six starts change no byte and pay no turn', async () => {
  const { bench, dataDir, taskId } = await crashed();
  const { server, port } = await occupy('127.0.0.1');
  const log = join(bench.directory, 'cli.log');
  process.env.FAKE_CLAUDE_LOG = log;
  const settings = { DATA_DIR: dataDir, CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent/codex', TERMINAL: 'off' };
  try {
    const before = contents(dataDir);
    for (let i = 0; i < 6; i++) {
      await startAgentServer(readConfig({ ...settings, PORT: String(port) }), { log: silentLog, version: 'test' }).then(
        () => assert.unreachable('it started'),
        (error: Error) => assert.match(error.message, new RegExp(`${port}`)),
      );
    }
    assert.equal(contents(dataDir), before);
    assert.not(existsSync(log), 'no CLI was started');
    const started = await startAgentServer(readConfig({ ...settings, PORT: '0' }), { log: silentLog, version: 'test' });
    const task = await (await fetch(`http://127.0.0.1:${started.port}/api/tasks/${taskId}`)).json() as {
      status: string;
    };
    await started.close();
    assert.ok(['running', 'completed'].includes(task.status), `it went on: ${task.status}`);
  } finally {
    delete process.env.FAKE_CLAUDE_LOG;
    server.close();
    await bench.close();
  }
});

test('a request that comes while the server starts is answered when it has started', async () => {
  const bench = await startBench();
  const { server, port } = await occupy('127.0.0.1');
  await new Promise((resolve) => server.close(resolve));
  const config = readConfig({
    PORT: String(port),
    DATA_DIR: join(bench.directory, 'other'),
    CLAUDE_BIN: FAKE_CLAUDE,
    CODEX_BIN: '/nonexistent/codex',
    TERMINAL: 'off',
  });
  const starting = startAgentServer(config, { log: silentLog, version: 'test' });
  const early = async (): Promise<Response> => {
    for (;;) {
      const response = await fetch(`http://127.0.0.1:${port}/api/health`).catch(() => null);
      if (response) return response;
    }
  };
  assert.is((await early()).status, 200);
  await (await starting).close();
  await bench.close();
});

test('a server that cannot start gives its port and its directory back', async () => {
  const bench = await startBench();
  const { server, port } = await occupy('127.0.0.1');
  await new Promise((resolve) => server.close(resolve));
  const settings = {
    PORT: String(port),
    DATA_DIR: join(bench.directory, 'other'),
    CLAUDE_BIN: FAKE_CLAUDE,
    CODEX_BIN: '/nonexistent/codex',
    TERMINAL: 'off',
  };
  const wrong = { RELAY_URL: 'ws://127.0.0.1:1', RELAY_TOKEN: 'x'.repeat(43), RELAY_CA: '/nonexistent/ca.pem' };
  await startAgentServer(readConfig({ ...settings, ...wrong }), { log: silentLog, version: 'test' })
    .then(() => assert.unreachable('it started'), (error: Error) => assert.match(error.message, /ca\.pem/));
  await (await startAgentServer(readConfig(settings), { log: silentLog, version: 'test' })).close();
  await bench.close();
});

test.run();
