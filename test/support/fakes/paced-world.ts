/**
 * A provider, a workspace and terminals whose every step takes a random number of ticks, from a seed; and a book of which
 * process runs on which session. What may happen at the same time does, in another order for each seed.
 */
import { Buffer } from 'node:buffer';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../core/api/errors.ts';
import type { OpenOptions, Provider, ProviderEvent, ProviderSession } from '../../../agent/provider/provider.ts';
import { Registry } from '../../../agent/session/registry.ts';
import type { HostOptions, HostProcess } from '../../../agent/terminal/host-process.ts';
import { createTerminals, type Terminals } from '../../../agent/terminal/terminals.ts';
import type { AgentWorkspace } from '../../../agent/workspace/workspace.ts';
import { memoryDirectory } from '../harness/memory-directory.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { seeded } from './seeded.ts';
import { type TestContext, testContext } from './test-context.ts';

export class PacedWorld {
  readonly directory: string;
  readonly #removeDirectory: () => void;
  readonly clock: FakeClock = fakeClock();
  readonly context: TestContext;
  /** Session → processes that run on it. */
  readonly live = new Map<string, Set<string>>();
  /** Two processes on one session, as sentences. */
  readonly violations: string[] = [];
  /** Message → how often a CLI was given it. */
  readonly delivered = new Map<string, number>();
  /** Worktrees that were removed. */
  readonly removed: string[] = [];
  readonly #random: () => number;
  #count = 0;
  agents!: Registry;
  terminals!: Terminals;

  constructor(seed: number) {
    this.#random = seeded(seed);
    const { path, remove } = memoryDirectory();
    this.directory = path;
    this.#removeDirectory = remove;
    this.context = testContext({ dataDir: join(this.directory, 'data'), clock: this.clock });
  }

  static async open(seed: number): Promise<PacedWorld> {
    const world = new PacedWorld(seed);
    world.agents = await Registry.open({
      context: world.context,
      providers: { get: (name) => name === 'claude' ? world.#provider() : null },
      workspace: world.#workspace(),
      onDisk: {
        list: async () => (await world.pause(), { sessions: [], notes: [] }),
        history: async () => (await world.pause(), []),
        isOpen: async (_provider, id) => (await world.pause(), (world.live.get(id)?.size ?? 0) > 0),
      },
    });
    world.terminals = createTerminals(world.context, world.agents, {
      probe: () => Promise.resolve({ available: true, text: '' }),
      host: (options) => world.#host(options),
    });
    return world;
  }

  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  /** Some ticks, of both kinds. */
  async pause(most = 5): Promise<void> {
    for (let left = this.below(most + 1); left > 0; left--) {
      await (this.#random() < 0.5 ? Promise.resolve() : new Promise((resolve) => setImmediate(resolve)));
    }
  }

  /** Resolves when nothing that was begun goes on any more. */
  async settle(): Promise<void> {
    for (let i = 0; i < 60; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  async close(): Promise<void> {
    await this.agents.close();
    await this.terminals.close();
    this.#removeDirectory();
  }

  #begin(session: string, process: string): void {
    const others = this.live.get(session) ?? new Set();
    if (others.size) this.violations.push(`${process} began on ${session} beside ${[...others].join(', ')}`);
    this.live.set(session, others.add(process));
  }

  #end(session: string, process: string): void {
    this.live.get(session)?.delete(process);
  }

  #provider(): Provider {
    return {
      name: 'claude',
      probe: async () => (await this.pause(), { available: true, version: '1', demo: false, text: '' }),
      close: () => Promise.resolve(),
      terminalArgs: ({ resume }) => resume ? [`--resume=${resume}`] : [],
      open: (options, emit) => this.#session(options, emit),
    };
  }

  #session({ resume, fork }: OpenOptions, emit: (event: ProviderEvent) => void): ProviderSession {
    const process = `agent process ${++this.#count}`;
    const session = resume && !fork ? resume : `session-${this.#count}`;
    let isOver = false;
    const publishTo = (event: ProviderEvent) => isOver || emit(event);
    const end = () => {
      if (isOver) return;
      this.#end(session, process);
      emit({ type: 'exit', expected: true, code: 0, signal: null, text: '' });
      isOver = true;
    };
    this.#begin(session, process);
    void this.pause().then(() => {
      publishTo({ type: 'ready', sessionId: null, version: '1', capabilities: null });
      publishTo({ type: 'session', sessionId: session });
    });
    const nothing = () => {};
    return {
      pid: 1,
      send: ({ id }) => {
        this.delivered.set(id, (this.delivered.get(id) ?? 0) + 1);
        void this.pause().then(async () => {
          publishTo({ type: 'turn.start' });
          publishTo({ type: 'message.status', id, status: 'sent' });
          await this.pause();
          publishTo({ type: 'turn.end', outcome: 'done', text: '', durationMs: 1 });
        });
      },
      stop: () => this.pause().then(end),
      reap: () => void this.pause().then(end),
      decide: () => false,
      interrupt: nothing,
      cancelQueued: nothing,
      setMode: nothing,
      setModel: nothing,
      setEffort: nothing,
    };
  }

  #host({ source, onEvent, onGone }: HostOptions): HostProcess {
    if (!('launch' in source)) throw new Error('nothing is taken up in this world');
    const { launch } = source;
    const process = `terminal process ${++this.#count}`;
    const session = launch.args.find((arg) => arg.startsWith('--resume='))?.slice('--resume='.length) ?? process;
    let isOver = false;
    const end = async () => {
      if (isOver) return;
      isOver = true;
      await this.pause();
      this.#end(session, process);
      onEvent({ kind: 'exit', code: 0, signal: 0, at: 0, repaint: Buffer.alloc(0) });
      onGone('');
    };
    this.#begin(session, process);
    void this.pause().then(() => onEvent({ kind: 'started', pid: 1 }));
    const nothing = () => {};
    return {
      input: nothing,
      resize: nothing,
      repaint: nothing,
      pause: nothing,
      resume: nothing,
      describe: nothing,
      hangup: () => void end(),
      detach: nothing,
    };
  }

  #workspace(): AgentWorkspace {
    return {
      prepare: async ({ agentId, directory, flags }) => {
        await this.pause();
        if (!existsSync(directory)) throw new Failure('bad_directory', `The folder ${directory} does not exist.`);
        if (flags.worktree === false) return { directory, cwd: directory, worktree: null, notice: '' };
        const path = join(directory, '.agent-worktrees', `agent-${agentId.slice(0, 8)}`);
        mkdirSync(path, { recursive: true });
        await this.pause();
        return { directory, cwd: path, worktree: { path, branch: 'b', base: 'main' }, notice: '' };
      },
      unmerged: async () => (await this.pause(), []),
      refuseUnremovable: () => this.pause(),
      removeUnfinished: () => this.pause(),
      remove: async ({ path }) => {
        await this.pause();
        this.removed.push(path);
        rmSync(path, { recursive: true });
        await this.pause();
      },
    };
  }
}
