/** The server's end of a holder's socket, where there is no holder. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { systemClock } from '../../../core/clock.ts';
import { HolderClient } from '../../../agent/process/holder/client.ts';
import { holdProcess } from '../../../agent/process/holder/held-child.ts';
import { encode } from '../../../agent/process/holder/protocol.ts';
import {
  ensureHolderDirectory,
  holderDirectory,
  type HolderRecord,
  socketName,
} from '../../../agent/process/holder/records.ts';
import { socketPath } from '../../../agent/process/holder/socket-path.ts';
import { isSameProcess, processIdentity } from '../../../agent/process/identity.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';

/** A record of a holder that has died. */
const record = (directory: string): HolderRecord => ({
  version: 1,
  id: 'gone',
  directory,
  kind: 'cli',
  instance: 'i',
  pid: 1,
  process: { pid: 1, startTime: 'never', bootId: '', mark: '' },
  child: null,
  meta: {},
});

const connect = (directory: string, act: (client: HolderClient) => void = () => {}) =>
  new Promise<string>((resolve) => {
    const source = record(directory);
    const client = new HolderClient({
      directory,
      id: 'gone',
      clock: systemClock,
      source,
      onEvent() {},
      onGone: resolve,
    });
    act(client);
  });
/** What stands in for holders has accepted. */
const open = new Set<Socket>();
function close(server: Server): void {
  server.close();
  for (const socket of open) socket.destroy();
}
const isLinux = process.platform === 'linux';
const descriptors = () => readdirSync('/proc/self/fd').length;

test('a socket is reached however long its path', async () => {
  const { path, remove } = temporaryDirectory();
  try {
    for (const name of ['short', 'x'.repeat(120)]) {
      const directory = join(path, name);
      mkdirSync(directory);
      const server = createServer((socket) => socket.end(name));
      const bound = socketPath(directory, 'socket');
      server.listen(bound.path);
      await once(server, 'listening');
      bound.close();
      const reached = socketPath(directory, 'socket');
      const client = createConnection(reached.path).setEncoding('utf8');
      let seen = '';
      client.on('data', (text) => seen += text);
      await once(client, 'close');
      reached.close();
      assert.is(seen, name);
      server.close();
    }
  } finally {
    remove();
  }
});

for (const name of ['short', `${'long'.repeat(20)}/${'deep'.repeat(20)}`]) {
  test(`a connection that fails leaves nothing open: a path of ${name.length} characters`, async () => {
    const { path, remove } = temporaryDirectory();
    const directory = join(path, name);
    mkdirSync(directory, { recursive: true });
    const [before] = [isLinux ? descriptors() : 0, await connect(directory)];
    for (let i = 0; i < 20; i++) assert.match(await connect(directory), 'ENOENT');
    if (isLinux) assert.ok(descriptors() <= before + 2, `${before} descriptors before, ${descriptors()} after`);
    // One that listens and is left while it answers.
    const server = createServer((socket) => void open.add(socket));
    process.chdir(directory);
    await new Promise<void>((resolve) => server.listen(socketName('gone'), resolve));
    process.chdir('/');
    const listening = isLinux ? descriptors() : 0;
    for (let i = 0; i < 20; i++) void connect(directory, (client) => client.detach());
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (isLinux) assert.ok(descriptors() <= listening + 2, `${listening} before, ${descriptors()} after`);
    close(server);
    remove();
  });
}

test('a CLI that has ended meanwhile: the process that has its number by now is left alone', async () => {
  if (!isLinux) return;
  const { path: dataDir, remove } = temporaryDirectory();
  const directory = holderDirectory(dataDir);
  ensureHolderDirectory(directory);
  const other = spawn('/bin/sleep', ['100'], { detached: true, stdio: 'ignore' });
  const { pid } = other;
  const identity = processIdentity(pid!)!;
  const server = createServer((socket) => {
    open.add(socket);
    const welcome = { version: 1, instance: 'i', cols: 0, rows: 0, start: 0, end: 0, sizes: [] };
    const input = { counts: [], queue: [], hasDropped: false };
    socket.write(encode({ kind: 'welcome', pid: pid!, input, ...welcome }));
    socket.write(encode({ kind: 'ended', code: 0, signal: null }));
  });
  process.chdir(directory);
  await new Promise<void>((resolve) => server.listen(socketName('gone'), resolve));
  process.chdir('/');
  const child = { ...identity, startTime: `${Number(identity.startTime) - 1}`, mark: 'of before' };
  const ended = new Promise((exit) =>
    holdProcess({
      program: { name: 'it', setting: '', install: '' },
      ...{ command: 'it', args: [], cwd: '/', env: {}, stdout() {}, exit },
    }, {
      ...{ dataDir, id: 'gone', idleMs: 0, meta: { agentId: '', turnEnd: '' }, onStarted() {}, onCaughtUp() {} },
      survivor: { record: { ...record(directory), child }, offset: 0 },
    })
  );
  await ended;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.ok(isSameProcess(identity));
  other.kill('SIGKILL');
  close(server);
  remove();
});

test.run();
