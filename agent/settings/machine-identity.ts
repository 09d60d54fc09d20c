/** Who this machine is to its relay: an id that is made once and goes where the data directory goes. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMachineId } from '../../core/api/machines.ts';
import { bool, fields, text, wrong } from '../../core/api/schema.ts';
import type { AgentContext } from '../context.ts';
import { type Document, openDocument } from '../store/document.ts';

const FILE = 'machine.json';

interface Identity {
  id: string;
  /** The relay knows machines by their id; false: an older relay, or none yet. */
  isKnown: boolean;
}

export class MachineIdentity {
  readonly #document: Document<Identity | null>;
  readonly #hasRelay: boolean;
  /** What cannot be saved holds until the server ends. */
  #now: Identity;

  constructor({ config, warn }: Pick<AgentContext, 'config' | 'warn'>) {
    this.#hasRelay = config.relay !== null;
    this.#document = openDocument<Identity | null>({
      path: join(config.dataDir, FILE),
      initial: null,
      parse: parseIdentity,
      warn: (sentence) => warn('machine', sentence),
    });
    // 80 random bits: nobody can guess another machine's id.
    this.#now = this.#document.value ?? { id: randomBytes(10).toString('hex'), isKnown: false };
  }

  /** What the machine says of itself in HELLO. */
  get id(): string {
    return this.#now.id;
  }
  /** The id in addresses at the relay; null without a relay, and at one that knows a single machine. */
  get atRelay(): string | null {
    return this.#hasRelay && this.#now.isKnown ? this.#now.id : null;
  }

  /**
   * The relay's HELLO has come: its word about the id counts, because a token that joined has the id that it joined with.
   * @param id missing: an older relay
   */
  async setByRelay(id: string | undefined): Promise<void> {
    this.#now = id === undefined ? { ...this.#now, isKnown: false } : { id, isKnown: true };
    await this.save();
  }

  /** Rejects with Failure `not_saved` when the id will not outlive this server. */
  async save(): Promise<void> {
    const { id, isKnown } = this.#now;
    const saved = this.#document.value;
    if (saved?.id !== id || saved.isKnown !== isKnown) await this.#document.update(() => ({ id, isKnown }));
  }
}

/** The id of the machine whose data directory this is; null while it has none. Changes nothing. */
export function readMachineId(dataDir: string): string | null {
  try {
    return parseIdentity(JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')))?.id ?? null;
  } catch {
    return null; // Not there, or damaged: the server sets that aside and says so.
  }
}

function parseIdentity(value: unknown): Identity | null {
  if (value === null) return null;
  const { id, isKnown } = fields(value, 'machine');
  return isMachineId(text(100, true)(id, 'id'))
    ? { id: id as string, isKnown: bool(isKnown, 'isKnown') }
    : wrong('id', 'a machine id');
}
