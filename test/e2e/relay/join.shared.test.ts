/** Machines with tokens of their own: joining by a code, what strangers see of it, and removal. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dispatch } from '../../../cli/dispatch.ts';
import { EXIT } from '../../../cli/exit-codes.ts';
import { startTunnelClient } from '../../../agent/tunnel/client.ts';
import { JoinRefused, joinRelay } from '../../../agent/tunnel/join.ts';
import { JOIN_MS, type JoinCode, type MachineEntry } from '../../../core/api/machines.ts';
import { parseEnv } from '../../../core/dotenv.ts';
import { silentLog } from '../../../core/log.ts';
import { CLOSE, TUNNEL_KEY_FIELD, TUNNEL_PROTOCOL, tunnelKey } from '../../../core/tunnel/mod.ts';
import { generateJoinCode, generateMachineToken, isMachineToken } from '../../../core/tunnel/token.ts';
import { Handshake } from '../../../core/tunnel/noise.ts';
import { dial } from '../../../core/websocket/mod.ts';
import { MachineRecords } from '../../../relay/machine-records.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { startRelay, type TestRelay, TOKEN } from '../../support/harness/relay.ts';
import { until } from '../../support/harness/tunnel-pair.ts';
import { chaosProxy } from '../../support/network/chaos-proxy.ts';
import { isTls, webSocketAt } from '../../support/network/transport.ts';

const codeFrom = async (relay: TestRelay, cookie: string): Promise<JoinCode> =>
  await (await relay.fetch('/api/relay/machines/join', { cookie, method: 'POST', body: '{}' })).json() as JoinCode;
const list = async (relay: TestRelay, cookie: string) =>
  await (await relay.fetch('/api/relay/machines', { cookie })).json() as MachineEntry[];

/** Joins with a code. @returns the token */
async function joinWith(port: number, code: string, id?: string): Promise<string> {
  let token = '';
  await joinRelay({
    url: webSocketAt(port, '/tunnel'),
    code,
    info: { name: 'lab', version: '1', ...(id ? { id } : {}) },
    signal: new AbortController().signal,
    store: (text) => Promise.resolve(void (token = text)),
  });
  return token;
}
const refusal = (port: number, code: string) =>
  joinWith(port, code).then(() => 'let in', (error) => error instanceof JoinRefused ? 'refused' : String(error));

const startMachine = (port: number, token: string, id = 'whatever1') =>
  startTunnelClient({
    url: webSocketAt(port, '/tunnel'),
    token,
    info: { name: 'lab', version: '1' },
    id: () => id,
    log: silentLog,
    handler: (_req, res) => (res.writeHead(200), void res.end('lab')),
  });

/** The first message of a handshake with this secret: how the relay ends it, and what it said. */
async function tryKey(port: number, secret: string, message?: Uint8Array) {
  const { id, psk } = tunnelKey(secret);
  const socket = await dial(webSocketAt(port, '/tunnel'), {
    protocols: [TUNNEL_PROTOCOL],
    headers: { [TUNNEL_KEY_FIELD]: id! },
  });
  let said = 0;
  socket.onmessage = () => said++;
  socket.send(message ?? new Handshake({ initiator: true, psk }).write());
  const { code, reason } = await socket.closed;
  return [code, reason, said];
}

/** Sends these bytes to the relay. @returns all that it answers until it ends the connection, but for the time */
async function replay(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
  let answer = '';
  socket.setEncoding('latin1');
  socket.on('data', (text) => answer += text);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  return answer.replace(/^date: .*\r\n/im, '');
}

/** All that a machine said, again: the relay answers as to a recording of a key that nobody ever had. */
async function replayed(relay: TestRelay, said: string): Promise<void> {
  const answer = await replay(relay.port, said);
  const unknown = said.replace(/(tunnel-key: )[\w-]{22}/i, `$1${tunnelKey(generateJoinCode()).id}`);
  assert.is.not(said, unknown);
  assert.is(answer, await replay(relay.port, unknown));
  assert.match(answer, /^HTTP\/1.1 101 [^]*\r\n\r\n\x88\x02\x0f\xa3$/, '4003, without a reason');
}

const directories: ReturnType<typeof temporaryDirectory>[] = [];
function state(): string {
  const directory = temporaryDirectory();
  directories.push(directory);
  return join(directory.path, 'relay-state.json');
}
test.after(() => directories.forEach((directory) => directory.remove()));

test('a code lets one machine in, once; its token is for it alone, whatever id it says', async () => {
  const relay = await startRelay({ stateFile: state() });
  const cookie = await relay.login();
  const { code, command, expiresAt, lifetimeMs } = await codeFrom(relay, cookie);
  assert.is(command, `agent-monitor join ${relay.origin}/#${code}`);
  assert.ok(Math.abs(expiresAt - Date.now() - JOIN_MS) < 5000);
  assert.is(lifetimeMs, JOIN_MS);
  const token = await joinWith(relay.port, code, 'machine1');
  assert.is(await refusal(relay.port, code), 'refused', 'a second time');
  const other = await joinWith(relay.port, (await codeFrom(relay, cookie)).code, 'machine1');
  const [first, second] = [startMachine(relay.port, token, 'stolen-name'), startMachine(relay.port, other, 'machine1')];
  await until(() => [first, second].every((machine) => machine.state().kind === 'connected'));
  const entries = await list(relay, cookie);
  assert.equal(entries.map(({ connected, token }) => [connected, token]), [[true, 'own'], [true, 'own']]);
  assert.is(entries.filter(({ id }) => id === 'machine1').length, 1, 'nobody takes the id of another token');
  const lines = relay.lines.join('\n');
  for (const secret of [code, token, other]) assert.not(lines.includes(secret), 'not in the log');
  await Promise.all([first.close(0), second.close(0)]);
  await relay.close();
});

test('used, expired, wrong and unknown: one end, and nothing is said', async () => {
  const clock = fakeClock(1_800_000_000_000);
  const relay = await startRelay({ stateFile: state(), clock });
  const cookie = await relay.login();
  const { code: used } = await codeFrom(relay, cookie);
  await joinWith(relay.port, used);
  const { code: expired } = await codeFrom(relay, cookie);
  clock.advance(JOIN_MS);
  const ends = [
    await tryKey(relay.port, used),
    await tryKey(relay.port, expired),
    await tryKey(relay.port, generateJoinCode()),
    await tryKey(relay.port, generateMachineToken()),
  ];
  for (const end of ends) assert.equal(end, [CLOSE.refused, '', 0]);
  const { code } = await codeFrom(relay, cookie);
  clock.advance(JOIN_MS - 1);
  assert.ok(await joinWith(relay.port, code), 'good until the last moment');
  await relay.close();
});

test('who records a joining can do nothing with it, and finds neither code nor token on the wire', async () => {
  const relay = await startRelay({ stateFile: state() });
  const cookie = await relay.login();
  const proxy = await chaosProxy(() => relay.port);
  proxy.recording = true;
  const said: Buffer[] = [];
  proxy.tamper = (chunk) => (said.push(chunk), chunk);
  const { code } = await codeFrom(relay, cookie);
  const token = await joinWith(proxy.port, code);
  const wire = Buffer.concat(proxy.seen).toString('latin1');
  // Over TLS not even that is seen.
  assert.is(/tunnel-key: [\w-]{22}\r\n/i.test(wire), !isTls(), 'the recording has the upgrade');
  for (const secret of [code, code.slice(4), token, token.slice(4)]) {
    for (const form of [secret, Buffer.from(secret, 'base64url').toString('latin1')]) assert.not(wire.includes(form));
  }
  if (!isTls()) await replayed(relay, Buffer.concat(said).toString('latin1'));
  assert.is((await list(relay, cookie)).length, 1);
  // The first message of a recording, for a code that is still open: the rest of it proves nothing.
  const open = (await codeFrom(relay, cookie)).code;
  const recorded = new Handshake({ initiator: true, psk: tunnelKey(open).psk }).write();
  const socket = await dial(webSocketAt(relay.port, '/tunnel'), {
    protocols: [TUNNEL_PROTOCOL],
    headers: { [TUNNEL_KEY_FIELD]: tunnelKey(open).id! },
  });
  socket.onmessage = () => {};
  socket.send(recorded);
  socket.send(Buffer.alloc(80, 7));
  assert.is((await socket.closed).code, CLOSE.failed);
  assert.is((await list(relay, cookie)).length, 1, 'it let nobody in');
  assert.ok(await joinWith(relay.port, open), 'and did not spend the code');
  await proxy.close();
  await relay.close();
});

test('a token that is removed ends its tunnel within a second, for good, a restart of the relay included', async () => {
  const stateFile = state();
  let relay = await startRelay({ stateFile });
  const cookie = await relay.login();
  const token = await joinWith(relay.port, (await codeFrom(relay, cookie)).code, 'machine1');
  const retained = await joinWith(relay.port, (await codeFrom(relay, cookie)).code, 'machine2');
  const machine = startMachine(relay.port, token);
  await until(() => machine.state().kind === 'connected');
  assert.is(await (await relay.fetch('/m/machine1/api/x', { cookie })).text(), 'lab');
  const started = performance.now();
  assert.is((await relay.fetch('/api/relay/machines/machine1', { cookie, method: 'DELETE' })).status, 200);
  await until(() => machine.state().kind === 'removed');
  assert.ok(performance.now() - started < 1000);
  assert.equal(await tryKey(relay.port, token), [CLOSE.refused, '', 0]);
  await machine.close(0);
  await relay.close();
  relay = await startRelay({ stateFile });
  assert.equal(await tryKey(relay.port, token), [CLOSE.refused, '', 0], 'after a restart');
  const other = startMachine(relay.port, retained);
  await until(() => other.state().kind === 'connected');
  assert.equal((await list(relay, await relay.login())).map(({ id, connected }) => [id, connected]), [[
    'machine2',
    true,
  ]]);
  await other.close(0);
  await relay.close();
});

test('a machine with RELAY_TOKEN that is removed stops; started again it is a new entry, also one that had joined', async () => {
  const relay = await startRelay({ stateFile: state() });
  const cookie = await relay.login();
  const remove = async (id: string) =>
    assert.is((await relay.fetch(`/api/relay/machines/${id}`, { cookie, method: 'DELETE' })).status, 200);
  const name = (id: string) =>
    relay.fetch(`/api/relay/machines/${id}`, { cookie, method: 'PUT', body: '{"name":"My lab"}' });
  const shared = startMachine(relay.port, TOKEN, 'machine1');
  await until(() => shared.state().kind === 'connected');
  await name('machine1');
  await remove('machine1');
  await until(() => shared.state().kind === 'removed');
  assert.equal(await list(relay, cookie), []);
  // Its token is everybody's: what removing it did is to stop it, and to forget it.
  const again = startMachine(relay.port, TOKEN, 'machine1');
  await until(() => again.state().kind === 'connected');
  const facts = async () => (await list(relay, cookie)).map(({ id, name, token }) => [id, name, token]);
  assert.equal(await facts(), [['machine1', 'lab', 'shared']], 'without its name');
  await again.close(0);
  // A token of its own is worthless once it is removed; with RELAY_TOKEN the machine is one of those that share it.
  const token = await joinWith(relay.port, (await codeFrom(relay, cookie)).code, 'machine2');
  await remove('machine2');
  assert.equal(await tryKey(relay.port, token), [CLOSE.refused, '', 0]);
  const back = startMachine(relay.port, TOKEN, 'machine2');
  await until(() => back.state().kind === 'connected');
  assert.equal(await facts(), [['machine1', 'lab', 'shared'], ['machine2', 'lab', 'shared']]);
  await back.close(0);
  await relay.close();
});

test('no token is given that a restart would forget, and none without a login', async () => {
  const stateFile = state();
  const relay = await startRelay({ stateFile });
  const cookie = await relay.login();
  const { code } = await codeFrom(relay, cookie);
  rmSync(join(stateFile, '..'), { recursive: true });
  assert.is(await refusal(relay.port, code), 'let in', 'a file that is gone brings nothing back');
  for (const [method, path] of [['POST', 'machines/join'], ['GET', 'machines'], ['DELETE', 'machines/x']]) {
    assert.is((await relay.fetch(`/api/relay/${path}`, { method: method! })).status, 401, path);
  }
  await relay.close();
});

/** Runs `agent-monitor join` in this process. @returns its exit code and what it printed */
async function runJoin(home: string, address: string): Promise<{ code: number; text: string }> {
  let text = '';
  const out = { write: (part: string) => (text += part, true) } as unknown as NodeJS.WriteStream;
  const env = { ...process.env, AGENT_MONITOR_HOME: home };
  const code = await dispatch(['join', address], { version: '1', env, stdout: out, stderr: out });
  return { code, text };
}

test('a machine that moves from RELAY_TOKEN to a token of its own keeps its entry, by the command itself', async () => {
  const relay = await startRelay({ stateFile: state() });
  const home = temporaryDirectory();
  directories.push(home);
  const cookie = await relay.login();
  const shared = startMachine(relay.port, TOKEN, 'machine1');
  await until(() => shared.state().kind === 'connected');
  assert.is(
    (await relay.fetch('/api/relay/machines/machine1', { cookie, method: 'PUT', body: '{"name":"My lab"}' })).status,
    200,
  );
  await shared.close(0);
  mkdirSync(join(home.path, 'data'), { recursive: true });
  writeFileSync(join(home.path, 'data/machine.json'), '{"id":"machine1","isKnown":true}');
  writeFileSync(join(home.path, '.env'), `RELAY_TOKEN=${TOKEN}\nPORT=4444\n`);
  const { code } = await codeFrom(relay, cookie);
  const joined = await runJoin(home.path, `${relay.origin}/#${code}`);
  assert.is(joined.code, 0, joined.text);
  assert.match(joined.text, `This machine has joined ${relay.origin}`);
  const settings = parseEnv(readFileSync(join(home.path, '.env'), 'utf8'));
  assert.ok(isMachineToken(settings.RELAY_TOKEN));
  assert.is(settings.RELAY_URL, webSocketAt(relay.port, '/tunnel'));
  assert.is(settings.PORT, '4444', 'other settings stay');
  assert.is(statSync(join(home.path, '.env')).mode & 0o777, 0o600);
  assert.not(joined.text.includes(settings.RELAY_TOKEN!), 'the token is not printed');
  const own = startMachine(relay.port, settings.RELAY_TOKEN!, 'machine1');
  await until(() => own.state().kind === 'connected');
  const entries = await list(relay, cookie);
  assert.equal(entries.map(({ id, name, token, connected }) => ({ id, name, token, connected })), [
    { id: 'machine1', name: 'My lab', token: 'own', connected: true },
  ]);
  await own.close(0);
  await relay.close();
});

test('the command says what is wrong with its address, and that a code is spent', async () => {
  const relay = await startRelay({ stateFile: state() });
  const home = temporaryDirectory();
  directories.push(home);
  for (const address of ['', relay.origin, `${relay.origin}/#amj_short`, `#${generateJoinCode()}`]) {
    const { code, text } = await runJoin(home.path, address);
    assert.is(code, EXIT.usage, address);
    assert.match(text, /Give the whole address/);
  }
  const spent = await runJoin(home.path, `${relay.origin}/#${generateJoinCode()}`);
  assert.is(spent.code, EXIT.failed, spent.text);
  assert.match(spent.text, /The code was used/);
  assert.not(existsSync(join(home.path, '.env')), 'nothing was saved');
  const gone = await runJoin(home.path, `http://127.0.0.1:1/#${generateJoinCode()}`);
  assert.is(gone.code, EXIT.unreachable, gone.text);
  await relay.close();
});

test('a machine that moves goes back to what it was when its token cannot be saved', () => {
  const records = new MachineRecords(fakeClock());
  const facts = { name: 'lab', version: '1', address: '' };
  records.connected('machine1', facts);
  const joined = records.join('machine1', facts)!;
  assert.is(joined.record.id, 'machine1');
  assert.ok(records.findByKey(tunnelKey(joined.token).id!));
  assert.is.not(records.join('machine1', facts)!.record.id, 'machine1', "another's token");
  joined.undo();
  assert.is(records.findByKey(tunnelKey(joined.token).id!), null);
  assert.is(records.find('machine1')?.hostName, 'lab', 'and is still known');
  assert.is(records.idForShared('machine1'), 'machine1');
});

test('the relay asks its machines to spread over about 30 ms for each that it knows', async () => {
  const relay = await startRelay({ stateFile: state() });
  const asked: (number | undefined)[] = [];
  for (let i = 0; i < 3; i++) {
    const machine = startTunnelClient({
      url: webSocketAt(relay.port, '/tunnel'),
      token: TOKEN,
      info: { name: 'lab', version: '1' },
      id: () => `machine${i}`,
      log: silentLog,
      handler: (_req, res) => (res.writeHead(200), void res.end()),
      onRelay: ({ spreadMs }) => asked.push(spreadMs),
    });
    await until(() => machine.state().kind === 'connected');
    await machine.close(0);
  }
  for (const [i, spread] of asked.entries()) assert.ok(spread === 30 * i || spread === 30 * (i + 1), `${asked}`);
  assert.is(asked.length, 3);
  await relay.close();
});

test.run();
