/**
 * Who may see which preview: a ticket, which works once and for a short time, becomes the cookie of the preview's own origin.
 * Both are random; only their hashes are retained. An entrance belongs to the login that made it and ends with it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { PREVIEW_MS } from '../api/previews.ts';
import type { Clock } from '../clock.ts';
import { createLabel } from './address.ts';

/** How long a ticket works, ms. */
export const TICKET_MS = 60_000;
/** Entrances at a time; the oldest ends when another is made. */
export const MAX_ENTRANCES = 256;
/** Browsers of one entrance; the oldest is let out when another comes. */
export const MAX_BROWSERS = 8;

export interface EntranceSource {
  /** Id of the machine; '': there is only one. */
  machine: string;
  /** The machine's id of the preview. */
  preview: string;
  port: number;
  /** Id of the login; '': there is none. */
  session: string;
}

export interface Entrance extends EntranceSource {
  /** Its name below the domain of previews. */
  readonly label: string;
  readonly expiresAt: number;
}

interface Entry {
  entrance: Entrance;
  ticket: { hash: string; expiresAt: number } | null;
  /** Hashes, the oldest first. */
  cookies: string[];
}

const secret = (): string => randomBytes(32).toString('base64url');
const hashOf = (value: string): string => createHash('sha256').update(value).digest('base64url');

export class Entrances {
  readonly #clock: Clock;
  readonly #onEnd: (entrance: Entrance) => void;
  /** By label, the oldest first. */
  readonly #entries = new Map<string, Entry>();

  /** @param onEnd what is open of an entrance must be closed */
  constructor(clock: Clock, onEnd: (entrance: Entrance) => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  /**
   * The same source again has the same origin, with another ticket; the one before no longer works.
   * @param until when its login ends
   */
  create(source: EntranceSource, until = Infinity): { entrance: Entrance; ticket: string } {
    this.#sweep();
    const now = this.#clock.now();
    const entry = this.#find(source) ?? this.#add(source, Math.min(now + PREVIEW_MS, until));
    const ticket = secret();
    entry.ticket = { hash: hashOf(ticket), expiresAt: now + TICKET_MS };
    return { entrance: entry.entrance, ticket };
  }

  /** @param label null: the address has no name. @returns null unless the ticket is this entrance's, in time and unused */
  enter(label: string | null, ticket: string): { entrance: Entrance; cookie: string } | null {
    const hash = hashOf(ticket);
    const entry = this.#living(label).find((candidate) => candidate.ticket?.hash === hash);
    const isInTime = entry?.ticket && this.#clock.now() < entry.ticket.expiresAt;
    if (!entry || !isInTime) return null;
    entry.ticket = null;
    const cookie = secret();
    entry.cookies = [...entry.cookies, hashOf(cookie)].slice(-MAX_BROWSERS);
    return { entrance: entry.entrance, cookie };
  }

  /** The entrance that this cookie was made for; null: none. @param label null: the address has no name */
  find(label: string | null, cookie: string): Entrance | null {
    const hash = hashOf(cookie);
    return this.#living(label).find(({ cookies }) => cookies.includes(hash))?.entrance ?? null;
  }

  /** Ends what belongs to this login. */
  endSession(session: string): void {
    for (const { entrance } of [...this.#entries.values()]) if (entrance.session === session) this.#end(entrance);
  }

  #living(label: string | null): Entry[] {
    this.#sweep();
    if (label === null) return [...this.#entries.values()];
    const entry = this.#entries.get(label);
    return entry ? [entry] : [];
  }

  #find({ machine, preview, session }: EntranceSource): Entry | undefined {
    return [...this.#entries.values()].find(({ entrance }) =>
      entrance.machine === machine && entrance.preview === preview && entrance.session === session
    );
  }

  #add(source: EntranceSource, expiresAt: number): Entry {
    const entrance: Entrance = { ...source, label: createLabel(source.port), expiresAt };
    const [oldest] = this.#entries.values();
    if (oldest && this.#entries.size >= MAX_ENTRANCES) this.#end(oldest.entrance);
    const entry: Entry = { entrance, ticket: null, cookies: [] };
    this.#entries.set(entrance.label, entry);
    return entry;
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const { entrance } of [...this.#entries.values()]) if (now >= entrance.expiresAt) this.#end(entrance);
  }

  #end(entrance: Entrance): void {
    this.#entries.delete(entrance.label);
    this.#onEnd(entrance);
  }
}
