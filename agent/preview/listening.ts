/** Ports on which programs of this machine listen, from Linux's tables (/proc/net/tcp and tcp6; proc_net_tcp). */
import { hexAddress, type ReadTable, type TableName } from '../access/socket-table.ts';

/** One socket that listens where this machine itself reaches it. */
export interface ListeningSocket {
  port: number;
  /** The loopback address that leads to it. */
  address: '127.0.0.1' | '::1';
  /** The user who owns it. */
  user: number;
  inode: string;
}

/** TCP_LISTEN (include/net/tcp_states.h). */
const LISTEN = '0A';

/** Addresses of a row's own end, as the tables write them → the loopback address that leads there. */
const REACHED_BY: Record<TableName, Record<string, ListeningSocket['address']>> = {
  tcp: { [hexAddress('127.0.0.1')]: '127.0.0.1', [hexAddress('0.0.0.0')]: '127.0.0.1' },
  tcp6: { [hexAddress('::1')]: '::1', [hexAddress('::')]: '::1' },
};

/** Every socket that listens on a loopback address or on all. Rejects when a table cannot be read. */
export async function listeningSockets(readTable: ReadTable): Promise<ListeningSocket[]> {
  const found: ListeningSocket[] = [];
  const tables: TableName[] = ['tcp', 'tcp6'];
  for (const name of tables) {
    try {
      let rest = '';
      for await (const piece of readTable(name)) {
        const lines = (rest + piece).split('\n');
        rest = lines.pop()!;
        found.push(...rowsOf(name, lines));
      }
      found.push(...rowsOf(name, [rest]));
    } catch (error) {
      // A kernel without IPv6 has no tcp6.
      if (name !== 'tcp6' || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return found;
}

function rowsOf(table: TableName, lines: readonly string[]): ListeningSocket[] {
  return lines.map((line) => rowOf(table, line)).filter((row) => row !== null);
}

/** `0: 0100007F:1435 00000000:0000 0A … uid timeout inode`; null: it is no such row. */
function rowOf(table: TableName, line: string): ListeningSocket | null {
  const [, local = '', , state, , , , uid = '', , inode = ''] = line.trim().split(/\s+/);
  if (state !== LISTEN || !/^\d+$/.test(uid) || !/^[1-9]\d*$/.test(inode)) return null;
  const [host = '', port = ''] = local.split(':');
  const address = REACHED_BY[table][host];
  return address ? { port: parseInt(port, 16), address, user: Number(uid), inode } : null;
}
