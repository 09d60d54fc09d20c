/** Ports that an agent's processes listen on, and where a port of this user is reached. */
import { readdir, readlink } from 'node:fs/promises';
import { connect } from 'node:net';
import process from 'node:process';
import type { ListeningPort } from '../../core/api/previews.ts';
import { readSystemTable, type ReadTable } from '../access/socket-table.ts';
import { DATA_DIRECTORY_MARK, PROCESS_MARK } from '../process/environment.ts';
import type { ProcessIdentity } from '../process/identity.ts';
import { type FamilyMember, findFamily } from '../process/process-tree.ts';
import { type ListeningSocket, listeningSockets } from './listening.ts';

/** How long a port may take to accept, where the tables do not tell, ms. */
const CONNECT_MS = 2000;
/** Ports of one agent that are listed. */
const MAX_PORTS = 50;

export interface PortOptions {
  dataDir: string;
  platform?: string;
  readTable?: ReadTable;
  user?: number;
}

/** Whose ports they are. */
export interface PortOwner {
  /** Of the agent's CLI; null: it does not run. */
  identity: ProcessIdentity | null;
  /** The directory that it works in. */
  root: string;
}

export class Ports {
  readonly #options: PortOptions;
  #reading: Promise<ListeningSocket[]> | null = null;
  #next: Promise<ListeningSocket[]> | null = null;
  /** Whether this system tells which ports there are, and whose. */
  readonly detects: boolean;

  constructor(options: PortOptions) {
    this.#options = options;
    this.detects = (options.platform ?? process.platform) === 'linux';
  }

  /** Ports on which processes of the agent listen, by number. */
  async of(owner: PortOwner): Promise<ListeningPort[]> {
    if (!this.detects) return [];
    const sockets = (await this.#own()).filter(({ user }) => user === this.#user);
    if (!sockets.length) return [];
    const byInode = new Map(sockets.map((socket) => [socket.inode, socket.port]));
    const found = new Map<number, string>();
    for (const { pid, name } of await this.#processesOf(owner)) {
      for (const inode of await socketsOf(pid)) {
        const port = byInode.get(inode);
        if (port !== undefined && !found.has(port)) found.set(port, name);
      }
    }
    return [...found].sort(([a], [b]) => a - b).slice(0, MAX_PORTS).map(([port, program]) => ({ port, program }));
  }

  /**
   * The loopback address on which a process of this user listens on the port; null: none does. Where the system does not tell
   * whose a port is, any that accepts.
   */
  async addressOf(port: number): Promise<ListeningSocket['address'] | null> {
    if (!this.detects) return await probe(port);
    const own = (await this.#own().catch(() => [])).filter((socket) =>
      socket.port === port && socket.user === this.#user
    );
    return own.find(({ address }) => address === '127.0.0.1')?.address ?? own[0]?.address ?? null;
  }

  get #user(): number {
    return this.#options.user ?? process.getuid!();
  }

  /**
   * The tables as they are from now on: a port may have changed hands since they were read last. A page of a dev server asks
   * hundreds of times, so one reading at a time, and who asks meanwhile shares the next one.
   */
  #own(): Promise<ListeningSocket[]> {
    if (!this.#reading) return this.#read();
    this.#next ??= this.#reading.catch(() => {}).then(() => {
      this.#next = null;
      return this.#read();
    });
    return this.#next;
  }

  #read(): Promise<ListeningSocket[]> {
    const reading = listeningSockets(this.#options.readTable ?? readSystemTable).finally(() => {
      if (this.#reading === reading) this.#reading = null;
    });
    this.#reading = reading;
    return reading;
  }

  /** What came from the agent's CLI, and what this server's programs (terminals too) do in its directory. */
  async #processesOf({ identity, root }: PortOwner): Promise<FamilyMember[]> {
    const mark = identity?.mark ? `${PROCESS_MARK}=${identity.mark}` : '';
    const [own, all] = await Promise.all([
      mark ? findFamily({ root: null, variable: mark }) : [],
      findFamily({ root: null, variable: `${DATA_DIRECTORY_MARK}=${this.#options.dataDir}` }),
    ]);
    const known = new Set(own.map(({ pid }) => pid));
    const others = all.filter(({ pid }) => !known.has(pid));
    const inside = await Promise.all(others.map(({ pid }) => worksIn(pid, root)));
    return [...own, ...others.filter((_, at) => inside[at])];
  }
}

async function worksIn(pid: number, root: string): Promise<boolean> {
  const directory = await readlink(`/proc/${pid}/cwd`).catch(() => '');
  return directory === root || directory.startsWith(`${root}/`);
}

/** Inodes of the sockets that a process holds. */
async function socketsOf(pid: number): Promise<string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  return links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? '').filter(Boolean);
}

async function probe(port: number): Promise<ListeningSocket['address'] | null> {
  for (const address of ['127.0.0.1', '::1'] as const) if (await accepts(port, address)) return address;
  return null;
}

const accepts = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host, timeout: CONNECT_MS });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true)).once('timeout', () => settle(false)).once('error', () => settle(false));
  });
