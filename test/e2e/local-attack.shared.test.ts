/** Another user's requests are not carried out, however the connection ends: looked at after it is closed, not at once. */
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLocalAccess } from '../../agent/access/local-access.ts';
import { readConfig } from '../../agent/config.ts';
import { systemClock } from '../../core/clock.ts';
import { createLog } from '../../core/log.ts';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import { ask, attack, attackTest, ownerAsks, stolen, WAYS } from '../support/local-attack.ts';

let bench: Bench;
test.before(async () => {
  bench = await startBench();
});
test.after(() => bench?.close());

for (const way of WAYS.filter((way) => way !== 'hold')) {
  attackTest(`another user's ${way}: nothing is carried out, and the owner is served meanwhile`, async () => {
    const { port } = bench.server;
    const attacks = Promise.all([
      attack({ port, way, count: 12 }),
      attack({ port, way, count: 3, host: '::1' }),
    ]);
    const owner = await ownerAsks(port, attacks);
    const statuses = (await attacks).flat();
    assert.equal(await stolen(port), [], `carried out after: ${way}`);
    assert.equal([...owner], [200]);
    assert.ok(statuses.every((status) => status === '401'), statuses.join());
    if (['half-close', 'keep-alive', 'pipeline', 'upgrade'].includes(way)) assert.is(statuses.length >= 15, true);
  });
}

attackTest('the owner’s own half-closed, pipelined and kept connections are served', async () => {
  const { port } = bench.server;
  for (const way of ['half-close', 'keep-alive', 'pipeline'] as const) {
    const statuses = await attack({ port, way, count: 1, uid: 0, waitMs: 500 });
    assert.ok(statuses.includes('201'), `${way}: ${statuses}`);
    assert.not.ok(statuses.includes('401'), `${way}: ${statuses}`);
  }
  for (const { id } of (await bench.call('GET', '/api/templates')).body) {
    await bench.call('DELETE', `/api/templates/${id}`);
  }
});

attackTest('nothing was carried out later, either', async () => {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.equal(await stolen(bench.server.port), []);
});

attackTest('300 new connections at once are answered within a second', async () => {
  const { port } = bench.server;
  await ask(port, '/api/health');
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: 300 }, () => ask(port, '/api/health')));
  const ms = performance.now() - started;
  assert.ok(answers.every(({ status }) => status === 200));
  assert.ok(ms < 1000, `${ms} ms`);
});

attackTest(
  'whose a new connection is costs less than 3 ms of processor beside what the system takes to tell',
  async () => {
    const { port } = bench.server;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      await ask(port, '/api/health', '127.0.0.1', agent);
      const retained = await processorMs(() => ask(port, '/api/health', '127.0.0.1', agent));
      const fresh = await processorMs(() => ask(port, '/api/health'));
      const reading = await processorMs(async () => {
        for (const name of ['tcp', 'tcp6']) await readFile(`/proc/net/${name}`);
      });
      const figures = [fresh, retained, reading].map((ms) => ms.toFixed(2)).join(', ');
      assert.ok(fresh - retained - reading < 3, `new, known, reading the tables: ${figures} ms`);
    } finally {
      agent.destroy();
    }
  },
);

/** Milliseconds of this process for one of 50: what others do on the machine does not count. */
async function processorMs(action: () => Promise<unknown>): Promise<number> {
  const COUNT = 50;
  const before = process.cpuUsage();
  for (let i = 0; i < COUNT; i++) await action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / COUNT;
}

attackTest(
  'where the system does not tell whose a connection is, people are told; not where a login asks',
  async () => {
    const warning = async (platform: string, env: Record<string, string> = {}) => {
      let sent = '';
      const config = readConfig({ DATA_DIR: bench.dataDir, ...env });
      const log = createLog({ write: () => {} });
      const access = await createLocalAccess(config, {
        clock: systemClock,
        log,
        warn: (text) => sent = text,
        platform,
      });
      access.close();
      return sent;
    };
    assert.match(
      await warning('darwin'),
      /Every user of this machine can use this server: darwin .* DASHBOARD_PASSWORD/,
    );
    assert.match(await warning('freebsd'), /Every user .* freebsd/);
    assert.is(await warning('linux'), '');
    assert.is(await warning('darwin', { HOST: '0.0.0.0', DASHBOARD_PASSWORD: 'correct horse' }), '');
  },
);

test.run();
