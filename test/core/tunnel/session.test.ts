/** A session's life: proof, heartbeat, sleep, rekeying, drain and end, on a clock that is moved by hand. */
import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TYPE } from '../../../core/tunnel/frame.ts';
import {
  CLOSE,
  DEAD_MS,
  HANDSHAKE_MS,
  HEARTBEAT_MS,
  MAX_UNPROVEN,
  REKEY_MS,
  REKEY_RECORDS,
} from '../../../core/tunnel/limits.ts';
import { Handshake } from '../../../core/tunnel/noise.ts';
import { generatePushKey, type PushKey } from '../../../core/tunnel/push-key.ts';
import { TunnelSession, type TunnelSessionEnd } from '../../../core/tunnel/session.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { MemorySocket } from '../../support/fakes/memory-pair.ts';
import { closeHostilePeers, hostilePeer } from '../../support/fakes/hostile-peer.ts';
import { ask, memoryTransport, PSK, socketTransport, tunnelPair, until } from '../../support/harness/tunnel-pair.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const fine = (_req: unknown, res: { writeHead(status: number): unknown; end(text: string): unknown }) => {
  res.writeHead(200);
  res.end('fine');
};

/** A relay session alone, and the other end of its socket. */
function lonelyRelay(clock = fakeClock()) {
  const [honest, stranger] = MemorySocket.pair();
  stranger.onmessage = (data) => void sent.push(Buffer.from(data as Uint8Array));
  const sent: Buffer[] = [];
  let end: TunnelSessionEnd | null = null;
  const session = new TunnelSession({
    socket: honest,
    role: 'relay',
    psk: PSK,
    hello: { name: 'relay', version: '1' },
    clock,
    onEstablished: () => {},
    onClose: (why) => end = why,
  });
  return { session, stranger, sent, clock, end: () => end };
}

test("both sides learn each other's name once the token is proven", async () => {
  for (const transport of [memoryTransport, socketTransport]) {
    const names: string[] = [];
    const sockets = await transport();
    const sessions = (['relay', 'machine'] as const).map((role) =>
      new TunnelSession({
        socket: sockets[role],
        role,
        psk: PSK,
        hello: { name: `the ${role}`, version: '3' },
        onEstablished: (peer) => names.push(`${peer.name} ${peer.version}`),
        onClose: () => {},
      })
    );
    await until(() => names.length === 2);
    assert.equal(names.sort(), ['the machine 3', 'the relay 3']);
    await Promise.all(sessions.map((session) => session.close(1001, 'test over')));
    await sockets.close();
  }
});

test("the relay's HELLO brings its push key; a machine's, or one that is none, does not count", async () => {
  const key = generatePushKey();
  const other = generatePushKey();
  const sent: [unknown, unknown][] = [[key, key], [undefined, undefined], [
    { ...key, publicKey: other.publicKey },
    undefined,
  ], [
    { publicKey: 'x', privateKey: '' },
    undefined,
  ], ['text', undefined]];
  for (const [pushKey, expected] of sent) {
    const seen: Record<string, unknown> = {};
    const sockets = await memoryTransport();
    const sessions = (['relay', 'machine'] as const).map((role) =>
      new TunnelSession({
        socket: sockets[role],
        role,
        psk: PSK,
        hello: { name: role, version: '', ...(pushKey === undefined ? {} : { pushKey: pushKey as PushKey }) },
        onEstablished: (peer) => seen[role] = peer.pushKey,
        onClose: () => {},
      })
    );
    await until(() => 'relay' in seen && 'machine' in seen);
    assert.equal(seen, { relay: undefined, machine: expected });
    await Promise.all(sessions.map((session) => session.close(1001, 'test over')));
    await sockets.close();
  }
});

test('the relay sends nothing to a wrong token, prologue or version, and closes in the same way', async () => {
  const prologue = Buffer.from('agent-monitor tunnel 99');
  for (const machine of [{ psk: Buffer.alloc(32) }, { psk: PSK, prologue }]) {
    const { stranger, sent, end } = lonelyRelay();
    let closed: [number, string] | null = null;
    stranger.onclose = (...why) => closed = why;
    stranger.send(new Handshake({ initiator: true, ...machine }).write());
    await until(() => closed !== null && end() !== null);
    assert.equal(closed, [CLOSE.refused, '']);
    assert.is(end()!.code, CLOSE.refused);
    assert.is(sent.length, 0);
  }
});

test('whatever else comes first is refused: nothing, too short, too long, a text', async () => {
  for (
    const first of [
      Buffer.alloc(0),
      Buffer.alloc(47),
      Buffer.alloc(48),
      Buffer.alloc(49),
      Buffer.alloc(MAX_UNPROVEN + 1),
    ]
  ) {
    const { stranger, sent, end } = lonelyRelay();
    stranger.send(first);
    await until(() => end() !== null);
    assert.is(end()!.code, CLOSE.refused);
    assert.is(sent.length, 0);
  }
  const { stranger, end } = lonelyRelay();
  stranger.sendText('token');
  await until(() => end() !== null);
});

test('who proves nothing in time is cut off, and leaves no timer', async () => {
  for (const speak of [false, true]) {
    const { stranger, clock, end } = lonelyRelay();
    if (speak) stranger.send(new Handshake({ initiator: true, psk: PSK }).write());
    await turn();
    clock.advance(HANDSHAKE_MS - 1);
    assert.is(end(), null);
    clock.advance(1);
    assert.is(end()!.code, CLOSE.timeout);
    await turn();
    assert.is(clock.pending, 0);
  }
});

test('a replayed first message gets no further than the answer', async () => {
  const { session, stranger, sent, end } = lonelyRelay();
  const recorded = new Handshake({ initiator: true, psk: PSK }).write();
  stranger.send(recorded);
  await until(() => sent.length === 1);
  stranger.send(Buffer.alloc(100)); // what was recorded next belongs to another key
  await until(() => end() !== null);
  assert.is(session.established, false);
  assert.is(end()!.established, false);
});

test('the machine refuses a relay that does not know the token', async () => {
  const [honest, stranger] = MemorySocket.pair();
  let end: TunnelSessionEnd | null = null;
  new TunnelSession({
    socket: honest,
    role: 'machine',
    psk: PSK,
    hello: { name: '', version: '' },
    onEstablished: () => assert.unreachable(),
    onClose: (why) => end = why,
  });
  stranger.send(Buffer.alloc(48, 1));
  await until(() => end !== null);
  assert.is(end!.code, CLOSE.failed);
  assert.is(end!.local, true);
});

test('heartbeats go out every 10 s and measure the round trip', async () => {
  const clock = fakeClock();
  const pair = await tunnelPair({ clock });
  await turn();
  const before = { machine: pair.machine.bytesIn, relay: pair.relay.bytesIn };
  for (let s = 0; s < 60; s++) {
    clock.advance(1000);
    await turn();
    await turn();
  }
  assert.is(pair.machine.rttMs, 0);
  // 6 PINGs of the machine and a PONG for each, of 16 bytes, and once a minute the relay's own.
  assert.is(pair.relay.bytesIn - before.relay, (6 + 1) * 16);
  assert.is(pair.machine.bytesIn - before.machine, (6 + 1) * 16);
  assert.is(HEARTBEAT_MS, 10_000);
  await pair.close();
  await turn();
  assert.is(clock.pending, 0);
});

test('at rest the relay sends and receives one record in 10 s: its PING goes with a PONG, once a minute', async () => {
  const clock = fakeClock();
  const pair = await tunnelPair({ clock });
  await turn();
  const records = { relay: 0, machine: 0 };
  for (const end of ['relay', 'machine'] as const) {
    (pair.sockets[end] as MemorySocket).tamper = (message) => (records[end]++, [message]);
  }
  for (let s = 0; s < 60; s++) {
    clock.advance(1000);
    await turn();
    await turn();
  }
  assert.equal(records, { relay: 6, machine: 6 + 1 });
  assert.is(pair.relay.rttMs, 0);
  await pair.close();
});

test('a relay whose machine sends no PING sends its own', async () => {
  const clock = fakeClock();
  const r = await hostilePeer('relay', { clock });
  const pings = () => r.seen.filter(({ type }) => type === TYPE.ping).map(({ payload }) => payload);
  await until(() => pings().length === 1);
  let answered = 0;
  for (let s = 0; s < 40; s++) {
    for (const payload of pings().slice(answered)) r.frame(TYPE.pong, 0, 0, payload);
    answered = pings().length;
    clock.advance(1000);
    await turn();
    await turn();
  }
  assert.ok(pings().length >= 3 && pings().length <= 4, `${pings().length} in 40 s`);
  assert.is(r.end(), null);
  await r.session.close(1001, '');
});

test('a peer that falls silent is dead after 25 s, not before, on either side', async () => {
  for (const silent of ['machine', 'relay'] as const) {
    const clock = fakeClock();
    const pair = await tunnelPair({ clock });
    await turn();
    (pair.sockets[silent] as MemorySocket).tamper = () => [];
    const other = silent === 'machine' ? 'relay' : 'machine';
    for (let ms = 0; ms < DEAD_MS - 100; ms += 500) {
      clock.advance(500);
      await turn();
      if (ms < DEAD_MS - 3000) assert.is(pair.ends[other], null, `after ${ms} ms`);
    }
    clock.advance(3000);
    await turn();
    assert.is(pair.ends[other]!.code, CLOSE.timeout);
    await pair.sockets.close();
  }
});

test('after sleep a live peer is retained and a dead one is closed within 10 s', async () => {
  for (const alive of [true, false]) {
    const clock = fakeClock();
    const pair = await tunnelPair({ clock });
    await turn();
    clock.setWall(clock.now() + 5 * 60_000); // only the wall clock goes on while a machine sleeps
    if (!alive) (pair.sockets.relay as MemorySocket).tamper = () => [];
    for (let i = 0; i < 20; i++) {
      clock.advance(500);
      await turn();
      await turn();
    }
    assert.is(pair.machine.established, alive);
    await pair.close();
  }
});

/** A machine that pings a peer which answers only what the test answers. */
async function sleeper() {
  const clock = fakeClock();
  const r = await hostilePeer('machine', { clock });
  const pings = () => r.seen.filter(({ type }) => type === TYPE.ping).map(({ payload }) => payload);
  const answer = (payload: Buffer) => r.frame(TYPE.pong, 0, 0, payload);
  /** Time passes, in which the peer sends something that is no PONG. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.advance(500);
      r.frame(TYPE.goaway, 0, 0);
      await turn();
      await turn();
    }
  };
  const sleep = () => clock.setWall(clock.now() + 5 * 60_000);
  await until(() => pings().length === 1);
  return { r, clock, pings, answer, pass, sleep };
}

test('after sleep only the answer to a PING sent since then proves that the peer is alive', async () => {
  for (const stale of ['the heartbeat', 'the latest PING before sleep', 'all of them']) {
    const { r, pings, answer, pass, sleep } = await sleeper();
    await pass(11_000);
    const before = pings();
    assert.is(before.length, 2);
    sleep();
    await pass(3000); // Wakes, and pings.
    assert.is(pings().length, 3);
    if (stale !== 'the latest PING before sleep') answer(before[0]!);
    if (stale !== 'the heartbeat') answer(before[1]!);
    await pass(8000);
    assert.is(r.end()?.code, CLOSE.timeout, stale);
  }
});

test('after sleep the answer to the PING sent since then keeps the tunnel, whatever came before it', async () => {
  for (const stale of [0, 1, 2]) {
    const { r, pings, answer, pass, sleep } = await sleeper();
    await pass(11_000);
    sleep();
    await pass(3000);
    for (const payload of pings().slice(0, stale)) answer(payload);
    answer(pings()[2]!);
    await pass(8000);
    assert.is(r.end(), null, `${stale} old answers first`);
  }
});

test('two PINGs of one instant have different stamps', async () => {
  const { r, pings, sleep, clock } = await sleeper();
  sleep();
  clock.advance(2500);
  sleep();
  clock.advance(2500);
  await turn();
  await turn();
  assert.is(new Set(pings().map((payload) => payload.toString('hex'))).size, pings().length);
  assert.ok(pings().length >= 3);
  await r.session.close(1001, '');
});

test('keys change after 10 minutes, without a gap', async () => {
  const clock = fakeClock();
  const r = await hostilePeer('machine', { clock });
  const rekeys = () => r.seen.filter(({ type }) => type === TYPE.rekey).length;
  for (let ms = 0; ms < REKEY_MS + 20_000; ms += 10_000) {
    if (ms < REKEY_MS) assert.is(rekeys(), 0, `after ${ms} ms`);
    clock.advance(10_000);
    r.frame(TYPE.ping, 0, 0, Buffer.alloc(8)); // or it would be taken for dead
    await turn();
    await turn();
    if (ms >= REKEY_MS) break;
  }
  assert.is(rekeys(), 1);
  assert.is(r.end(), null);
  await r.session.close(1001, '');
});

test('keys change after 2^16 records, both ways, without a gap', async () => {
  const r = await hostilePeer('machine');
  const ping = Buffer.alloc(8);
  for (let i = 1; i <= REKEY_RECORDS + 10; i++) {
    if (i === REKEY_RECORDS - 10) r.frame(TYPE.rekey, 0, 0), r.rekeyed();
    r.frame(TYPE.ping, 0, 0, ping);
    await turn();
  }
  assert.is(r.end(), null);
  await until(() => r.seen.filter(({ type }) => type === TYPE.pong).length === REKEY_RECORDS + 10);
  assert.is(r.seen.filter(({ type }) => type === TYPE.rekey).length, 1);
  await r.session.close(1001, '');
});

test('a peer that does not change its key in time is cut off', async () => {
  const r = await hostilePeer('machine');
  const goaway = Buffer.alloc(0);
  for (let i = 0; i < REKEY_RECORDS - 1; i++) {
    r.frame(TYPE.goaway, 0, 0, goaway);
    if (i % 64 === 0) await turn();
  }
  await turn();
  assert.is(r.end(), null);
  r.frame(TYPE.goaway, 0, 0, goaway);
  await until(() => r.end() !== null);
  assert.is(r.end()!.code, CLOSE.failed);
});

test('a session that is drained twice sends GOAWAY once', async () => {
  const r = await hostilePeer('relay');
  assert.ok(r.session.open(), 'a running stream, for which the first drain waits');
  const first = r.session.drain(50_000);
  await turn();
  const second = r.session.drain(0);
  await Promise.all([first, second]);
  await turn();
  assert.is(r.seen.filter(({ type }) => type === TYPE.goaway).length, 1);
});

test('drain: running requests finish, new ones are refused, both sides end cleanly', async () => {
  let finish!: () => void;
  const pair = await tunnelPair({
    handler: (req, res) => {
      if (req.url === '/quick') return void fine(req, res);
      res.writeHead(200);
      res.write('slow ');
      finish = () => res.end('done');
    },
  });
  const slow = ask(pair.relay, { target: '/slow' });
  await until(() => finish !== undefined);
  const drained = pair.machine.drain(60_000);
  await until(() => pair.relay.draining);
  assert.is(pair.relay.open(), null);
  finish();
  assert.is((await slow).body.toString(), 'slow done');
  await drained;
  const end = await pair.relayEnded;
  assert.equal([end.code, end.proven], [CLOSE.shutdown, true]);
});

test('drain: what does not finish within the grace time is cut', async () => {
  const clock = fakeClock();
  const pair = await tunnelPair({ clock, handler: (_req, res) => void (res.writeHead(200), res.write('x')) });
  const slow = ask(pair.relay);
  await until(() => pair.machine.streams === 1);
  const drained = pair.relay.drain(10_000);
  await turn();
  clock.advance(10_000);
  await drained;
  assert.is.not((await slow).reset, null);
  await until(() => pair.ends.machine !== null);
  assert.is(pair.ends.machine!.proven, true);
  await turn();
  assert.is(clock.pending, 0);
});

test('closing sends the reason, sealed, and leaves no timer', async () => {
  const clock = fakeClock();
  const pair = await tunnelPair({ clock });
  await pair.relay.close(CLOSE.replaced, 'another machine');
  const end = await pair.machineEnded;
  assert.equal({ ...end, local: undefined }, {
    code: CLOSE.replaced,
    reason: 'another machine',
    proven: true,
    established: true,
    local: undefined,
    slept: false,
  });
  await turn();
  assert.is(clock.pending, 0);
});

test('an internal error is reported with its cause', async () => {
  const pair = await tunnelPair();
  const socket = pair.sockets.machine as MemorySocket & { error?: unknown };
  socket.error = { code: 'WS_FAULT', cause: new TypeError('out of order') };
  socket.terminate();
  const { reason } = await pair.machineEnded;
  assert.match(reason, /^an internal error: TypeError: out of order\n +at /);
  assert.is((await pair.relayEnded).reason, '');
});

test('nothing of a message is on the wire in the clear', async () => {
  const pair = await tunnelPair({ handler: (_req, res) => (fine(_req, res)) });
  const wire = [pair.sockets.machine, pair.sockets.relay] as MemorySocket[];
  for (const socket of wire) socket.recording = true;
  await ask(pair.relay, {
    target: '/secret-path',
    fields: ['cookie', 'secret-cookie'],
    body: Buffer.from('secret-body'),
  });
  const bytes = Buffer.concat(wire.flatMap(({ sent }) => sent)).toString('latin1');
  for (const text of ['secret', 'fine', 'GET', 'cookie']) assert.not(bytes.includes(text), text);
  assert.ok(bytes.length > 100);
  await pair.close();
});

test.after.each(closeHostilePeers);
test.run();
