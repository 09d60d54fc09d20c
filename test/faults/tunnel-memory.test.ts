/** Readers far slower than the line, both ways: nobody's memory grows, and a request beside them is not held up. */
import { Buffer } from 'node:buffer';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { residentMiB, slowReader } from '../../scripts/bench/relay-measure.ts';
import { freePort, plainEnv, type Program, ROOT, startProgram } from '../support/harness/product.ts';
import { startMachine, type TestMachine } from '../support/harness/relay-harness.ts';
import { until } from '../support/harness/tunnel-pair.ts';

const TOKEN = 'JhX5sW2kq8ZrT1yBv7nM4cLd9gPa3fUe6iRo0xQwEtY';
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let directory: string;
let relay: Program;
let port: number;

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tunnel-'));
  port = await freePort();
  const env = plainEnv({
    ...{ RELAY_TOKEN: TOKEN, RELAY_PASSWORD: '', RELAY_PORT: String(port), RELAY_HOST: '127.0.0.1', RELAY_STATE: '' },
  });
  relay = startProgram(process.execPath, [join(ROOT, 'dist/relay.mjs')], env, directory);
  await until(() => relay.output().includes('running on port'), 20_000);
});
test.after(async () => {
  await relay.kill();
  rmSync(directory, { recursive: true });
});

test('256 MiB to a reader at 1 MiB/s: both ends grow by less than 16 MiB, a GET beside it takes less than 50 ms', async () => {
  const args = [join(ROOT, 'scripts/bench/origin.ts'), '--port', '0', '--relay', `ws://127.0.0.1:${port}/tunnel`];
  const machine = startProgram(process.execPath, ['--import', 'tsx', ...args, '--token', TOKEN], plainEnv(), ROOT);
  try {
    await until(() => machine.output().includes('tunnel connected'), 20_000);
    const pids = [relay.child.pid!, machine.child.pid!];
    await slowReader(port, pids, 5); // what is compiled and allocated once
    const { growth, p50Ms, p95Ms } = await slowReader(port, pids, 8);
    console.log(
      `relay +${growth[0]!.toFixed(1)} MiB, machine +${growth[1]!.toFixed(1)} MiB, GET ${p50Ms.toFixed(1)} ms p50`,
    );
    assert.ok(growth.every((mib) => mib < 16), growth.join());
    assert.ok(p95Ms < 50, `${p95Ms} ms`);
  } finally {
    await machine.kill();
  }
});

/** A machine in this process that takes an upload at 1 MiB/s or slower. */
function slowMachine(): TestMachine {
  return startMachine(`ws://127.0.0.1:${port}/tunnel`, {
    token: TOKEN,
    handler: (req, res) => {
      if (req.method === 'GET') return void (res.writeHead(200), res.end('fine'));
      req.on('error', () => {});
      req.on('data', (chunk: Buffer) => {
        req.pause();
        setTimeout(() => req.resume(), chunk.length / 256);
      });
    },
  });
}

test('200 MiB to a machine that reads 256 KiB/s: both ends grow by less than 32 MiB, a GET beside it is quick', async () => {
  const machine = slowMachine();
  await machine.reach('connected');
  const before = [residentMiB([relay.child.pid!]), residentMiB([process.pid])];
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const size = 200 * 1024 * 1024;
  socket.write(
    `POST /upload HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: x/y\r\nContent-Length: ${size}\r\n\r\n`,
  );
  const chunk = Buffer.alloc(65_536);
  let sent = 0;
  const pump = () => {
    while (sent < size && !socket.destroyed) {
      sent += chunk.length;
      if (!socket.write(chunk)) return void socket.once('drain', pump);
    }
  };
  pump();
  const times: number[] = [];
  for (let i = 0; i < 60; i++) {
    await pause(50);
    const started = performance.now();
    assert.is(await (await fetch(`http://127.0.0.1:${port}/beside`)).text(), 'fine');
    times.push(performance.now() - started);
  }
  const growth = [residentMiB([relay.child.pid!]) - before[0]!, residentMiB([process.pid]) - before[1]!];
  times.sort((a, b) => a - b);
  console.log(
    `relay +${growth[0]!.toFixed(1)} MiB, machine and client +${growth[1]!.toFixed(1)} MiB, ${sent >> 20} MiB taken`,
  );
  assert.ok(sent < 32 * 1024 * 1024, 'the client is held back');
  assert.ok(growth.every((mib) => mib < 32), growth.join());
  assert.ok(times[Math.floor(times.length * 0.95)]! < 150);
  socket.destroy();
  await machine.tunnel.close(0);
});

test('a flood of bogus first messages: the relay lives, its machine is served all the while', async () => {
  const machine = slowMachine();
  await machine.reach('connected');
  const { TUNNEL_PROTOCOL } = await import('../../core/tunnel/limits.ts');
  const { dial } = await import('../../core/websocket/mod.ts');
  const message = Buffer.alloc(48, 3);
  let tried = 0;
  let turnedAway = 0;
  const attack = async () => {
    while (tried++ < 2000) {
      try {
        const socket = await dial(`ws://127.0.0.1:${port}/tunnel`, { protocols: [TUNNEL_PROTOCOL] });
        socket.send(message);
        await socket.closed;
      } catch {
        turnedAway++;
      }
    }
  };
  const times: number[] = [];
  let over = false;
  const beside = (async () => {
    while (!over) {
      const started = performance.now();
      assert.is((await fetch(`http://127.0.0.1:${port}/beside`)).status, 200);
      times.push(performance.now() - started);
      await pause(10);
    }
  })();
  await Promise.all(Array.from({ length: 16 }, attack));
  over = true;
  await beside;
  times.sort((a, b) => a - b);
  const p99 = times[Math.floor(times.length * 0.99)]!;
  console.log(`${turnedAway} turned away by their address, p99 of a GET beside it ${p99.toFixed(0)} ms`);
  assert.ok(turnedAway > 1900 && p99 < 200, `${turnedAway}, ${p99} ms`);
  assert.is(machine.states.filter(({ kind }) => kind === 'connected').length, 1);
  await machine.tunnel.close(0);
});

test.run();
