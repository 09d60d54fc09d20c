/**
 * Our hooks in the user's settings of a CLI: entered on request, taken out again without a trace. What the file was before
 * is kept in the data directory, so that it becomes that again, byte for byte, when nobody else has changed it meanwhile.
 */
import { lstat, realpath, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { Failure } from '../../core/api/errors.ts';
import type { HookStatus } from '../../core/api/hooks.ts';
import { bool, fields, string } from '../../core/api/schema.ts';
import { readWhole, writeWhole } from '../store/atomic-file.ts';
import { notSaved } from '../store/document.ts';
import { hookEntries, type HookTarget } from './entries.ts';
import { findEntries, withEntries, withoutEntries } from './settings-text.ts';

/** Bytes of the settings. */
const MAX_SETTINGS = 1024 * 1024;
/** Bytes of what is kept: two texts as JSON. */
const MAX_RECORD = 16 * 1024 * 1024;
const RECORD = 'hooks.json';

/** What was done to the file. */
interface Change {
  path: string;
  /** null: there was no file. */
  before: string | null;
  after: string;
}

export interface InstallationOptions {
  /** The user's settings; may be a link to them. */
  settingsFile: string;
  target: HookTarget;
}

export class HookInstallation {
  readonly #options: InstallationOptions;
  readonly #record: string;
  readonly #entries: ReturnType<typeof hookEntries>;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: InstallationOptions) {
    this.#options = options;
    this.#record = join(options.target.dataDir, RECORD);
    this.#entries = hookEntries(options.target);
  }

  async status(): Promise<HookStatus> {
    const file = this.#options.settingsFile;
    try {
      const found = findEntries((await readSettings(file)).text ?? '{}', this.#entries);
      return { file, state: found === 'same' ? 'on' : found === 'other' ? 'outdated' : 'off', problem: '' };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { file, state: 'off', problem: error.message };
    }
  }

  /** Also in the place of entries of an earlier version. Throws Failure. */
  install(): Promise<HookStatus> {
    return this.#inTurn(async () => {
      if ((await this.status()).state === 'on') return;
      const { path, text, mode } = await readSettings(this.#options.settingsFile);
      const known = this.#known(path);
      // Of an earlier installation it is known what was there before any of ours.
      const clean = text === null ? null : this.#without(text, known);
      const after = clean === null
        ? `${JSON.stringify(asHooks(this.#entries), null, 2)}\n`
        : withEntries(clean, this.#entries);
      await save(this.#record, JSON.stringify({ path, before: clean, after, isNew: clean === null } satisfies Saved));
      await replace(path, text, after, mode);
    });
  }

  /** Takes all of ours out. Throws Failure. */
  remove(): Promise<HookStatus> {
    return this.#inTurn(async () => {
      const { path, text, mode } = await readSettings(this.#options.settingsFile);
      if (text !== null) {
        const clean = this.#without(text, this.#known(path));
        if (clean === null) await unlink(path);
        else if (clean !== text) await replace(path, text, clean, mode);
      }
      await unlink(this.#record).catch(() => {});
    });
  }

  /** The settings without ours; null: there was no file, and nobody else has written to it. */
  #without(text: string, known: Change | null): string | null {
    return known?.after === text ? known.before : withoutEntries(text, known === null ? null : known.before ?? '{}');
  }

  #known(path: string): Change | null {
    try {
      const saved = fields(JSON.parse(readWhole(this.#record, MAX_RECORD)?.toString('utf8') ?? 'null'), 'hooks');
      const before = bool(saved.isNew, 'isNew') ? null : string(saved.before, 'before');
      const change = { path: string(saved.path, 'path'), before, after: string(saved.after, 'after') };
      return change.path === path ? change : null;
    } catch {
      return null; // none, or damaged: then only the entries themselves are known
    }
  }

  async #inTurn(action: () => Promise<void>): Promise<HookStatus> {
    const turn = this.#turn.then(action);
    this.#turn = turn.catch(() => {});
    await turn;
    return await this.status();
  }
}

type Saved = Change & { isNew: boolean };

const asHooks = (entries: Record<string, object>) => ({
  hooks: Object.fromEntries(Object.entries(entries).map(([event, group]) => [event, [group]])),
});

interface SettingsFile {
  /** Without links. */
  path: string;
  /** null: there is none. */
  text: string | null;
  mode: number;
}

/** Throws Failure `settings_unusable`. */
async function readSettings(file: string): Promise<SettingsFile> {
  const path = await realPath(file);
  const found = await stat(path).catch(() => null);
  if (!found) return { path, text: null, mode: 0o600 };
  if (!found.isFile() || found.uid !== process.getuid?.()) throw unusable(file, 'is no file of this user');
  if (found.size > MAX_SETTINGS) throw unusable(file, `has more than ${MAX_SETTINGS} bytes`);
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readWhole(path, MAX_SETTINGS)!);
    return { path, text, mode: found.mode & 0o777 };
  } catch (error) {
    throw unusable(file, `cannot be read (${(error as Error).message})`);
  }
}

/** A link stays one: what it leads to is changed. */
async function realPath(file: string): Promise<string> {
  const directory = await realpath(dirname(file)).catch(() => null);
  if (directory === null) throw unusable(file, 'has no folder yet: start the program once');
  const path = join(directory, basename(file));
  if (!(await lstat(path).catch(() => null))?.isSymbolicLink()) return path;
  const target = await realpath(path).catch(() => null);
  if (target === null) throw unusable(file, 'is a link that leads nowhere');
  return target;
}

const unusable = (file: string, what: string): Failure =>
  new Failure('settings_unusable', `${file} ${what}. Nothing was changed.`);

/** Throws Failure `changed` when the file is not what it was read as any more. */
async function replace(path: string, text: string | null, next: string, mode: number): Promise<void> {
  if ((await readSettings(path)).text !== text) {
    throw new Failure('changed', `${path} was changed meanwhile. Nothing was done: try again.`);
  }
  await save(path, next, mode);
}

const save = async (path: string, text: string, mode?: number): Promise<void> =>
  void await writeWhole(path, [text], mode).catch((error) => Promise.reject(notSaved(error)));
