/** Checks request bodies field by field. Every failure is an HttpError 400 that names the field and says what it takes. */
import { HttpError } from '../../core/http/reply.ts';
import type { AgentFlags, ProviderName } from '../../core/wire/types.ts';
import { checks, parseFlags, PROVIDERS, WireError } from '../../core/wire/validate.ts';

/** Longest of each kind of text, characters. */
export const LIMITS = { name: 200, line: 1000, path: 4096, prompt: 200_000, document: 256 * 1024, list: 100 };

export const bad = (name: string, what: string): HttpError =>
  new HttpError(400, 'bad_field', `"${name}" must be ${what}.`);

/** One JSON object: the body itself, or a part of it. Only own fields are seen, whatever they are called. */
export class Fields {
  readonly #values: Map<string, unknown>;
  readonly #prefix: string;

  constructor(value: unknown, prefix = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw prefix ? bad(prefix, 'an object') : new HttpError(400, 'bad_body', 'Send one JSON object.');
    }
    this.#values = new Map(Object.entries(value));
    this.#prefix = prefix;
  }

  #name = (key: string) => (this.#prefix ? `${this.#prefix}.${key}` : key);
  #value = (key: string) => this.#values.get(key) ?? undefined; // null counts as left out

  has(key: string): boolean {
    return this.#value(key) !== undefined;
  }

  /** undefined when it is left out. */
  text(key: string, limit: number): string | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value.length > limit) {
      throw bad(this.#name(key), `a text of at most ${limit} characters`);
    }
    return value;
  }

  /** A text that is there and not blank. */
  needText(key: string, limit: number): string {
    const value = this.text(key, limit);
    if (!value?.trim()) throw bad(this.#name(key), `a text of 1 to ${limit} characters`);
    return value;
  }

  flag(key: string): boolean | undefined {
    const value = this.#value(key);
    if (value === undefined || typeof value === 'boolean') return value;
    throw bad(this.#name(key), 'true or false');
  }

  number(key: string, min: number, max: number): number | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw bad(this.#name(key), `a number from ${min} to ${max}`);
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw bad(this.#name(key), `one of ${choices.join(', ')}`);
    return found;
  }

  provider(key: string): ProviderName | undefined {
    return this.choice(key, PROVIDERS);
  }

  texts(key: string, limit: number, count = LIMITS.list): string[] | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    const isList = Array.isArray(value) && value.length <= count &&
      value.every((one) => typeof one === 'string' && one.length <= limit);
    if (!isList) throw bad(this.#name(key), `a list of at most ${count} texts`);
    return value as string[];
  }

  needTexts(key: string, limit: number, count?: number): string[] {
    const list = this.texts(key, limit, count);
    if (!list) throw bad(this.#name(key), 'a list of texts');
    return list;
  }

  object(key: string): Fields | undefined {
    const value = this.#value(key);
    return value === undefined ? undefined : new Fields(value, this.#name(key));
  }

  /** As in a request to create an agent; fields that are not known are left out. */
  flags(key: string): AgentFlags | undefined {
    return this.#wire(key, parseFlags);
  }

  /** As in a request to create an agent, or ''. */
  model(key: string): string | undefined {
    return this.#wire(key, checks.model);
  }

  /** A check of the wire: what is stored here goes through it again when an agent is made. */
  #wire<T>(key: string, check: (value: unknown, name: string) => T): T | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    try {
      return check(value, this.#name(key));
    } catch (error) {
      throw error instanceof WireError ? new HttpError(400, 'bad_field', error.message) : error;
    }
  }

  /** One mail address, or ''. */
  email(key: string): string | undefined {
    const value = this.text(key, LIMITS.name)?.trim();
    if (!value || /^[^\s@,;<>"]+@[^\s@,;<>"]+$/.test(value)) return value;
    throw bad(this.#name(key), 'one mail address');
  }

  /** A number with its country code (+4915112345678), or ''. Spaces and dashes are left out. */
  phone(key: string): string | undefined {
    const value = this.text(key, LIMITS.name)?.replace(/^whatsapp:/, '').replace(/[\s().-]/g, '');
    if (!value || /^\+[1-9]\d{6,14}$/.test(value)) return value;
    throw bad(this.#name(key), 'a phone number with its country code, e.g. +4915112345678');
  }

  /** An https address, or ''. `isAllowed` may let more through. */
  webhook(key: string, isAllowed: (url: URL) => boolean = (url) => url.protocol === 'https:'): string | undefined {
    const value = this.text(key, LIMITS.line)?.trim();
    if (!value) return value;
    const url = URL.canParse(value) ? new URL(value) : null;
    if (url && isAllowed(url) && !url.username && !url.password) return value;
    throw bad(this.#name(key), 'an address that begins with https://');
  }
}

/** The object without its undefined fields. */
export function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
