/**
 * The keys that end `attach`, found in what is typed: the bytes before them go to the terminal, they themselves do not. A
 * program may have switched the keyboard to another encoding (xterm's modifyOtherKeys, the kitty protocol): those count, too.
 */
import { Buffer } from 'node:buffer';
import type { CommandContext } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

export const DEFAULT_DETACH_KEYS = 'ctrl-]';
const MAX_KEYS = 4;

export interface DetachKey {
  /** "Ctrl-]" */
  label: string;
  /** The byte of the legacy encoding. */
  byte: number;
  /** The same key as an escape sequence. */
  sequences: readonly string[];
}

/** @param text "ctrl-]", "ctrl-p,ctrl-q", or letters: "ctrl-a,d" */
export function parseDetachKeys(text: string): DetachKey[] {
  const keys = text.split(',').map((name) => keyOf(name.trim()));
  if (keys.length > MAX_KEYS || keys.some((key) => key === null)) {
    throw new CommandError(
      `"${text}" names no keys to detach by: write ctrl-] or up to ${MAX_KEYS} keys with commas, such as ctrl-p,ctrl-q.`,
      EXIT.usage,
    );
  }
  return keys as DetachKey[];
}

/** Those of an option, else of the environment, else the usual ones. */
export const detachKeys = ({ env }: Pick<CommandContext, 'env'>, option?: string): DetachKey[] =>
  parseDetachKeys(option ?? env.AGENT_MONITOR_DETACH_KEYS ?? DEFAULT_DETACH_KEYS);

export const detachLabel = (keys: readonly DetachKey[]): string => keys.map(({ label }) => label).join(' ');

/** Ctrl with @, A to Z, [, \, ], ^ or _ is the character without its bits 5 and 6. */
function keyOf(name: string): DetachKey | null {
  const control = /^(?:ctrl-|\^)([a-z@[\\\]^_])$/i.exec(name)?.[1];
  if (control) {
    const code = control.toLowerCase().charCodeAt(0);
    const sequences = [`\x1b[${code};5u`, `\x1b[27;5;${code}~`];
    return { label: `Ctrl-${control.toUpperCase()}`, byte: code & 0x1f, sequences };
  }
  return /^[\x21-\x7e]$/.test(name) ? { label: name, byte: name.charCodeAt(0), sequences: [] } : null;
}

export interface Typed {
  /** What goes to the terminal. */
  bytes: Buffer;
  isDetached: boolean;
}

export class DetachFilter {
  readonly #encodings: readonly Buffer[][];
  /** Bytes that may turn out to be the detach keys. */
  #held: Buffer = Buffer.alloc(0);
  /** They end within a key's escape sequence, not between two keys. */
  #isMidKey = false;

  constructor(keys: readonly DetachKey[]) {
    this.#encodings = keys.map(({ byte, sequences }) => [
      Buffer.from([byte]),
      ...sequences.map((text) => Buffer.from(text, 'latin1')),
    ]);
  }

  /** What was held back goes with the next bytes that decide about it, or by `flush`. */
  push(chunk: Uint8Array): Typed {
    const input = Buffer.concat([this.#held, chunk]);
    for (let at = 0; at < input.length; at++) {
      const match = this.#matchAt(input, at);
      if (match === 'all') return { bytes: input.subarray(0, at), isDetached: true };
      if (match !== 'none') return this.#hold(input, at, match === 'midKey');
    }
    this.#held = Buffer.alloc(0);
    this.#isMidKey = false;
    return { bytes: input, isDetached: false };
  }

  /** Bytes are held back that a terminal sends all at once, unless they are a key of their own: Escape. */
  get isMidKey(): boolean {
    return this.#isMidKey;
  }

  /** Nothing more was typed for a while: the bytes that were held back are no detach keys. */
  flush(): Buffer {
    const bytes = this.#held;
    this.#held = Buffer.alloc(0);
    this.#isMidKey = false;
    return bytes;
  }

  #hold(input: Buffer, at: number, isMidKey: boolean): Typed {
    this.#isMidKey = isMidKey;
    this.#held = Buffer.from(input.subarray(at));
    return { bytes: input.subarray(0, at), isDetached: false };
  }

  /** 'keys': more keys must follow; 'midKey': the rest of an escape sequence must. */
  #matchAt(input: Buffer, start: number): 'all' | 'keys' | 'midKey' | 'none' {
    let at = start;
    for (const encodings of this.#encodings) {
      if (at === input.length) return 'keys';
      const found = encodings.find((bytes) => input.subarray(at, at + bytes.length).equals(bytes));
      if (found) {
        at += found.length;
        continue;
      }
      const rest = input.subarray(at);
      return encodings.some((bytes) => bytes.length > rest.length && bytes.subarray(0, rest.length).equals(rest))
        ? 'midKey'
        : 'none';
    }
    return 'all';
  }
}
