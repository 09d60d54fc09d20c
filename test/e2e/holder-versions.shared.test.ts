/** Servers and holders of different releases: both speak the newest version of the protocol that they share, or do nothing with each other. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { connect } from 'node:net';
import { systemClock } from '../../core/clock.ts';
import { HolderClient } from '../../agent/process/holder/client.ts';
import { endHolders } from '../../agent/process/holder/end.ts';
import { holdProcess } from '../../agent/process/holder/held-child.ts';
import {
  encode,
  FrameReader,
  type HostCommand,
  type HostEvent,
  VERSIONS,
} from '../../agent/process/holder/protocol.ts';
import {
  ensureHolderDirectory,
  holderDirectory,
  type HolderRecord,
  readRecords,
  socketName,
  writeRecord,
} from '../../agent/process/holder/records.ts';
import { processIdentity } from '../../agent/process/identity.ts';
import { until } from '../support/harness/product.ts';
import { temporaryDirectory } from '../support/harness/git.ts';

const isLinux = process.platform === 'linux';

/** A server of some release at the socket of a holder. */
class OtherServer {
  readonly events: HostEvent[] = [];
  readonly #socket: Socket;
  isClosed = false;
  constructor(path: string, versions: number[]) {
    this.#socket = connect(path);
    const reader = new FrameReader<HostEvent>((event) => this.events.push(event));
    this.#socket.on('data', (chunk: Buffer) => reader.push(chunk));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.isClosed = true);
    this.send({ kind: 'hello', versions });
  }
  send(command: HostCommand): void {
    this.#socket.write(encode(command));
  }
  of<K extends HostEvent['kind']>(kind: K): Extract<HostEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<HostEvent, { kind: K }> => event.kind === kind);
  }
  close(): void {
    this.#socket.destroy();
  }
}

test('a holder of this release and servers of an older, this, and a newer one', async () => {
  const { path, remove } = temporaryDirectory();
  const held = holdProcess({
    program: { name: 'cat', setting: '', install: '' },
    ...{ command: 'cat', args: [], cwd: path, env: { PATH: process.env.PATH }, stdout: () => {}, exit: () => {} },
  }, {
    ...{ dataDir: path, id: 'one', idleMs: 0, survivor: null, meta: { agentId: 'a', turnEnd: '' } },
    ...{ onStarted: () => {}, onCaughtUp: () => {} },
  });
  await held.running;
  held.write('first\n', 'message 1');
  await until('it is read', () => held.offset > 0);
  held.detach();
  const socket = join(holderDirectory(path), socketName('one'));
  for (const [versions, agreed] of [[[1], 1], [[2, 1], 2], [[7, 2], 2]] as const) {
    const server = new OtherServer(socket, [...versions]);
    const welcome = await until('a welcome', () => server.of('welcome')[0]);
    assert.equal([welcome.version, welcome.keys], [agreed, ['message 1']]);
    server.send({ kind: 'line', key: 'message 1', bytes: Buffer.from('first\n') });
    server.send({ kind: 'line', key: '', bytes: Buffer.from(`from ${versions}\n`) });
    const output = () => Buffer.concat(server.of('output').map(({ bytes }) => bytes)).toString();
    await until('its line comes back', () => output().includes(`from ${versions}\n`));
    assert.is(output().split('first').length, 2, 'the line with the key was written once');
    assert.is(server.of('taken').length, agreed === 1 ? 0 : 1);
    server.close();
  }
  const stranger = new OtherServer(socket, [9]);
  assert.is((await until('a welcome', () => stranger.of('welcome')[0])).version, 0);
  stranger.send({ kind: 'line', key: '', bytes: Buffer.from('never\n') });
  await until('it is left', () => stranger.isClosed);
  assert.is(stranger.events.length, 1);
  await endHolders(path);
  remove();
});

/** A holder of some release: it answers in its version. */
async function otherHolder(
  path: string,
  version: number,
  answer: object,
): Promise<{ record: HolderRecord; seen: HostCommand[]; close(): void }> {
  const directory = holderDirectory(path);
  ensureHolderDirectory(directory);
  const seen: HostCommand[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const reader = new FrameReader<HostCommand>((command) => {
      seen.push(command);
      if (command.kind !== 'hello') return;
      const input = { counts: [], queue: [], hasDropped: false };
      const rest = { pid: process.ppid, cols: 0, rows: 0, start: 0, end: 3, sizes: [], input, ...answer };
      socket.write(encode({ kind: 'welcome', version, instance: 'i', ...rest }));
      if (version > 0) socket.write(encode({ kind: 'output', bytes: Buffer.from('old') }));
    });
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(join(directory, socketName('other')), resolve));
  const record: HolderRecord = {
    ...{ version: 1, id: 'other', directory, kind: 'cli', instance: 'i', pid: process.pid, process: null },
    ...{ child: processIdentity(process.ppid), meta: {} },
  };
  writeRecord(directory, record);
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { record, seen, close };
}

test('a server of this release goes on with an older and a newer holder', async () => {
  if (!isLinux) return;
  for (const [version, answer] of [[1, {}], [2, { keys: ['message 1'], later: { field: true } }]] as const) {
    const { path, remove } = temporaryDirectory();
    const { record, seen, close } = await otherHolder(path, version, answer);
    let text = '';
    let isCaughtUp = false;
    const held = holdProcess({
      program: { name: 'x', setting: '', install: '' },
      ...{ command: 'x', args: [], cwd: path, env: {}, stdout: (chunk) => text += chunk, exit: () => {} },
    }, {
      ...{ dataDir: path, id: 'other', idleMs: 0, meta: { agentId: 'a', turnEnd: '' } },
      ...{ survivor: { record, offset: 0 }, onStarted: () => {}, onCaughtUp: () => isCaughtUp = true },
    });
    await until('it has caught up', () => isCaughtUp);
    assert.is(text, 'old');
    assert.equal(seen[0], { kind: 'hello', versions: [...VERSIONS] });
    assert.is(held.hasTaken('message 1'), version === 2);
    held.detach();
    close();
    remove();
  }
});

test('a holder that speaks none of our versions is ended, with a sentence', async () => {
  const { path, remove } = temporaryDirectory();
  const { record, close } = await otherHolder(path, 0, {});
  const options = { directory: holderDirectory(path), id: 'other', clock: systemClock, onEvent() {} };
  const child = processIdentity(1); // whoever it is, it is not the one on record
  const text = await new Promise((resolve) =>
    new HolderClient({ ...options, source: { ...record, process: { ...child!, startTime: 'never' } }, onGone: resolve })
  );
  assert.match(String(text), 'it is of a version that this server does not know');
  assert.equal(readRecords(holderDirectory(path)), []);
  close();
  remove();
});

test.run();
