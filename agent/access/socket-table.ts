/**
 * Linux's tables of TCP sockets, /proc/net/tcp and /proc/net/tcp6 (kernel documentation, networking/proc_net_tcp): which
 * user owns the other end of a connection of this machine.
 */
import { Buffer } from 'node:buffer';
import { open } from 'node:fs/promises';
import { endianness } from 'node:os';

export type TableName = 'tcp' | 'tcp6';
/** The text of a table in pieces. Rejects with the system's error when the table cannot be read. */
export type ReadTable = (name: TableName) => AsyncIterable<string>;

/** One connection of this machine by the rows of its two ends. */
export interface RowKeys {
  readonly peer: string;
  readonly own: string;
}

export interface ConnectionAddresses {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** ESTABLISHED, FIN_WAIT1, FIN_WAIT2 and CLOSE_WAIT (include/net/tcp_states.h): one direction is still open. */
const CONNECTED = new Set(['01', '04', '05', '08']);
const PIECE_BYTES = 64 * 1024;
/** About 1.5 million sockets: a table that is longer counts as unreadable. */
const MAX_TABLE_BYTES = 256 * 1024 * 1024;

/** @returns null when an address is missing: the connection is over */
export function rowKeys(addresses: ConnectionAddresses): RowKeys | null {
  const { remoteAddress, remotePort, localAddress, localPort } = addresses;
  if (!remoteAddress || !localAddress || !remotePort || !localPort) return null;
  const remote = `${hexAddress(remoteAddress)}:${hexPort(remotePort)}`;
  const local = `${hexAddress(localAddress)}:${hexPort(localPort)}`;
  // A row names its own end first.
  return { peer: `${remote} ${local}`, own: `${local} ${remote}` };
}

/**
 * Reads the tables once and looks up the owner of each connection's peer.
 *
 * A connection counts as found only while both of its ends have a row that a process holds open (inode, connected state).
 * A row that nobody holds any more (TIME_WAIT, a closed socket that still sends) has uid 0 and inode 0: it is nobody's.
 * Our own end's row shows that the connection did not end before the peer's row was read; without it the row might be
 * that of another user's later connection from the same port.
 * @returns the user ids of the connections that were found
 */
export async function findPeerUsers(wanted: Iterable<RowKeys>, readTable: ReadTable): Promise<Map<RowKeys, number>> {
  const missing = new Set(wanted);
  const ends = new Map<string, number | null>();
  for (const { peer, own } of missing) ends.set(peer, null).set(own, null);
  const found = new Map<RowKeys, number>();
  const tables: TableName[] = ['tcp', 'tcp6'];
  for (const name of tables) {
    await readRows(name, readTable, ends);
    for (const keys of missing) {
      const uid = ends.get(keys.peer) ?? null;
      if (uid === null || (ends.get(keys.own) ?? null) === null) continue;
      found.set(keys, uid);
      missing.delete(keys);
    }
    if (missing.size === 0) break;
  }
  return found;
}

/** Fills in the owners of those `ends` that have a row in the table. */
async function readRows(name: TableName, readTable: ReadTable, ends: Map<string, number | null>): Promise<void> {
  let rest = '';
  try {
    for await (const piece of readTable(name)) rest = scanRows(rest + piece, ends);
  } catch (error) {
    // A kernel without IPv6 has no tcp6.
    if (name !== 'tcp6' || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (rest) scanRows(`${rest}\n`, ends);
}

/** @returns the text behind the last whole row */
function scanRows(text: string, ends: Map<string, number | null>): string {
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
    // `   0: 0100007F:0D80 0100007F:C356 01 …`: only the two addresses of a row that is not wanted are looked at.
    const local = text.indexOf(': ', start) + 2;
    const remote = text.indexOf(' ', local) + 1;
    const state = text.indexOf(' ', remote) + 1;
    if (local > 1 && state > remote && state < end) {
      const key = plainKey(text.slice(local, state - 1));
      if (ends.has(key)) {
        const uid = ownerOf(text.slice(state, end));
        if (uid !== null) ends.set(key, uid);
      }
    }
    start = end + 1;
  }
  return text.slice(start);
}

/** @param columns a row from its state on: st, queues, timer, retransmits, uid, timeout, inode … */
function ownerOf(columns: string): number | null {
  const [state = '', , , , uid = '', , inode = ''] = columns.trim().split(/\s+/);
  const isHeld = CONNECTED.has(state) && /^[1-9]\d*$/.test(inode) && /^\d+$/.test(uid);
  return isHeld ? Number(uid) : null;
}

/**
 * This machine's table, read by the thread pool: the kernel walks its whole hash table, which takes 5 ms with 262,144 buckets
 * even when hardly one is in use, and hands out a page at a time.
 */
export async function* readSystemTable(name: TableName): AsyncGenerator<string> {
  const file = await open(`/proc/net/${name}`);
  try {
    const buffer = Buffer.alloc(PIECE_BYTES);
    for (let total = 0; total <= MAX_TABLE_BYTES;) {
      const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, null);
      if (bytesRead === 0) return;
      total += bytesRead;
      yield buffer.toString('latin1', 0, bytesRead);
    }
  } finally {
    await file.close();
  }
  throw new Error(`/proc/net/${name} has more than ${MAX_TABLE_BYTES} bytes`);
}

const hexPort = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');

const IS_LITTLE = endianness() === 'LE';
/** Four bytes in network order as the kernel prints them: one word of this machine's order. */
const hexWord = (bytes: readonly number[]) =>
  (IS_LITTLE ? [...bytes].reverse() : bytes).map((byte) => byte.toString(16).padStart(2, '0')).join('').toUpperCase();

/** A tcp6 row may hold an IPv4 connection in its mapped form, ::ffff:127.0.0.1. */
const MAPPED = hexWord([0, 0, 0, 0]).repeat(2) + hexWord([0, 0, 255, 255]);

/** A row's two addresses, IPv4 always in its short form. */
function plainKey(key: string): string {
  if (!key.startsWith(MAPPED)) return key;
  const [local = '', remote = ''] = key.split(' ');
  return remote.startsWith(MAPPED) ? `${local.slice(MAPPED.length)} ${remote.slice(MAPPED.length)}` : key;
}

/** An address in the tables' form: IPv4, mapped or not, as one word; IPv6 as four. */
export function hexAddress(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!plain.includes(':')) return hexWord(plain.split('.').map(Number));
  const [head = '', tail = ''] = plain.split('::');
  const groups = (text: string) => text ? text.split(':').map((group) => parseInt(group, 16)) : [];
  const [left, right] = [groups(head), groups(tail)];
  const all = [...left, ...Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0), ...right];
  const bytes = all.flatMap((group) => [group >> 8, group & 255]);
  return [0, 4, 8, 12].map((at) => hexWord(bytes.slice(at, at + 4))).join('');
}
