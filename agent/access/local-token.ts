/**
 * The proof that a request is from a program of this user on this machine: a secret in the data directory, which nobody else can
 * read, new at each start. It is asked for beside the peer's user, since a login by HOST, or another user where the system does
 * not tell users apart, reaches the local server too.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { HttpRequest } from '../../core/http/types.ts';
import { readWhole, writeWhole } from '../store/atomic-file.ts';

/** The field of a request that carries it. */
export const LOCAL_TOKEN_FIELD = 'x-agent-monitor-token';
const FILE = 'local-token';
const BYTES = 32;
const MAX_FILE = 1024;

export class LocalToken {
  /** null: it could not be written, so nobody has it. */
  readonly #digest: Uint8Array | null;

  private constructor(digest: Uint8Array | null) {
    this.#digest = digest;
  }

  /** Writes a new one. On a disk that cannot be written there is none, and whatever needs it is refused. */
  static async create(dataDir: string, random: (size: number) => Uint8Array = randomBytes): Promise<LocalToken> {
    const token = [...random(BYTES)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const isWritten = await writeWhole(join(dataDir, FILE), [`${token}\n`]).then(() => true, () => false);
    return new LocalToken(isWritten ? digestOf(token) : null);
  }

  /** Throws Failure `local_only` unless the request came to the local server and carries the token. */
  check(req: HttpRequest): void {
    const token = req.transport === 'local' ? req.headers[LOCAL_TOKEN_FIELD] : undefined;
    const isKnown = typeof token === 'string' && this.#digest && timingSafeEqual(digestOf(token), this.#digest);
    if (isKnown) return;
    throw new Failure(
      'local_only',
      'Only a program of the user who runs this server can do this, on the machine itself.',
    );
  }
}

/** What the server on this data directory asks for; '' when it cannot be read. */
export function readLocalToken(dataDir: string): string {
  try {
    return readWhole(join(dataDir, FILE), MAX_FILE)?.toString('latin1').trim() ?? '';
  } catch {
    return '';
  }
}

const digestOf = (token: string): Uint8Array => createHash('sha256').update(token).digest();
