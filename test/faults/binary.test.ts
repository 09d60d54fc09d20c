/** `npm run build:binary`: the relay with its own Node runs where there is nothing at all. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BINARY, buildBinary } from '../../scripts/build-binary.ts';
import { freePort, startProgram, until } from '../support/harness/product.ts';

test('the executable serves the dashboard with an empty environment in an empty folder', async () => {
  await buildBinary();
  const directory = mkdtempSync(join(tmpdir(), 'binary-'));
  const file = join(directory, 'relay');
  copyFileSync(BINARY, file);
  console.log(`${(statSync(file).size / 2 ** 20).toFixed(1)} MiB`);
  const port = await freePort();
  const relay = startProgram(file, [], {
    RELAY_TOKEN: 'a-token-of-forty-three-characters-0123456789',
    RELAY_PORT: String(port),
    RELAY_PASSWORD: 'secret',
  }, directory);
  try {
    const origin = `http://127.0.0.1:${port}`;
    await until(
      () => `the relay: ${relay.output()}`,
      () => fetch(`${origin}/api/relay/status`).then((r) => r.ok, () => false),
    );
    assert.match(await (await fetch(origin)).text(), /<div id="app">/);
    const login = await fetch(`${origin}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"password":"secret"}',
    });
    assert.is(login.status, 200);
  } finally {
    await relay.kill();
    rmSync(directory, { recursive: true });
  }
});

test.run();
