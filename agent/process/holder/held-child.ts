/**
 * A CLI in a holder (SPEC.md): it outlives this server, and the next one goes on with it. Otherwise as ../child.ts has it.
 */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock, type Timer } from '../../../core/clock.ts';
import { programFile } from '../../../core/installation.ts';
import {
  type CliProcess,
  type Launch,
  MAX_INPUT,
  MAX_STDERR_LINE,
  MAX_STDERR_TAIL,
  type ProcessEnd,
  resolveLaunch,
} from '../child.ts';
import { exitSentence, startFailure } from '../child-errors.ts';
import { cleanEnvironment } from '../environment.ts';
import { HolderClient, type HolderCommand } from './client.ts';
import { holderCommand } from './command.ts';
import type { HostEvent, Meta, Welcome } from './protocol.ts';
import { holderDirectory, type HolderRecord } from './records.ts';
import { type ProcessIdentity, processIdentity, signalGroup } from '../identity.ts';
import { LineSplitter } from '../jsonl.ts';
import { killProcessTree } from '../process-tree.ts';
import { stopInSteps, type StopOptions } from '../stop-steps.ts';

/** How long the steps of stop() wait for a CLI that is only just being started, ms. */
const STARTING_MS = 5000;
/** Why no process could be made, in the words of a failed spawn. */
const OUT_OF_RESOURCES = /\b(?:EAGAIN|ENOMEM|EMFILE|ENFILE)\b/;
/** Bytes of stdout handled before other work gets its turn. */
const READ_BURST = 256 * 1024;

export interface HeldOptions {
  dataDir: string;
  id: string;
  idleMs: number;
  /** Whose it is, and which output ends a turn (turn-watch.ts); more for its provider. */
  meta: Meta & { agentId: string; turnEnd: string };
  /** The holder that runs, and the offset up to which its output is known; null: it is started. */
  survivor: { record: HolderRecord; offset: number } | null;
  /** The CLI runs. */
  onStarted(): void;
  /** The CLI has been given the line with this key. Not of a holder of before version 2. */
  onTaken?(key: string): void;
  /** All that it wrote before this server came has been passed on. */
  onCaughtUp(): void;
}

/** Starts a CLI in a holder, or finds it again. Never throws: `exit` reports a failure. */
export function holdProcess(launch: Launch, options: HeldOptions): HeldCli {
  return new HeldCli(launch, options);
}

export class HeldCli implements CliProcess {
  readonly ended: Promise<ProcessEnd>;
  readonly #launch: Launch;
  readonly #options: HeldOptions;
  readonly #clock: Clock;
  readonly #stderr: LineSplitter;
  readonly #mark: string;
  #holder: HolderClient | null = null;
  #identity: ProcessIdentity | null = null;
  #pid: number | null = null;
  /** Bytes at the beginning of what comes that are known already. */
  #known = 0;
  #offset: number;
  /** Where the output ended when this server came; null: before that is known, and after it has come so far. */
  #catchUpTo: number | null = null;
  #burst = 0;
  #isOver = false;
  /** Keys of lines that it was given before this server came. */
  #keys: ReadonlySet<string> = new Set();
  #isInputClosed = false;
  #tail = '';
  #stopping: Promise<void> | null = null;
  #resolveEnded!: (end: ProcessEnd) => void;
  #started!: () => void;
  /** Resolves when the CLI runs, or has failed to. */
  readonly running: Promise<void>;

  constructor(launch: Launch, options: HeldOptions) {
    const { survivor } = options;
    this.#launch = launch;
    this.#options = options;
    this.#clock = launch.clock ?? systemClock;
    this.#offset = survivor?.offset ?? 0;
    this.#identity = survivor?.record.child ?? null;
    this.#pid = this.#identity?.pid ?? null;
    this.#mark = this.#identity?.mark ?? randomUUID();
    this.ended = new Promise((resolve) => this.#resolveEnded = resolve);
    this.running = new Promise((resolve) => this.#started = resolve);
    this.#stderr = new LineSplitter({
      limit: MAX_STDERR_LINE,
      line: (line) => this.#onStderr(line),
      dropped: (bytes) => this.#onStderr(`(a line of ${bytes} bytes was dropped)`),
    });
    try {
      this.#open();
    } catch (error) {
      queueMicrotask(() => this.#finish(null, null, startFailure(launch, error)));
    }
  }

  #open(): void {
    const { dataDir, id, idleMs, survivor, meta } = this.#options;
    const resolved = survivor ? null : resolveLaunch(this.#launch, this.#mark);
    // What belongs to this server does not belong to its holders.
    const env = cleanEnvironment(this.#launch.env);
    const start: () => HolderCommand = () =>
      holderCommand({ program: programFile('agent/process/holder/cli'), dataDir, id, idleMs, env });
    this.#holder = new HolderClient({
      directory: holderDirectory(dataDir),
      id,
      clock: this.#clock,
      source: survivor?.record ?? start(),
      onEvent: (event) => this.#onEvent(event),
      onGone: (text) => this.#onGone(text),
    });
    if (resolved) this.#holder.send({ kind: 'start', launch: { ...resolved, cols: 0, rows: 0 }, meta });
  }

  get pid(): number | null {
    return this.#pid;
  }
  get identity(): ProcessIdentity | null {
    return this.#identity;
  }
  get isOver(): boolean {
    return this.#isOver;
  }
  /** What its processes carry in their environment. */
  get mark(): string {
    return this.#mark;
  }
  /** It was given the line with this key before this server came. Known once it has been welcomed. */
  hasTaken(key: string): boolean {
    return this.#keys.has(key);
  }
  /** Keys that begin so of the lines that it was given before this server came, the oldest first. */
  takenBefore(prefix: string): string[] {
    return [...this.#keys].filter((key) => key.startsWith(prefix));
  }
  /** Replaces what the record says of it. */
  describe(meta: HeldOptions['meta']): void {
    this.#holder?.send({ kind: 'describe', meta });
  }
  /** Bytes of output that were passed on. */
  get offset(): number {
    return this.#offset;
  }

  #onEvent(event: HostEvent): void {
    switch (event.kind) {
      case 'welcome':
        return this.#onWelcome(event);
      case 'started':
        return this.#onStarted(event.pid);
      case 'failed':
        return this.#finish(null, null, startFailure(this.#launch, Object.assign(new Error(event.text), event)));
      case 'output':
        return this.#onOutput(event.bytes);
      case 'stderr':
        return this.#isOver ? undefined : this.#stderr.push(event.bytes);
      case 'taken':
        return this.#options.onTaken?.(event.key);
      case 'ended':
        return this.#finish(event.code, event.signal, '');
    }
  }

  #onWelcome({ pid, start, end, keys = [] }: Welcome): void {
    if (!this.#options.survivor) return;
    this.#keys = new Set(keys);
    if (pid === null || start > this.#offset) return this.#holder!.kill(); // it holds nothing that can be gone on with
    this.#known = this.#offset - start;
    this.#catchUpTo = end;
    this.#onStarted(pid);
    this.#noteCatchUp();
  }

  #onStarted(pid: number): void {
    this.#pid = pid;
    // Of one that ran before this server as it is on record: its number may be another's by now.
    this.#identity ??= processIdentity(pid, this.#mark);
    this.#started();
    this.#options.onStarted();
  }

  /** A CLI that writes without end must not starve timers and sockets: after each burst they run. */
  #onOutput(chunk: Buffer): void {
    if (this.#isOver) return;
    const known = Math.min(this.#known, chunk.length);
    this.#known -= known;
    const bytes = chunk.subarray(known);
    this.#offset += bytes.length;
    this.#burst += bytes.length;
    if (this.#burst > READ_BURST) {
      this.#burst = 0;
      this.#holder!.pause();
      setImmediate(() => this.#holder?.resume());
    }
    if (bytes.length) this.#launch.stdout(bytes);
    this.#noteCatchUp();
  }

  #noteCatchUp(): void {
    if (this.#catchUpTo === null || this.#offset < this.#catchUpTo) return;
    this.#catchUpTo = null;
    this.#options.onCaughtUp();
  }

  #onStderr(line: string): void {
    this.#tail = `${this.#tail}${line}\n`.slice(-MAX_STDERR_TAIL);
    this.#launch.stderr?.(line);
  }

  /** Killed or crashed, the holder leaves its CLI without pipes: that is ended, too. */
  #onGone(text: string): void {
    const why = text.trim();
    const [code] = this.#pid === null ? OUT_OF_RESOURCES.exec(why) ?? [] : [];
    if (code) return this.#finish(null, null, startFailure(this.#launch, { code }));
    this.#finish(null, null, `The process that holds ${this.#launch.program.name} has ended${why && `: ${why}`}.`);
  }

  #finish(code: number | null, signalName: string | null, failure: string): void {
    if (this.#isOver) return;
    this.#stderr.end();
    this.#isOver = true;
    this.#started();
    const expected = this.#stopping !== null;
    const text = expected ? '' : failure || exitSentence(this.#launch.program, code, signalName, this.#tail);
    const end = { code, signal: signalName, expected, text };
    this.#holder?.send({ kind: 'release' });
    // What a crashed CLI leaves running would go on unseen; stop() sweeps by itself.
    if (!expected && this.#pid !== null) signalGroup(this.#pid, this.#identity, 'SIGTERM');
    const { clock, log } = this.#launch;
    if (!expected && this.#identity) void killProcessTree(this.#identity, { clock, log });
    this.#resolveEnded(end);
    this.#launch.exit(end);
  }

  write(text: string, key = ''): boolean {
    if (this.#isOver || this.#isInputClosed || !this.#holder || this.#holder.backlog > MAX_INPUT) return false;
    this.#holder.send({ kind: 'line', key, bytes: Buffer.from(text) });
    return true;
  }

  closeInput(): void {
    this.#isInputClosed = true;
    this.#holder?.send({ kind: 'end' });
  }

  stderrTail(): string {
    return this.#tail;
  }

  stop(options: StopOptions = {}): Promise<void> {
    return this.#stopping ??= this.#stop(options);
  }

  async #stop(options: StopOptions): Promise<void> {
    // Nothing can be ended that is not there yet.
    if (this.#pid === null && !this.#isOver) await this.#startedOrLate();
    await stopInSteps(this, options, { clock: this.#clock, log: this.#launch.log });
    if (!this.#isOver) this.#holder?.kill();
  }

  async #startedOrLate(): Promise<void> {
    let timer: Timer | null = null;
    await Promise.race([
      this.running,
      new Promise<void>((resolve) => timer = this.#clock.setTimeout(resolve, STARTING_MS)),
    ]);
    this.#clock.clearTimeout(timer);
  }

  /** What came before this offset is on disk: it is not needed again. */
  ack(offset: number): void {
    this.#holder?.send({ kind: 'ack', offset });
  }

  /** Leaves it to the next server. Nothing follows. */
  detach(): void {
    this.#isOver = true;
    this.#holder?.detach();
  }
}
