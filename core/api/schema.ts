/**
 * The checks that every resource's parser is made of, for bodies of requests and for files on disk alike. Each takes parsed
 * JSON and returns a value that holds nothing but known fields of the right type, or throws ValidationError with a sentence
 * that names the field. Browser-safe.
 */
import { Failure } from './errors.ts';

/** Input that does not fit; `message` names the field and says what it takes. */
export class ValidationError extends Failure {
  /** @param field its name, where there is one */
  constructor(message: string, field = '') {
    super('bad_request', message, field ? { params: { field } } : {});
  }
}

/** Characters of one chat message. */
export const MAX_TEXT = 200_000;

/** Characters of a path, a model … */
export const MAX_FIELD = 4096;

/** Characters of a name that people give to something. */
export const MAX_NAME = 200;

/** Characters of one line: a command, an address. */
export const MAX_LINE = 1000;

/** Characters of a document: instructions, a template, a commit message. */
export const MAX_CONTENT = 256 * 1024;

export const MAX_LIST = 100;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export type Fields = Record<string, unknown>;

export type Check<T> = (value: unknown, name: string) => T;

export const wrong = (name: string, what: string): never => {
  throw new ValidationError(`"${name}" must be ${what}.`, name);
};

/** A plain object; arrays and null are not. */
export function fields(value: unknown, name = 'body'): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) wrong(name, 'an object');
  return value as Fields;
}

/** Text of at most `limit` characters that is well-formed and holds no NUL (no argument or file name can carry one). */
export const text = (limit: number, required = false): Check<string> => (value, name) => {
  if (typeof value !== 'string') return wrong(name, 'a text');
  if (required && !value.trim()) wrong(name, 'filled in');
  if (value.length > limit) wrong(name, `at most ${limit} characters long`);
  if (value.includes('\0')) wrong(name, 'free of NUL characters');
  if (LONE_SURROGATE.test(value)) wrong(name, WHOLE);
  return value;
};

/** Half of a character: no encoding can carry it, so a CLI or a file would get something else, or nothing. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const WHOLE = 'free of halves of characters (lone surrogates)';

/** Text that goes into a file as it is. */
export const content: Check<string> = (value, name) =>
  typeof value !== 'string' || value.length > MAX_CONTENT
    ? wrong(name, `a text of at most ${MAX_CONTENT} characters`)
    : LONE_SURROGATE.test(value)
    ? wrong(name, WHOLE)
    : value;

/** Any text: for what this server wrote itself, whose length the file bounds. */
export const string: Check<string> = (value, name) => typeof value === 'string' ? value : wrong(name, 'a text');

export const bool: Check<boolean> = (value, name) => typeof value === 'boolean' ? value : wrong(name, 'true or false');

export const oneOf = <T extends string>(values: readonly T[]): Check<T> => (value, name) =>
  values.includes(value as T) ? value as T : wrong(name, `one of ${values.map((v) => v || '""').join(', ')}`);

export const list = <T>(each: Check<T>, limit = MAX_LIST): Check<T[]> => (value, name) => {
  if (!Array.isArray(value)) return wrong(name, 'a list');
  if (value.length > limit) wrong(name, `a list of at most ${limit}`);
  return value.map((item, i) => each(item, `${name}[${i}]`));
};

export const uuid: Check<string> = (value, name) =>
  typeof value === 'string' && UUID.test(value) ? value.toLowerCase() : wrong(name, 'a UUID');

export const integer: Check<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? value as number : wrong(name, 'a whole number from 0');

export const number = (min: number, max: number): Check<number> => (value, name) =>
  typeof value === 'number' && value >= min && value <= max ? value : wrong(name, `a number from ${min} to ${max}`);

/** Milliseconds since the Unix epoch, or any other count that this server wrote. */
export const time: Check<number> = number(0, Number.MAX_SAFE_INTEGER);

/** Picks known fields: absent and null ones are left out, unknown ones dropped. `name`: of the value itself, '' for a body. */
export function pick<T>(
  value: unknown,
  checks: { [K in keyof T]-?: Check<NonNullable<T[K]>> },
  name = '',
): Partial<T> {
  const from = fields(value, name || 'body');
  const result: Partial<T> = {};
  for (const key of Object.keys(checks) as (keyof T & string)[]) {
    const input = Object.hasOwn(from, key) ? from[key] : undefined;
    if (input !== undefined && input !== null) {
      result[key] = checks[key](input, name ? `${name}.${key}` : key) as T[typeof key];
    }
  }
  return result;
}

export function need<T, K extends keyof T & string>(
  value: Partial<T>,
  ...keys: K[]
): Partial<T> & Required<Pick<T, K>> {
  for (const key of keys) if (value[key] === undefined) throw new ValidationError(`"${key}" is missing.`, key);
  return value as Partial<T> & Required<Pick<T, K>>;
}

/** One named field of a body: the small actions (`{name}`, `{mode}`, `{content}` …). */
export function parseField<T>(value: unknown, name: string, check: Check<T>): T {
  const from = fields(value);
  if (!Object.hasOwn(from, name)) throw new ValidationError(`"${name}" is missing.`, name);
  return check(from[name], name);
}
