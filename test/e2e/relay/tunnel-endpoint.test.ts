/** How machines are taken in: proof first, then everything; strangers cost little and disturb nobody. */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CLOSE, TUNNEL_PROTOCOL } from '../../../core/tunnel/limits.ts';
import { Handshake, tokenKey } from '../../../core/tunnel/noise.ts';
import { type Connection, dial } from '../../../core/websocket/mod.ts';
import { chaosProxy } from '../../support/network/chaos-proxy.ts';
import { rawHttp, request as text } from '../../support/network/raw-http.ts';
import { isTls, originAt, webSocketAt } from '../../support/network/transport.ts';
import { relayHarness, startMachine, TOKEN } from '../../support/harness/relay-harness.ts';
import { until } from '../../support/harness/tunnel-pair.ts';

const stranger = (url: string) => dial(url, { protocols: [TUNNEL_PROTOCOL] });

/** Sends one message and waits for the end. */
async function tryToken(url: string, message: Uint8Array): Promise<{ code: number; said: number; ms: number }> {
  const socket = await stranger(url);
  let said = 0;
  socket.onmessage = () => said++;
  const started = performance.now();
  socket.send(message);
  const { code } = await socket.closed;
  return { code, said, ms: performance.now() - started };
}
const first = (token: string, prologue?: Buffer) =>
  new Handshake({ initiator: true, psk: tokenKey(token), ...(prologue ? { prologue } : {}) }).write();

test('a machine that proves the token is connected, named and served from', async () => {
  const harness = await relayHarness();
  assert.equal(harness.machines.status().connected, false);
  assert.is(harness.machines.status().since, null);
  const machine = startMachine(harness.url);
  await machine.reach('connected');
  const status = harness.machines.status();
  assert.equal([status.connected, status.name, status.version, status.address], [true, 'laptop', '1.2.3', '127.0.0.1']);
  assert.is(await (await fetch(`${originAt(harness.port)}/x?y`)).text(), 'hello /x?y');
  await until(() => harness.machines.status().rttMs !== null);
  assert.is(harness.machines.status().streamsTotal, 1);
  assert.ok(harness.machines.status().bytesIn > 0 && harness.machines.status().bytesOut > 0);
  await machine.tunnel.close();
  await until(() => !harness.machines.status().connected);
  const away = harness.machines.status();
  assert.equal([away.name, away.streamsTotal, away.tunnelsTotal], ['laptop', 1, 1]);
  assert.ok(Date.now() - away.since! < 5000 && Date.now() - away.lastSeenAt! < 5000);
  assert.equal(harness.audit.map(([event]) => event), ['tunnel_up', 'tunnel_down']);
  await harness.close();
});

test('wrong token, empty, one character off, other version: one code, nothing said, about the same time', async () => {
  const harness = await relayHarness();
  const attempts = {
    wrong: first('another token'),
    empty: first(''),
    off: first(`${TOKEN.slice(0, -1)}Z`),
    version: first(TOKEN, Buffer.from('agent-monitor tunnel 2')),
  };
  const times: Record<string, number[]> = {};
  for (let round = 0; round < 4; round++) {
    for (const [name, message] of Object.entries(attempts)) {
      const { code, said, ms } = await tryToken(harness.url, message);
      assert.equal([code, said], [CLOSE.refused, 0], name);
      (times[name] ??= []).push(ms);
    }
  }
  const best = Object.values(times).map((list) => Math.min(...list));
  assert.ok(Math.max(...best) - Math.min(...best) < 10, `${best} ms`);
  const all = harness.lines.join('\n');
  assert.not(all.includes(TOKEN) || all.includes('another token'));
  assert.is(harness.lines.filter((line) => line.includes('did not prove')).length, 16);
  assert.is(harness.machines.status().connected, false);
  await harness.close();
});

test('another version of the tunnel is refused before the upgrade, and both ends say so', async () => {
  const harness = await relayHarness();
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  };
  for (const protocol of ['agent-monitor-tunnel.v99', '']) {
    const reply = await rawHttp(
      harness.port,
      text('GET', '/tunnel', { ...upgrade, 'sec-websocket-protocol': protocol }),
    );
    assert.is(reply.status, 426);
    assert.match(reply.text, /same version of Agent Monitor/);
  }
  assert.match(
    harness.lines.join('\n'),
    /refused a machine: it offers .*v99.*this relay speaks agent-monitor-tunnel\.v1/,
  );
  await harness.close();
});

test('few strangers at a time, fewer from one address, and no longer than 5 s', async () => {
  const harness = await relayHarness({ limits: { pendingPerAddress: 3 } });
  const waiting = await Promise.all([1, 2, 3].map(() => stranger(harness.url)));
  const refused = await stranger(harness.url).catch((error) => error);
  assert.is(refused.status, 429);
  const started = performance.now();
  await Promise.all(waiting.map((socket: Connection) => socket.closed));
  assert.ok(performance.now() - started < 6000);
  const again = await stranger(harness.url);
  again.terminate();
  await harness.close();
});

test('an address that keeps failing is turned away before any cryptography, for a while', async () => {
  const harness = await relayHarness({ limits: { failures: 5, failureMs: 2000 } });
  for (let i = 0; i < 5; i++) await tryToken(harness.url, Buffer.alloc(48));
  const refused = await stranger(harness.url).catch((error) => error);
  assert.is(refused.status, 429);
  await new Promise((resolve) => setTimeout(resolve, 2020));
  const machine = startMachine(harness.url);
  await machine.reach('connected');
  await machine.tunnel.close();
  await harness.close();
});

test('a connected machine does not notice strangers: replays, garbage, floods', async () => {
  const harness = await relayHarness({ limits: { failures: 1e9, pendingPerAddress: 1e9, pending: 1e9 } });
  const proxy = await chaosProxy(() => harness.port);
  proxy.recording = true;
  const machine = startMachine(webSocketAt(proxy.port, '/tunnel'));
  await machine.reach('connected');
  const session = harness.machines.current()!.session;

  // Everything that the machine sent, sent again as it was.
  for (let i = 0; i < 5; i++) {
    const replay = connect(harness.port, '127.0.0.1');
    replay.on('error', () => {});
    replay.on('data', () => {});
    for (const chunk of proxy.seen) replay.write(chunk);
    await new Promise((resolve) => setTimeout(resolve, 10));
    replay.destroy();
  }
  let done = false;
  const times: number[] = [];
  const beside = (async () => {
    while (!done) {
      const started = performance.now();
      assert.is(await (await fetch(`${originAt(harness.port)}/beside`)).text(), 'hello /beside');
      times.push(performance.now() - started);
    }
  })();
  const bogus = Buffer.alloc(48, 7);
  for (let i = 0; i < 30; i++) await Promise.all(Array.from({ length: 10 }, () => tryToken(harness.url, bogus)));
  done = true;
  await beside;
  assert.is(harness.machines.current()?.session, session);
  assert.is(machine.states.filter(({ kind }) => kind === 'connected').length, 1);
  times.sort((a, b) => a - b);
  assert.ok(times[Math.floor(times.length * 0.99)]! < 200, `p99 ${times[Math.floor(times.length * 0.99)]} ms`);
  await machine.tunnel.close();
  await proxy.close();
  await harness.close();
});

test('the newest machine serves; the older one is told, sealed, and does not come back', async () => {
  const harness = await relayHarness();
  const changes: (string | undefined)[] = [];
  const older = startMachine(harness.url, { info: { name: 'older', version: '1' } });
  await older.reach('connected');
  harness.machines.onChange(() => changes.push(harness.machines.current()?.name));
  const newer = startMachine(harness.url, { info: { name: 'newer', version: '1' } });
  await newer.reach('connected');
  const state = await older.reach('replaced');
  assert.match(state.text, /Replaced by another start of this machine/);
  assert.is(harness.machines.status().name, 'newer');
  assert.is(await (await fetch(`${originAt(harness.port)}/`)).text(), 'hello /');
  assert.equal(changes, ['newer'], 'there is never a moment without a machine');
  await older.tunnel.close();
  assert.is(harness.machines.status().connected, true);
  await newer.tunnel.close();
  await harness.close();
});

test('a machine that restarts wins over its own half-open socket within 2 s', async () => {
  const harness = await relayHarness();
  const proxy = await chaosProxy(() => harness.port);
  let aborted = 0;
  const first = startMachine(webSocketAt(proxy.port, '/tunnel'), {
    handler: (_req, res) => {
      res.writeHead(200);
      res.write('x');
    },
  });
  await first.reach('connected');
  const response = await fetch(`${originAt(harness.port)}/`);
  response.text().catch(() => aborted++);
  proxy.stalled = true; // pulled out: nobody hears of anything
  const started = performance.now();
  const second = startMachine(harness.url);
  await second.reach('connected');
  assert.is(await (await fetch(`${originAt(harness.port)}/new`)).text(), 'hello /new');
  await until(() => aborted === 1);
  assert.ok(performance.now() - started < 2000);
  assert.is(harness.machines.status().tunnelsTotal, 2);
  await Promise.all([second.tunnel.close(0), proxy.close()]);
  await first.tunnel.close(0);
  await harness.close();
});

test('a weak token is warned of, with one to use instead, and never shown', async () => {
  const harness = await relayHarness({ token: 'hunter2' });
  assert.match(harness.lines[0]!, /RELAY_TOKEN is short enough to be guessed.*RELAY_TOKEN=[A-Za-z0-9_-]{43}/);
  assert.not(harness.lines.join().includes('hunter2'));
  await harness.close();
});

test('closing: the machine is told, and nobody is let in any more', async () => {
  const harness = await relayHarness();
  let finish!: () => void;
  const machine = startMachine(harness.url, {
    random: () => 0.99,
    handler: (_req, res) => {
      res.writeHead(200);
      res.write('slow ');
      finish = () => res.end('done');
    },
  });
  await machine.reach('connected');
  const reply = fetch(`${originAt(harness.port)}/`).then((response) => response.text());
  await until(() => finish !== undefined);
  const closed = harness.endpoint.close(5000);
  assert.is((await stranger(harness.url).catch((error) => error)).status, 503);
  assert.is((await fetch(`${originAt(harness.port)}/new`)).status, 502);
  finish();
  assert.is(await reply, 'slow done');
  await closed;
  const state = await machine.reach('waiting');
  assert.match(state.text, /restarting/);
  await machine.tunnel.close();
  await harness.close();
});

test('neither the token nor anything that is sent is on the wire, in failure and in success', async () => {
  const harness = await relayHarness();
  const proxy = await chaosProxy(() => harness.port);
  proxy.recording = true;
  const url = webSocketAt(proxy.port, '/tunnel');
  const wrong = startMachine(url, { token: 'a-wrong-token-a-wrong-token-a-wrong-token' });
  await wrong.reach('refused');
  const machine = startMachine(url, { random: () => 0 });
  await machine.reach('connected');
  await fetch(`${originAt(harness.port)}/secret-path`, { headers: { cookie: 'secret-cookie=1' } });
  proxy.reset();
  await until(() => machine.states.filter(({ kind }) => kind === 'connected').length === 2);
  await fetch(`${originAt(harness.port)}/secret-path`);
  await wrong.tunnel.close();
  const wire = Buffer.concat(proxy.seen);
  for (const secret of [TOKEN, 'a-wrong-token', 'secret', 'laptop', 'hello']) assert.not(wire.includes(secret), secret);
  assert.not(wire.includes(tokenKey(TOKEN)));
  assert.is(wire.includes('GET /tunnel'), !isTls());
  await Promise.all([wrong.tunnel.close(), machine.tunnel.close()]);
  await proxy.close();
  await harness.close();
});

test.run();
