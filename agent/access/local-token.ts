/**
 * The proof that a request is from a program of this user on this machine: a secret in the data directory, which nobody else can
 * read, new at each start. It is asked for beside the peer's user, since a login by HOST, or another user where the system does
 * not tell users apart, reaches the local server too. The server proves by it, too, that the port is its own, before a program
 * sends it the secret or an environment: while it does not run, another user may listen there.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import { ValidationError } from '../../core/api/schema.ts';
import type { HttpRequest } from '../../core/http/types.ts';
import { readWhole, writeWhole } from '../store/atomic-file.ts';

/** The field of a request that carries it. */
export const LOCAL_TOKEN_FIELD = 'x-agent-monitor-token';
/** GET, with `nonce`: answers `{proof}`. Needs no login, as the cookie of one is not for strangers either. */
export const PROOF_PATH = '/api/terminals/proof';
/** What the hooks of sessions at the desk pass on: asks for the token, and for no login, since a hook has none. */
export const HOOKS_PATH = '/api/hooks';
const NONCE = /^[0-9a-f]{64}$/;
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

  /** The proof for whoever asks on this port. Throws Failure `local_only` off the machine, ValidationError for another nonce. */
  prove(req: HttpRequest, nonce: string | null, port: number): string {
    if (!nonce || !NONCE.test(nonce)) throw new ValidationError('"nonce" must be 64 hexadecimal digits.', 'nonce');
    if (req.transport !== 'local' || !this.#digest) throw localOnly();
    return proofOf(this.#digest, nonce, port);
  }

  /** Throws Failure `local_only` unless the request came to the local server and carries the token. */
  check(req: HttpRequest): void {
    const token = req.transport === 'local' ? req.headers[LOCAL_TOKEN_FIELD] : undefined;
    const isKnown = typeof token === 'string' && this.#digest && timingSafeEqual(digestOf(token), this.#digest);
    if (!isKnown) throw localOnly();
  }
}

const localOnly = () =>
  new Failure('local_only', 'Only a program of the user who runs this server can do this, on the machine itself.');

/** The port is in it: what listens on another one cannot pass on the true server's proof. */
const proofOf = (digest: Uint8Array, nonce: string, port: number): string =>
  createHmac('sha256', digest).update(`${nonce} ${port}`).digest('hex');

/** A question to whoever listens on `port`. `isProof`: whether the answer is that of the server with this token. */
export function askForProof(token: string, port: number): { nonce: string; isProof: (proof: unknown) => boolean } {
  const nonce = randomBytes(BYTES).toString('hex');
  const wanted = proofOf(digestOf(token), nonce, port);
  return { nonce, isProof: (proof) => token !== '' && proof === wanted };
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
