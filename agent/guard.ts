/**
 * Who may use the local server: programs and pages of the user who runs it, on this machine. Requests through the tunnel
 * were let in by the relay. With HOST set, other machines come in by a login instead.
 */
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import process from 'node:process';
import { checkOrigin } from '../core/auth/origin.ts';
import { HttpError } from '../core/http/reply.ts';
import type { HttpRequest } from '../core/http/types.ts';

/** Host names of a server that listens on the loopback addresses only. */
const OWN_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/** A local request's socket, as node:http gives it. */
interface WithSocket {
  socket?: { remoteAddress?: string; remotePort?: number; localAddress?: string; localPort?: number };
}

export interface GuardOptions {
  /** HOST is set: a login guards the server, and it answers to any name. */
  open: boolean;
  /** Who is at the other end of a loopback connection; null: cannot be told here. */
  peerUser?: (req: HttpRequest) => number | null;
}

/** Throws 403 or 401 for what must not come in. Reads no body. */
export function guardLocal(req: HttpRequest, { open, peerUser = loopbackUser }: GuardOptions): void {
  if (req.wire !== 'local') return;
  if (!open && !OWN_NAMES.has(hostName(req))) {
    // A page of another site whose name was pointed at this machine (DNS rebinding).
    throw new HttpError(403, 'host_refused', 'Use http://localhost or http://127.0.0.1 to reach this server.');
  }
  checkOrigin(req, false);
  if (open) return;
  const own = process.getuid?.();
  const user = own === undefined ? null : peerUser(req);
  if (user === null || user === own) return;
  throw new HttpError(401, 'other_user', 'This server is open only to the user of this machine who runs it.');
}

const hostName = (req: HttpRequest) => (req.headers.host ?? '').toLowerCase().replace(/:\d+$/, '');

/** Looked up once per connection: its owner does not change. */
const known = new WeakMap<object, number | null>();

function loopbackUser(req: HttpRequest): number | null {
  const socket = (req as WithSocket).socket;
  if (!socket || process.platform !== 'linux') return null;
  if (!known.has(socket)) known.set(socket, findUser(socket));
  return known.get(socket) ?? null;
}

/** The uid column of the peer's end in /proc/net/tcp and tcp6 (proc_net_tcp.txt). */
function findUser(
  { remoteAddress, remotePort, localAddress, localPort }: NonNullable<WithSocket['socket']>,
): number | null {
  if (!remoteAddress || !localAddress) return null;
  // The peer's local end is our remote end.
  const ends = [
    `${hexAddress(remoteAddress)}:${hexPort(remotePort)}`,
    `${hexAddress(localAddress)}:${hexPort(localPort)}`,
  ];
  const tables = isIPv6(remoteAddress) && !remoteAddress.startsWith('::ffff:') ? ['tcp6'] : ['tcp', 'tcp6'];
  for (const table of tables) {
    for (const row of readTable(table)) {
      const [, local = '', remote = '', , , , , uid] = row.trim().split(/\s+/);
      if (
        table === 'tcp6' ? same6(local, ends[0]!) && same6(remote, ends[1]!) : local === ends[0] && remote === ends[1]
      ) {
        return Number(uid);
      }
    }
  }
  // Not in the table: a connection of another network namespace, or gone already. Nobody that we know.
  return readTable('tcp').length ? -1 : null;
}

function readTable(name: string): string[] {
  try {
    return readFileSync(`/proc/net/${name}`, 'latin1').split('\n').slice(1);
  } catch {
    return [];
  }
}

const hexPort = (port = 0) => port.toString(16).toUpperCase().padStart(4, '0');

/** IPv4 as one little-endian word (of this machine's order), IPv6 as four. */
export function hexAddress(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  const word = (bytes: number[]) =>
    bytes.reverse().map((byte) => byte.toString(16).padStart(2, '0')).join('').toUpperCase();
  if (!plain.includes(':')) return word(plain.split('.').map(Number));
  const [head = '', tail = ''] = plain.split('::');
  const groups = (text: string) => text ? text.split(':').map((group) => parseInt(group, 16)) : [];
  const [left, right] = [groups(head), groups(tail)];
  const all = [...left, ...Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0), ...right];
  const bytes = all.flatMap((group) => [group >> 8, group & 255]);
  return [0, 4, 8, 12].map((at) => word(bytes.slice(at, at + 4))).join('');
}

/** A tcp6 row may hold an IPv4 connection in its mapped form. */
const MAPPED = '0000000000000000FFFF0000';
const same6 = (row: string, wanted: string) => row === wanted || row === MAPPED + wanted;
