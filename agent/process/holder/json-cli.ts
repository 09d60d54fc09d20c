/** A CLI that speaks JSON by lines, in a holder or as a child of this server; it is opened by requests and their answers. */
import { type CliProcess, type Launch, type ProcessEnd, spawnProcess } from '../child.ts';
import { jsonLines, type LineSplitter } from '../jsonl.ts';
import { type HeldCli, type HeldOptions, holdProcess } from './held-child.ts';
import { PacedLines } from './paced-lines.ts';

type JsonObject = Record<string, unknown>;

/** Bytes of output of one that is being opened that the next server reads again; of one that says more, it cannot go on. */
const MAX_OPENING = 4 * 1024 * 1024;

export interface JsonCliOptions {
  launch: Omit<Launch, 'stdout' | 'exit'>;
  /** Missing: it ends with this server. */
  hold?: HeldOptions | undefined;
  /** An earlier server has opened it, and so many bytes of a line under way were too long. */
  opened: { dropping: number } | null;
  value(message: JsonObject): void;
  /** A line that is no JSON object. */
  garbage(text: string): void;
  /** A line that was too long. */
  dropped(bytes: number): void;
  exit(end: ProcessEnd): void;
}

export class JsonCli {
  readonly process: CliProcess;
  /** null: it ends with this server. */
  readonly held: HeldCli | null = null;
  readonly #lines: LineSplitter;
  readonly #paced: PacedLines<JsonObject>;
  readonly #start: number;
  #isOpening: boolean;

  constructor(options: JsonCliOptions) {
    const { hold, opened, exit } = options;
    const start = this.#start = hold?.survivor?.offset ?? 0;
    this.#isOpening = hold !== undefined && opened === null;
    this.#paced = new PacedLines({ start, handle: options.value, isOpening: () => this.#isOpening });
    this.#lines = jsonLines({
      value: (message) => this.#paced.push(message, start + this.#lines.consumed),
      garbage: options.garbage,
      dropped: options.dropped,
    });
    this.#lines.resume(opened?.dropping ?? 0);
    const launch: Launch = {
      ...options.launch,
      stdout: (chunk) => this.#lines.push(chunk),
      exit: (end) => {
        this.#lines.end();
        this.#paced.then(() => exit(end));
      },
    };
    const onCaughtUp = () => this.#paced.then(() => hold?.onCaughtUp());
    if (hold) this.process = this.held = holdProcess(launch, { ...hold, onCaughtUp });
    else this.process = spawnProcess(launch);
  }

  /** As long as it is being opened its output counts as not read: a later server opens it by the same answers. */
  get offset(): number {
    // A line that is too long is no longer needed before it ends: it may be longer than the holder can retain.
    const read = this.#lines.dropping ? this.#start + this.#lines.pushed : this.#paced.offset;
    return this.#isOpening && read - this.#start <= MAX_OPENING ? this.#start : read;
  }

  /** Bytes of a line under way that is too long. */
  get dropping(): number {
    return this.#lines.dropping;
  }

  /** What follows is about the session. */
  opened(): void {
    this.#isOpening = false;
  }

  /** @param key in a holder, it is written once */
  write(message: JsonObject, key?: string): boolean {
    return this.process.write(`${JSON.stringify(message)}\n`, key);
  }
}
