/**
 * Full-text search over the conversations of this machine. A worker thread does it, with an index where the runtime has SQLite; it
 * is started when there is something to do and ended when there was nothing for a while.
 */
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { Timer } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import type { LiveChange } from '../../core/api/live.ts';
import type { SearchAnswer } from '../../core/api/search.ts';
import type { AgentContext } from '../context.ts';
import type { Agents } from '../session/agents.ts';
import type { SearchPage, SearchQuery } from './page.ts';
import { hasSqlite } from './sqlite.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';
import { startWorker } from './worker-thread.ts';

/** The index is brought up to date this long after the start, ms: agents come first. */
const START_MS = 3000;
/** Changes are collected for this long, ms. */
const COLLECT_MS = 500;
/** The thread ends after this long without work, ms. */
const IDLE_MS = 5 * 60_000;
/** Searches that wait; each takes seconds at most. */
const MAX_WAITING = 8;
/** How long the thread may take to write what it has when the server goes down, ms. */
const CLOSE_MS = 1000;
/** When the thread ended by itself this often, it is started without an index. */
const MAX_CRASHES = 3;

interface Waiting {
  resolve(page: SearchPage): void;
  reject(error: Error): void;
}

export interface SearchOptions {
  context: AgentContext;
  agents: Pick<Agents, 'list'>;
  /** false: as on a runtime without SQLite. */
  useIndex?: boolean;
}

export class Search {
  readonly #context: AgentContext;
  readonly #agents: Pick<Agents, 'list'>;
  readonly #unsubscribe: () => void;
  #hasIndex: boolean;
  #worker: Worker | null = null;
  #waiting = new Map<number, Waiting>();
  #lastNumber = 0;
  #changed = new Set<string>();
  #collectTimer: Timer | null = null;
  #idleTimer: Timer | null = null;
  #crashes = 0;
  #isClosed = false;

  constructor({ context, agents, useIndex = true }: SearchOptions) {
    this.#context = context;
    this.#agents = agents;
    this.#hasIndex = useIndex && hasSqlite();
    this.#unsubscribe = this.#hasIndex ? context.subscribe((change) => this.#onChange(change)) : () => {};
    if (this.#hasIndex) this.#collectTimer = context.clock.setTimeout(() => this.#report(), START_MS);
  }

  /** Throws Failure `busy`, `closing` or `internal`. */
  async search(query: SearchQuery): Promise<SearchAnswer> {
    if (this.#isClosed) throw new Failure('closing', 'The server is going down. Search again in a moment.');
    if (this.#waiting.size >= MAX_WAITING) throw new Failure('busy', 'Too many searches at a time. Try again.');
    const page = await this.#ask(query);
    const names = new Map(this.#agents.list().map(({ id, name }) => [id, name]));
    // An agent that was deleted just now has no name, and nothing of it is shown.
    const hits = page.hits.filter(({ agent }) => names.has(agent))
      .map((hit) => ({ ...hit, agent: { id: hit.agent, name: names.get(hit.agent)! } }));
    return { ...page, hits };
  }

  #ask(query: SearchQuery): Promise<SearchPage> {
    const n = ++this.#lastNumber;
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, { resolve, reject });
      this.#post({ kind: 'search', n, query });
    });
  }

  #post(message: ToWorker): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message);
    const { clock } = this.#context;
    clock.clearTimeout(this.#idleTimer);
    this.#idleTimer = clock.setTimeout(() => void this.#end(), IDLE_MS);
  }

  #start(): Worker {
    const { dataDir } = this.#context.config;
    const index = this.#hasIndex && this.#crashes < MAX_CRASHES ? join(dataDir, 'search.sqlite') : null;
    const worker = startWorker({ journals: join(dataDir, 'agents'), index });
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) => this.#crash(worker, error as Error));
    worker.on('exit', () => this.#crash(worker, new Error('it has ended')));
    return worker;
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'closed') return;
    if (message.kind === 'no-index') return this.#context.log.warn('search without an index', { why: message.text });
    const waiting = this.#waiting.get(message.n);
    this.#waiting.delete(message.n);
    if (message.kind === 'page') return waiting?.resolve(message.page);
    this.#context.log.error('a search failed', { error: message.text });
    waiting?.reject(failed());
  }

  #crash(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return; // it was to end
    this.#worker = null;
    this.#crashes++;
    this.#context.log.error('the search thread ended', { error: error.message });
    for (const { reject } of this.#waiting.values()) reject(failed());
    this.#waiting.clear();
  }

  #onChange(change: LiveChange): void {
    if (change.type === 'agent.removed') return this.#onRemoved(change.id);
    if (change.type === 'message' || change.type === 'message.patch' || change.type === 'messages.cleared') {
      this.#changed.add(change.agent);
      this.#collectTimer ??= this.#context.clock.setTimeout(() => this.#report(), COLLECT_MS);
    }
  }

  /** A thread that is not there finds out at its start. */
  #onRemoved(agent: string): void {
    this.#changed.delete(agent);
    if (!this.#isClosed) this.#post({ kind: 'removed', agent });
  }

  #report(): void {
    this.#collectTimer = null;
    const agents = [...this.#changed];
    this.#changed.clear();
    if (!this.#isClosed) this.#post({ kind: 'changed', agents });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#context.clock.clearTimeout(this.#collectTimer);
    await this.#end();
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    const { clock } = this.#context;
    clock.clearTimeout(this.#idleTimer);
    for (const { reject } of this.#waiting.values()) {
      reject(new Failure('closing', 'The server is going down. Search again in a moment.'));
    }
    this.#waiting.clear();
    if (!worker) return;
    let timer: Timer | null = null;
    await new Promise<void>((resolve) => {
      timer = clock.setTimeout(resolve, CLOSE_MS);
      worker.once('exit', () => resolve());
      worker.on('message', ({ kind }: FromWorker) => kind === 'closed' && resolve());
      worker.postMessage({ kind: 'close' } satisfies ToWorker);
    });
    clock.clearTimeout(timer);
    await worker.terminate();
  }
}

const failed = () => new Failure('internal', 'The search failed. Try again.');
