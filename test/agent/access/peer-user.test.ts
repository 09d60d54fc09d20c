/** The look-up of a connection's user, with tables as text: whoever is not surely somebody is nobody. */
import { EventEmitter } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PeerUsers, RETRY_MS } from '../../../agent/access/peer-user.ts';
import {
  findPeerUsers,
  hexAddress,
  type ReadTable,
  rowKeys,
  type TableName,
} from '../../../agent/access/socket-table.ts';
import { systemClock } from '../../../core/clock.ts';
import { createLog } from '../../../core/log.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
/** Ports 0xC356 (the peer's) and 0x0D80 (ours) on 127.0.0.1. */
const PEER = '0100007F:C356 0100007F:0D80';
const OWN = '0100007F:0D80 0100007F:C356';
const SIX = '00000000000000000000000001000000';
const MAPPED = '0000000000000000FFFF00000100007F';

const row = (ends: string, state: string, uid: number, inode: number) =>
  `   7: ${ends} ${state} 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 ${inode} 1 0 20\n`;
const ours = row(OWN, '01', 1500, 77);

/** Tables of these rows, in pieces that end in the middle of rows. */
const tables = (texts: Partial<Record<TableName, string>>, piece = 50): ReadTable =>
  async function* (name) {
    const text = HEAD + (texts[name] ?? '');
    for (let at = 0; at < text.length; at += piece) yield text.slice(at, at + piece);
  };

const FOUR = { remoteAddress: '127.0.0.1', remotePort: 0xc356, localAddress: '127.0.0.1', localPort: 0x0d80 };
const keys = rowKeys(FOUR)!;
const userIn = async (texts: Partial<Record<TableName, string>>, wanted = keys) =>
  (await findPeerUsers([wanted], tables(texts))).get(wanted);

test('addresses have the form of /proc/net', () => {
  assert.is(hexAddress('127.0.0.1'), '0100007F');
  assert.is(hexAddress('::ffff:127.0.0.1'), '0100007F');
  assert.is(hexAddress('::1'), SIX);
  assert.is(hexAddress('fe80::1:2'), '000080FE000000000000000002000100');
  assert.equal(keys, { peer: PEER, own: OWN });
});

test('a connection without one of its addresses has no keys', () => {
  for (const name of Object.keys(FOUR)) assert.is(rowKeys({ ...FOUR, [name]: undefined }), null, name);
  assert.is(rowKeys({}), null);
});

test('the owner is that of the peer’s row, in whatever pieces the table comes', async () => {
  for (const piece of [1, 7, 50, 4096]) {
    const read = tables(
      { tcp: row('0100007F:C357 0100007F:0D80', '01', 1700, 5) + ours + row(PEER, '01', 1600, 78) },
      piece,
    );
    assert.is((await findPeerUsers([keys], read)).get(keys), 1600, String(piece));
  }
  // Root's own connection, one that was half closed, a last row without its newline.
  assert.is(await userIn({ tcp: ours + row(PEER, '01', 0, 78) }), 0);
  assert.is(await userIn({ tcp: row(OWN, '08', 1500, 77) + row(PEER, '05', 1500, 78) }), 1500);
  assert.is(await userIn({ tcp: ours + row(PEER, '01', 1600, 78).trimEnd() }), 1600);
});

test('a row that nobody holds is nobody’s, never root’s', async () => {
  for (
    const [what, peer] of [
      ['TIME_WAIT', row(PEER, '06', 0, 0)],
      ['TIME_WAIT shown as FIN_WAIT2', row(PEER, '05', 0, 0)],
      ['closed, still sending', row(PEER, '04', 0, 0)],
      ['closed, with an owner', row(PEER, '01', 1600, 0)],
      ['TIME_WAIT with an inode', row(PEER, '06', 0, 78)],
      ['LISTEN', row(PEER, '0A', 0, 78)],
      ['no row', ''],
      ['a broken row', row(PEER, '01', 0, 78).slice(0, 60) + '\n'],
      ['another port', row('0100007F:C357 0100007F:0D80', '01', 0, 78)],
      ['another address', row('0200007F:C356 0100007F:0D80', '01', 0, 78)],
    ] as const
  ) assert.is(await userIn({ tcp: ours + peer }), undefined, what);
});

test('a row of the same port counts only while our own end is there: it may be of a later connection', async () => {
  assert.is(await userIn({ tcp: row(PEER, '01', 1500, 78) }), undefined);
  assert.is(await userIn({ tcp: row(OWN, '01', 0, 0) + row(PEER, '01', 1500, 78) }), undefined, 'not accepted yet');
  assert.is(await userIn({ tcp: row(OWN, '06', 0, 0) + row(PEER, '01', 1500, 78) }), undefined);
});

test('an old TIME_WAIT row beside the living one does not hide it', async () => {
  const [old, living] = [row(PEER, '06', 0, 0), row(PEER, '01', 1600, 78)];
  assert.is(await userIn({ tcp: old + living + ours }), 1600);
  assert.is(await userIn({ tcp: living + old + ours }), 1600);
});

test('IPv6, and IPv4 in its mapped form, are found in tcp6', async () => {
  const six = rowKeys({ ...FOUR, remoteAddress: '::1', localAddress: '::1' })!;
  const text = row(`${SIX}:C356 ${SIX}:0D80`, '01', 1600, 78) + row(`${SIX}:0D80 ${SIX}:C356`, '01', 1500, 77);
  assert.is(await userIn({ tcp6: text }, six), 1600);
  assert.is(await userIn({ tcp6: text }), undefined);
  const mapped = row(`${MAPPED}:C356 ${MAPPED}:0D80`, '01', 1601, 78);
  assert.is(await userIn({ tcp: ours, tcp6: mapped }), 1601, 'a client with a socket for both');
  assert.is(await userIn({ tcp: ours, tcp6: mapped }, rowKeys({ ...FOUR, remoteAddress: '::ffff:127.0.0.1' })!), 1601);
});

test('a kernel without IPv6 has no tcp6; any other failure is one', async () => {
  const failing = (failed: TableName, code: string): ReadTable =>
    async function* (name) {
      if (name === failed) throw Object.assign(new Error(code), { code });
      yield HEAD + ours;
    };
  assert.is((await findPeerUsers([keys], failing('tcp6', 'ENOENT'))).size, 0);
  for (const [table, code] of [['tcp', 'ENOENT'], ['tcp', 'EMFILE'], ['tcp6', 'EMFILE'], ['tcp6', 'EACCES']] as const) {
    const error = await findPeerUsers([keys], failing(table, code)).catch((error: unknown) => error);
    assert.is((error as { code?: string }).code, code, `${table} ${code}`);
  }
});

class FakeSocket extends EventEmitter {
  destroyed = false;
  readonly remoteAddress = '127.0.0.1';
  readonly localAddress = '127.0.0.1';
  readonly localPort = 0x0d80;
  readonly remotePort: number;
  constructor(remotePort: number) {
    super();
    this.remotePort = remotePort;
  }
}
const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');
const both = (port: number, uid: number) =>
  row(`0100007F:${hex(port)} 0100007F:0D80`, '01', uid, 78) +
  row(`0100007F:0D80 0100007F:${hex(port)}`, '01', 1500, 77);

function setup(readTable: ReadTable) {
  const lines: string[] = [];
  const users = new PeerUsers({ clock: systemClock, log: createLog({ write: (line) => lines.push(line) }), readTable });
  const add = (socket: FakeSocket) => {
    users.add(socket);
    return users.of(socket);
  };
  return { users, lines, add };
}

test('all connections of a tick are found by one reading; later ones by the next', async () => {
  let readings = 0;
  const text = Array.from({ length: 301 }, (_, n) => both(2000 + n, 1000 + n)).join('');
  const { add } = setup(async function* (name) {
    if (name === 'tcp') readings++;
    yield text;
  });
  const found = await Promise.all(Array.from({ length: 300 }, (_, n) => add(new FakeSocket(2000 + n))));
  assert.equal(found, Array.from({ length: 300 }, (_, n) => 1000 + n));
  assert.is(readings, 1);
  assert.is(await add(new FakeSocket(2300)), 1300);
  assert.is(readings, 2);
});

test('unknown: no address, a destroyed socket, one that was never added', async () => {
  let readings = 0;
  const { add, users } = setup(async function* () {
    readings++;
    yield both(2000, 1500);
  });
  assert.is(await add(new FakeSocket(2000)), 1500);
  for (const name of ['remoteAddress', 'remotePort', 'localAddress', 'localPort']) {
    assert.is(await add(Object.assign(new FakeSocket(2000), { [name]: undefined })), null, name);
  }
  assert.is(await add(Object.assign(new FakeSocket(2000), { destroyed: true })), null);
  assert.is(await users.of(new FakeSocket(2000)), null);
  assert.is(readings, 1);
});

test('unknown: a socket that closes, or whose two ends are used again, before the outcome', async () => {
  const { add } = setup(tables({ tcp: both(2000, 1500) }));
  const gone = new FakeSocket(2000);
  const waiting = add(gone);
  gone.emit('close');
  assert.is(await waiting, null);
  const [earlier, later] = [add(new FakeSocket(2000)), add(new FakeSocket(2000))];
  assert.is(await earlier, null);
  assert.is(await later, 1500);
});

test('a row that is not there yet is looked for again, a bounded number of times', async () => {
  let readings = 0;
  const late: ReadTable = async function* (name) {
    if (name === 'tcp' && ++readings >= 3) yield both(2000, 1500);
  };
  assert.is(await setup(late).add(new FakeSocket(2000)), 1500);
  assert.is(readings, 3);
  readings = 0;
  const never = setup(async function* (name) {
    if (name === 'tcp') readings++;
    yield HEAD;
  });
  assert.is(await never.add(new FakeSocket(2000)), null);
  assert.is(readings, 1 + RETRY_MS.length);
});

test('out of file descriptors: refused and said once; found again as soon as the table can be read', async () => {
  let isBroken = true;
  const { add, lines } = setup(async function* () {
    if (isBroken) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    yield both(2000, 1500) + both(2001, 1600);
  });
  assert.equal(await Promise.all([add(new FakeSocket(2000)), add(new FakeSocket(2001))]), [null, null]);
  assert.is(lines.length, 1);
  assert.match(lines[0]!, /Local connections are refused: .*EMFILE.*ulimit -n/);
  const waiting = add(new FakeSocket(2000));
  setTimeout(() => isBroken = false, 10);
  assert.is(await waiting, 1500, 'a connection that lives outlasts a short lack');
  assert.is(await add(new FakeSocket(2001)), 1600);
  assert.match(lines.at(-1)!, /can be read again/);
  assert.is(lines.length, 2);
});

test('closing ends what waits, as unknown', async () => {
  const { add, users } = setup(async function* () {});
  const waiting = add(new FakeSocket(2000));
  users.close();
  assert.is(await waiting, null);
});

test('thousands of rows of others do not hold up the event loop', async () => {
  const others = Array.from({ length: 20_000 }, (_, n) => row(`0100007F:${hex(n)} 0100007F:0050`, '06', 0, 0));
  const text = others.join('') + both(2000, 1500);
  const { add } = setup(async function* () {
    for (let at = 0; at < text.length; at += 4096) {
      yield text.slice(at, at + 4096);
      await new Promise(setImmediate);
    }
  });
  let longest = 0;
  let last = performance.now();
  const ticking = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  assert.is(await add(new FakeSocket(2000)), 1500);
  clearInterval(ticking);
  assert.ok(longest < 100, `${longest} ms`);
});

test.run();
