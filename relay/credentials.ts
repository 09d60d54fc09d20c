/**
 * What a machine may prove itself with: RELAY_TOKEN, a token of its own, or a join code. The upgrade names the key by its id, so
 * that one key is tried and not all; nobody learns from that which ids there are (core/tunnel/SPEC.md, "Keys").
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { Log } from '../core/log.ts';
import { type Hello, tokenKey, tokenWeakness } from '../core/tunnel/mod.ts';
import type { JoinCodes } from './join-codes.ts';
import type { MachineRecord, MachineRecords } from './machine-records.ts';

/** What the relay answers to a machine that has proven its key. */
export interface Admission {
  /** The machine's id, and its token when it has just joined. */
  hello: Pick<Hello, 'id' | 'token'>;
  /** It came for its token and serves nothing. */
  isJoining: boolean;
}

export interface Credential {
  psk: Uint8Array;
  /** Called once, when the machine has proven the key. @returns null: the key is no longer good, or there is no room */
  admit(hello: Hello, address: string): Admission | null;
}

export interface CredentialOptions {
  /** RELAY_TOKEN. */
  token: string;
  log: Log;
  records: MachineRecords;
  codes: JoinCodes;
  /** Whether the latest change of the records survives a restart. */
  isSaved(): boolean;
}

/** Of a key that nobody has: the handshake fails as with any wrong token, and takes as long. */
const NOBODY: Credential = { psk: randomBytes(32), admit: () => null };

export class Credentials {
  readonly #options: CredentialOptions;
  readonly #shared: Uint8Array;

  constructor(options: CredentialOptions) {
    this.#options = options;
    const weakness = tokenWeakness(options.token);
    if (weakness) options.log.tagged('Tunnel').warn(weakness);
    this.#shared = tokenKey(options.token);
  }

  /** @param keyId as the upgrade has it; null: it has none */
  find(keyId: string | null): Credential {
    if (keyId === null) return { psk: this.#shared, admit: (hello) => this.#admitShared(hello) };
    const { records, codes } = this.#options;
    const record = records.findByKey(keyId);
    if (record) return this.#own(keyId, record);
    const psk = codes.find(keyId);
    return psk ? { psk, admit: (hello, address) => this.#join(keyId, hello, address) } : NOBODY;
  }

  #admitShared(hello: Hello): Admission | null {
    const { records } = this.#options;
    const id = records.idForShared(hello.id);
    return records.hasRoomFor(id) ? { hello: { id }, isJoining: false } : null;
  }
  /** The id is the token's, whatever the machine says: nobody takes another's with it. */
  #own(keyId: string, record: MachineRecord): Credential {
    const isGood = () => this.#options.records.findByKey(keyId) === record;
    return {
      psk: Buffer.from(record.key!.psk, 'base64url'),
      admit: () => isGood() ? { hello: { id: record.id }, isJoining: false } : null,
    };
  }
  #join(keyId: string, hello: Hello, address: string): Admission | null {
    const { records, codes, isSaved } = this.#options;
    if (!codes.use(keyId)) return null;
    const joined = records.join(hello.id, { name: hello.name, version: hello.version, address });
    if (!joined) return null;
    if (isSaved()) return { hello: { id: joined.record.id, token: joined.token }, isJoining: true };
    joined.undo(); // A token that a restart forgets would be of no use.
    return null;
  }
}
