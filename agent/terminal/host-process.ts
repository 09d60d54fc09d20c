/** Starts the holder of a PTY (host.ts) or finds it again, sends it commands and reports its events. */
import type { Buffer } from 'node:buffer';
import type { Clock, Timer } from '../../core/clock.ts';
import { programFile } from '../../core/installation.ts';
import { type ProcessIdentity, processIdentity } from '../process/identity.ts';
import { HolderClient, type HolderCommand } from '../process/holder/client.ts';
import { holderCommand } from '../process/holder/command.ts';
import type { HostEvent, Launch, Meta } from '../process/holder/protocol.ts';
import { holderDirectory, type HolderRecord } from '../process/holder/records.ts';
import { endRecordedSession, HANGUP_MS } from '../process/session-end.ts';

/** A host that still runs this long after a hangup is killed, ms; the kernel then hangs up the PTY. */
const GONE_MS = HANGUP_MS + 2500;

export interface HostProcess {
  /** @param received the bytes that came from this client so far, these included */
  input(client: string, received: number, bytes: Buffer): void;
  resize(cols: number, rows: number): void;
  /** The host answers with one `repainted`. */
  repaint(): void;
  /** Replaces what the next server is to know of it. */
  describe(meta: Meta): void;
  /** Stops reading its output: the PTY pauses when the socket between is full. */
  pause(): void;
  resume(): void;
  /** Ends the program and everything in its session. `onGone` follows. */
  hangup(): void;
  /** Leaves it to the next server. Nothing follows. */
  detach(): void;
}

export interface HostEvents {
  /** Called for every event, in order. */
  onEvent(event: HostEvent): void;
  /** Called once, last: the process has ended. `text`: why, as far as it is known. */
  onGone(text: string): void;
}

export interface HostOptions extends HostEvents {
  dataDir: string;
  id: string;
  clock: Clock;
  /** What to start; or the record of a host that runs. */
  source: { launch: Launch; meta: Meta; idleMs: number } | HolderRecord;
}

export function startHost(options: HostOptions): HostProcess {
  return new HostConnection(options);
}

class HostConnection implements HostProcess {
  readonly #options: HostOptions;
  readonly #holder: HolderClient;
  #leader: ProcessIdentity | null = null;
  #hasExited = false;
  #timer: Timer | null = null;

  constructor(options: HostOptions) {
    this.#options = options;
    const { dataDir, id, clock, source } = options;
    const isRecord = 'instance' in source;
    const directory = holderDirectory(dataDir);
    if (isRecord) this.#leader = source.child;
    this.#holder = new HolderClient({
      directory,
      id,
      clock,
      source: isRecord ? source : this.#command(source),
      onEvent: (event) => this.#onEvent(event),
      onGone: (text) => void this.#onGone(text),
    });
    if (!isRecord) this.#holder.send({ kind: 'start', launch: source.launch, meta: source.meta });
  }

  #command({ launch, idleMs }: { launch: Launch; idleMs: number }): HolderCommand {
    const { dataDir, id } = this.#options;
    return holderCommand({ program: programFile('agent/terminal/host'), dataDir, id, idleMs, env: launch.env });
  }

  #onEvent(event: HostEvent): void {
    if ((event.kind === 'started' || event.kind === 'welcome') && event.pid !== null) {
      this.#leader ??= processIdentity(event.pid);
    }
    if (event.kind === 'exit') {
      this.#hasExited = true;
      this.#holder.send({ kind: 'release' });
    }
    this.#options.onEvent(event);
  }

  /** Killed or crashed, it leaves its program: that is ended here. */
  async #onGone(text: string): Promise<void> {
    this.#options.clock.clearTimeout(this.#timer);
    if (!this.#hasExited) await endRecordedSession(this.#leader);
    this.#holder.kill();
    this.#options.onGone(text);
  }

  input(client: string, received: number, bytes: Buffer): void {
    this.#holder.send({ kind: 'input', client, received, bytes });
  }

  resize(cols: number, rows: number): void {
    this.#holder.send({ kind: 'resize', cols, rows });
  }

  repaint(): void {
    this.#holder.send({ kind: 'repaint' });
  }

  describe(meta: Meta): void {
    this.#holder.send({ kind: 'describe', meta });
  }

  pause(): void {
    this.#holder.pause();
  }

  resume(): void {
    this.#holder.resume();
  }

  hangup(): void {
    if (this.#timer) return;
    this.#holder.send({ kind: 'hangup' });
    this.resume();
    this.#timer = this.#options.clock.setTimeout(() => this.#holder.kill(), GONE_MS);
  }

  detach(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#holder.detach();
  }
}
