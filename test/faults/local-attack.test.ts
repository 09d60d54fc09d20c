/** A thousand tries of another user of this machine, and a server that has no file descriptor left to find out who asks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBench } from '../support/harness/agent-server.ts';
import { ask, attack, attackTest, ownerAsks, stolen } from '../support/local-attack.ts';
import { freePort, plainEnv, startProgram, until } from '../support/harness/product.ts';

/** Open files that the server may have: its own, and some connections. */
const FEW_FILES = 120;

attackTest('800 tries of another user by four ways: none is carried out, the owner is always served', async () => {
  const bench = await startBench();
  try {
    const { port } = bench.server;
    for (const way of ['reset', 'close', 'half-close', 'freeze'] as const) {
      const attacks = attack({ port, way, count: 200 });
      const owner = await ownerAsks(port, attacks);
      const statuses = await attacks;
      assert.equal([...owner], [200], way);
      assert.ok(statuses.every((status) => status === '401'), `${way}: ${statuses}`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      assert.equal(await stolen(port), [], way);
    }
  } finally {
    await bench.close();
  }
});

attackTest(
  '200 tries while the server is out of file descriptors: none is carried out, it says so and recovers',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'few-files-'));
    const port = await freePort();
    const server = startProgram(
      'sh',
      ['-c', `ulimit -n ${FEW_FILES} && exec "$0" "$@"`, process.execPath, '--import', 'tsx', 'agent/main.ts'],
      plainEnv({
        PORT: String(port),
        DATA_DIR: directory,
        CLAUDE_BIN: '/nonexistent',
        CODEX_BIN: '/nonexistent',
        TERMINAL: 'off',
      }),
    );
    try {
      await until(server.output, () => ask(port, '/api/health').then(() => true, () => false));
      // 1,000 tries in all with those above; the connections are open together, more than the server can have files.
      await attack({ port, way: 'hold', count: 200, waitMs: 4000 });
      await until(server.output, async () => (await ask(port, '/api/health').catch(() => null))?.status === 200);
      assert.equal(await stolen(port), []);
      assert.match(server.output(), /Local connections are refused: .*EMFILE/);
      assert.match(server.output(), /can be read again/);
    } finally {
      await server.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    }
  },
);

test.run();
