/** The machine keeps connected: what it says, when it tries again, and when it does not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { REFUSED_RETRY_MS, startTunnelClient, type TunnelState, tunnelUrl } from '../../../agent/tunnel/client.ts';
import { createLog, silentLog } from '../../../core/log.ts';
import { CLOSE } from '../../../core/tunnel/limits.ts';
import { tokenKey } from '../../../core/tunnel/noise.ts';
import { TunnelSession } from '../../../core/tunnel/session.ts';
import type { MessageSocket } from '../../../core/tunnel/socket.ts';
import { WebSocketError } from '../../../core/websocket/mod.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { MemorySocket } from '../../support/fakes/memory-pair.ts';
import { hello, relayHarness, startMachine, TOKEN } from '../../support/harness/relay-harness.ts';
import { until } from '../../support/harness/tunnel-pair.ts';
import { TLS_CERT, TLS_KEY } from '../../support/harness/websocket-tls.ts';

const KEY = tokenKey(TOKEN);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What dial throws when there is no name service. */
function noSuchName(): WebSocketError {
  const cause = Object.assign(new Error('getaddrinfo ENOTFOUND relay.test'), {
    code: 'ENOTFOUND',
    hostname: 'relay.test',
  });
  return new WebSocketError('WS_CONNECT', `Cannot reach relay.test: ${cause.message}`, { cause });
}

/** A machine whose relay is in the test's hand: each connection is taken or fails as the test says. */
function inHand(answer: () => 'take' | 'fail' | 'offline' | 'refuse', network = () => 'lo') {
  const clock = fakeClock();
  const states: TunnelState[] = [];
  const tries: number[] = [];
  const relays: TunnelSession[] = [];
  /** The relay's ends and the machine's. */
  const sockets: MemorySocket[] = [];
  const ownSockets: MemorySocket[] = [];
  const lines: string[] = [];
  const tunnel = startTunnelClient({
    url: 'ws://relay.test',
    token: TOKEN,
    handler: hello,
    info: { name: 'm', version: '1' },
    log: createLog({ write: (line) => lines.push(line) }),
    clock,
    random: () => 0.5,
    network,
    onState: (state) => states.push(state),
    connect: (): Promise<MessageSocket> => {
      tries.push(clock.monotonic());
      const how = answer();
      if (how === 'fail') return Promise.reject(new Error('Cannot reach relay.test: nobody there'));
      if (how === 'offline') return Promise.reject(noSuchName());
      const [near, far] = MemorySocket.pair();
      sockets.push(far);
      ownSockets.push(near);
      if (how === 'refuse') far.onmessage = () => far.close(CLOSE.refused, '');
      else {
        relays.push(
          new TunnelSession({
            socket: far,
            role: 'relay',
            psk: KEY,
            hello: { name: 'relay', version: '1' },
            clock,
            onEstablished: () => {},
            onClose: () => {},
          }),
        );
      }
      return Promise.resolve(near);
    },
  });
  const pass = async (ms: number, step = 500) => {
    for (let t = 0; t < ms; t += step) {
      clock.advance(step);
      for (let i = 0; i < 4; i++) await turn();
    }
  };
  return { clock, states, tries, relays, sockets, ownSockets, lines, tunnel, pass, last: () => states.at(-1)! };
}

test('says the lines that users know, and how long it waits', async () => {
  const lab = await relayHarness();
  const machine = startMachine(lab.url);
  await machine.reach('connected');
  const said = machine.lines.map((line) => line.replace(/^\S+ /, ''));
  assert.ok(said.includes(`[Tunnel] Connecting to ${lab.url}`));
  assert.ok(said.includes('[Tunnel] Connected, authenticating...'));
  assert.ok(said.includes('[Tunnel] Authenticated successfully'));
  assert.not(machine.lines.join().includes(TOKEN));
  await machine.tunnel.close();
  assert.is(machine.tunnel.state().kind, 'closed');
  await lab.close();
});

test('a wrong token is reported once in the log, on the dashboard too, and tried again once a minute', async () => {
  const h = inHand(() => 'refuse');
  await until(() => h.last()?.kind === 'refused');
  const state = h.last();
  assert.match(state.text, /RELAY_TOKEN/);
  assert.ok(state.kind === 'refused' && state.until - state.since === REFUSED_RETRY_MS);
  await h.pass(600_000, 1000);
  const waits = h.tries.slice(1).map((at, i) => at - h.tries[i]!);
  assert.is(h.tries.length, 11);
  assert.ok(waits.every((ms) => Math.abs(ms - REFUSED_RETRY_MS) <= 2000), waits.join());
  assert.is(h.lines.filter((line) => /does not accept the token/.test(line) && !/DEBUG/i.test(line)).length, 1);
  await h.tunnel.close();
  assert.is(h.clock.pending, 0);
});

test('of an internal error the dashboard gets one line, the log the whole stack', async () => {
  const h = inHand(() => 'take');
  await until(() => h.last()?.kind === 'connected');
  const near = h.ownSockets[0]! as MemorySocket & { error?: unknown };
  near.error = { code: 'WS_FAULT', cause: new TypeError('out of order') };
  near.terminate();
  await until(() => h.last().kind === 'waiting');
  assert.is((h.last() as { text: string }).text, 'Connection lost: an internal error: TypeError: out of order');
  assert.match(h.lines.join('\n'), /an internal error: TypeError: out of order.* at .*client\.test/s);
  await h.tunnel.close(0);
});

test('one close frame 4003 by somebody without the token does not stop the machine, whenever it comes', async () => {
  for (const refusals of [1, 2, 5]) {
    let left = refusals;
    const h = inHand(() => left-- > 0 ? 'refuse' : 'take');
    await until(() => h.last()?.kind === 'refused');
    await h.pass(refusals * (REFUSED_RETRY_MS + 2000), 1000);
    await until(() => h.last().kind === 'connected');
    assert.is(h.tries.length, refusals + 1);
    await h.tunnel.close(0);
  }
});

test('retries after 5, 10, 20, 40, 60, 60 s (here with three quarters of it)', async () => {
  const h = inHand(() => 'fail');
  await h.pass(300_000, 250);
  const waits = h.tries.slice(1).map((at, i) => (at - h.tries[i]!) / 1000);
  const expected = [3.75, 7.5, 15, 30, 45, 45];
  assert.ok(expected.every((seconds, i) => Math.abs(waits[i]! - seconds) <= 0.5), waits.join());
  const waiting = h.last();
  assert.is(waiting.kind, 'waiting');
  if (waiting.kind === 'waiting') assert.is(waiting.until - waiting.since, 45_000);
  assert.match(waiting.text, /Cannot connect: Cannot reach relay\.test/);
  await h.tunnel.close();
  assert.is(h.clock.pending, 0);
});

test('without a network it tries every few seconds for as long as it takes, and says so once', async () => {
  let how: 'offline' | 'fail' | 'take' = 'offline';
  const h = inHand(() => how);
  await h.pass(600_000);
  const waits = h.tries.slice(1).map((at, i) => at - h.tries[i]!);
  assert.ok(waits.length > 140 && waits.every((ms) => ms <= 5000), waits.join());
  assert.match(h.last().text, /no address is known for relay\.test: is RELAY_URL right, and the network up\?/);
  assert.is(h.lines.filter((line) => /no address is known/.test(line)).length, 1);
  assert.is(h.lines.filter((line) => /Connecting to/.test(line)).length, 1);
  how = 'fail'; // The network is back, the relay is not yet: from here on it is spared.
  await h.pass(5000);
  assert.ok(h.lines.some((line) => /nobody there; next try in 3\.8 s/.test(line)));
  how = 'take';
  await h.pass(8000);
  await until(() => h.last().kind === 'connected');
  await h.tunnel.close(0);
  await turn();
  assert.is(h.clock.pending, 0);
});

test('a tunnel that was healthy for a minute is tried again within a second; one that was not, is not', async () => {
  const h = inHand(() => 'take');
  await until(() => h.last()?.kind === 'connected');
  await h.pass(61_000);
  h.relays[0]!.close(CLOSE.failed, 'cut');
  await until(() => h.last().kind === 'waiting');
  await h.pass(500);
  await until(() => h.tries.length === 2);
  await until(() => h.last().kind === 'connected');
  await h.pass(10_000);
  h.relays[1]!.close(CLOSE.failed, 'cut');
  await until(() => h.last().kind === 'waiting');
  await h.pass(3000);
  assert.is(h.tries.length, 2);
  await h.pass(1000);
  await until(() => h.tries.length === 3);
  await h.tunnel.close(0);
  await turn();
  assert.is(h.clock.pending, 0);
});

test('replaced: stops for good, and says so', async () => {
  const h = inHand(() => 'take');
  await until(() => h.last()?.kind === 'connected');
  void h.relays[0]!.close(CLOSE.replaced, 'newer');
  await until(() => h.last().kind === 'replaced');
  await h.pass(120_000, 10_000);
  assert.is(h.tries.length, 1);
  await h.tunnel.close();
});

test('a close that anybody on the way could have made up stops nothing', async () => {
  for (const code of [CLOSE.replaced, CLOSE.refused]) {
    let far!: MemorySocket;
    let taken = 0;
    const tunnel = startTunnelClient({
      url: 'ws://relay.test',
      token: TOKEN,
      handler: hello,
      info: { name: 'm', version: '1' },
      log: silentLog,
      random: () => 0,
      connect: () => {
        let near: MemorySocket;
        [near, far] = MemorySocket.pair();
        new TunnelSession({
          socket: far,
          role: 'relay',
          psk: KEY,
          hello: { name: 'relay', version: '1' },
          onEstablished: () => taken++,
          onClose: () => {},
        });
        return Promise.resolve(near);
      },
    });
    await until(() => taken === 1 && tunnel.state().kind === 'connected');
    far.close(code, ''); // the socket's close frame, without a sealed BYE
    await until(() => taken === 2);
    await until(() => tunnel.state().kind === 'connected');
    await tunnel.close(0);
  }
});

test('after sleep a waiting machine tries at once', async () => {
  const h = inHand(() => 'fail');
  await h.pass(60_000);
  const before = h.tries.length;
  await until(() => h.last().kind === 'waiting');
  h.clock.setWall(h.clock.now() + 3_600_000);
  await h.pass(1500);
  assert.is(h.tries.length, before + 1);
  await h.tunnel.close();
});

test('when the network changes a waiting machine tries at once', async () => {
  let network = 'lo';
  const h = inHand(() => 'fail', () => network);
  await h.pass(60_000);
  const before = h.tries.length;
  await h.pass(1500);
  assert.is(h.tries.length, before);
  network = 'lo wlan0';
  await h.pass(1500);
  assert.is(h.tries.length, before + 1);
  await h.tunnel.close();
});

test('after sleep a line that is gone is replaced at once, however short it was up', async () => {
  const h = inHand(() => 'take');
  await until(() => h.last()?.kind === 'connected');
  await h.pass(3000);
  void h.relays[0]!.close(CLOSE.failed, 'cut');
  await until(() => h.last().kind === 'waiting');
  await h.pass(1000);
  await until(() => h.last().kind === 'connected');
  h.sockets[1]!.tamper = () => []; // it says nothing more
  h.clock.setWall(h.clock.now() + 300_000);
  await h.pass(9000);
  assert.is(h.tries.length, 3);
  await until(() => h.last().kind === 'connected');
  await h.tunnel.close(0);
});

test('after sleep a connected machine asks at once, and keeps a line that answers', async () => {
  const h = inHand(() => 'take');
  await until(() => h.last()?.kind === 'connected');
  await h.pass(5000);
  h.clock.setWall(h.clock.now() + 300_000);
  await h.pass(10_000);
  assert.is(h.last().kind, 'connected');
  await h.tunnel.close(0);
});

test('closing while connecting, while waiting, twice', async () => {
  const lab = await relayHarness();
  const connecting = startMachine(lab.url);
  await connecting.tunnel.close();
  await connecting.tunnel.close();
  assert.is(connecting.tunnel.state().kind, 'closed');
  const waiting = inHand(() => 'fail');
  await until(() => waiting.last()?.kind === 'waiting');
  await waiting.tunnel.close();
  assert.is(waiting.clock.pending, 0);
  await lab.close();
});

test("addresses: http becomes ws, a bare host gets the relay's path, anything else is said", () => {
  assert.is(tunnelUrl('https://relay.example'), 'wss://relay.example/tunnel');
  assert.is(tunnelUrl('http://127.0.0.1:3457/'), 'ws://127.0.0.1:3457/tunnel');
  assert.is(tunnelUrl('wss://relay.example/own/path'), 'wss://relay.example/own/path');
  assert.throws(() => tunnelUrl('relay.example'), /RELAY_URL/);
  assert.throws(() => tunnelUrl('ftp://relay.example'), /wss:\/\//);
});

test('a certificate that nobody vouches for is refused, unless its authority is given', async () => {
  const lab = await relayHarness({ tls: { cert: TLS_CERT, key: TLS_KEY } });
  const stranger = startMachine(lab.url);
  const state = await stranger.reach('waiting');
  assert.match(state.text, /Cannot connect: .*self-signed/);
  await stranger.tunnel.close();
  const otherName = startMachine(lab.url.replace('localhost', '127.0.0.1'), { tls: { ca: TLS_CERT } });
  assert.match((await otherName.reach('waiting')).text, /Cannot connect: .*(altnames|IP)/);
  await otherName.tunnel.close();
  const known = startMachine(lab.url, { tls: { ca: TLS_CERT } });
  await known.reach('connected');
  await known.tunnel.close();
  await lab.close();
});

test.run();
