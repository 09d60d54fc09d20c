/** Pushes and pull requests that run: they outlive the request that began them, and each agent has one at a time. */
import { type ErrorBody, Failure } from '../../core/api/errors.ts';
import type { RemoteWork } from '../../core/api/workspace.ts';

/** Most agents whose last result is retained; the oldest that ended is forgotten first. */
const MAX_RESULTS = 200;

interface Entry {
  work: RemoteWork;
  abort: AbortController;
  done: Promise<void>;
}

type Result = Partial<Pick<RemoteWork, 'branch' | 'remote' | 'address' | 'answer' | 'url'>>;

export class RemoteWorks {
  readonly #entries = new Map<string, Entry>();

  /** Begins the work; work of this kind that runs already is returned instead. Throws Failure `worktree_busy` for the other kind. */
  start(
    agent: string,
    kind: RemoteWork['kind'],
    branch: string,
    action: (signal: AbortSignal) => Promise<Result>,
  ): RemoteWork {
    const before = this.#entries.get(agent);
    if (before?.work.state === 'running') {
      if (before.work.kind === kind) return before.work;
      const text = `A ${
        before.work.kind === 'push' ? 'push' : 'pull request'
      } of this agent is under way: try again when it has ended.`;
      throw new Failure('worktree_busy', text);
    }
    const abort = new AbortController();
    const work: RemoteWork = { kind, state: 'running', branch, remote: '', answer: '', url: '', error: null };
    const done = action(abort.signal).then(
      ({ remote = '', address = '', answer = '', url = '' }) =>
        void Object.assign(work, { state: 'done', remote, address, answer, url }),
      (error) => void Object.assign(work, { state: 'failed', error: errorBody(error) }),
    );
    this.#entries.delete(agent);
    this.#entries.set(agent, { work, abort, done });
    this.#forget();
    return work;
  }

  /** null: nothing was asked for since the server began. */
  get(agent: string): RemoteWork | null {
    return this.#entries.get(agent)?.work ?? null;
  }

  /** Ends what runs, and returns when it has ended. */
  async cancel(agent: string): Promise<RemoteWork | null> {
    const entry = this.#entries.get(agent);
    entry?.abort.abort();
    await entry?.done;
    return entry?.work ?? null;
  }

  /** Ends what runs and forgets its result: the agent is deleted. */
  async forget(agent: string): Promise<void> {
    await this.cancel(agent);
    this.#entries.delete(agent);
  }

  /** Ends all that runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((agent) => this.cancel(agent)));
  }

  #forget(): void {
    for (const [agent, { work }] of this.#entries) {
      if (this.#entries.size <= MAX_RESULTS) return;
      if (work.state !== 'running') this.#entries.delete(agent);
    }
  }
}

const errorBody = (error: unknown): ErrorBody =>
  error instanceof Failure
    ? { error: error.message, code: error.code, params: error.params }
    : { error: error instanceof Error ? error.message : String(error), code: 'internal' };
