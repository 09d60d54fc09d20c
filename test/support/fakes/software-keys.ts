/** Keys of devices and authenticators in software, for what a browser would sign; each part of an answer can be made wrong. */
import { Buffer } from 'node:buffer';
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { signedByDevice } from '../../../core/api/auth.ts';
import type { PasskeyAssertion, PasskeyCreation } from '../../../core/api/auth.ts';

/** A device's key, as ui/net/device-key.ts has one. */
export class SoftwareDevice {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  id = '';

  get publicKey(): string {
    return this.#keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64url');
  }

  proof(origin: string, challenge: string, id = this.id): { device: string; challenge: string; signature: string } {
    const text = Buffer.from(signedByDevice(origin, id, challenge));
    const signature = sign('sha256', text, { key: this.#keys.privateKey, dsaEncoding: 'ieee-p1363' });
    return { device: id, challenge, signature: signature.toString('base64url') };
  }
}

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256';

export interface AnswerOptions {
  origin: string;
  rpId: string;
  challenge: string;
  flags?: number;
  counter?: number;
  type?: string;
  more?: Record<string, unknown>;
}

/** Present, verified. */
const FLAGS = 5;
const CREDENTIAL = 64;

/** An authenticator with one passkey. */
export class SoftwareAuthenticator {
  readonly id = randomBytes(16);
  readonly #algorithm: Algorithm;
  readonly #keys: { publicKey: KeyObject; privateKey: KeyObject };
  counter = 0;

  constructor(algorithm: Algorithm = 'ES256') {
    this.#algorithm = algorithm;
    this.#keys = algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      : algorithm === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  }

  create(options: AnswerOptions): PasskeyCreation {
    const head = Buffer.from([0, ...Array(15).fill(0), 0, this.id.length]);
    const attested = Buffer.concat([head, this.id, cbor(this.#coseKey())]);
    const authData = Buffer.concat([this.#authData(options, FLAGS | CREDENTIAL), attested]);
    const object = cbor(new Map<string, unknown>([['fmt', 'none'], ['attStmt', new Map()], ['authData', authData]]));
    return {
      id: this.id.toString('base64url'),
      clientDataJSON: clientData({ type: 'webauthn.create', ...options }),
      attestationObject: object.toString('base64url'),
    };
  }

  get(options: AnswerOptions): PasskeyAssertion {
    this.counter++;
    const authData = this.#authData(options, FLAGS);
    const clientDataJSON = clientData({ type: 'webauthn.get', ...options });
    const hash = createHash('sha256').update(Buffer.from(clientDataJSON, 'base64url')).digest();
    const digest = this.#algorithm === 'EdDSA' ? null : 'sha256';
    const signature = sign(digest, Buffer.concat([authData, hash]), this.#keys.privateKey).toString('base64url');
    return {
      id: this.id.toString('base64url'),
      clientDataJSON,
      authenticatorData: authData.toString('base64url'),
      signature,
    };
  }

  #authData({ rpId, flags, counter = this.counter }: AnswerOptions, usual: number): Buffer {
    const tail = Buffer.alloc(5);
    tail[0] = flags ?? usual;
    tail.writeUInt32BE(counter, 1);
    return Buffer.concat([createHash('sha256').update(rpId).digest(), tail]);
  }

  #coseKey(): Map<number, unknown> {
    const { x, y, n, e } = this.#keys.publicKey.export({ format: 'jwk' });
    const part = (text?: string) => Buffer.from(text ?? '', 'base64url');
    if (this.#algorithm === 'ES256') {
      return new Map<number, unknown>([[1, 2], [3, -7], [-1, 1], [-2, part(x)], [-3, part(y)]]);
    }
    if (this.#algorithm === 'EdDSA') return new Map<number, unknown>([[1, 1], [3, -8], [-1, 6], [-2, part(x)]]);
    return new Map<number, unknown>([[1, 3], [3, -257], [-1, part(n)], [-2, part(e)]]);
  }
}

const clientData = ({ type, challenge, origin, more }: AnswerOptions): string =>
  Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false, ...more })).toString('base64url');

/** CBOR of numbers, texts, bytes and maps, in order. */
export function cbor(value: unknown): Buffer {
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  const entries = [...value as Map<unknown, unknown>];
  return Buffer.concat([head(5, entries.length), ...entries.flatMap(([key, item]) => [cbor(key), cbor(item)])]);
}

function head(kind: number, argument: number): Buffer {
  if (argument < 24) return Buffer.from([(kind << 5) | argument]);
  if (argument < 256) return Buffer.from([(kind << 5) | 24, argument]);
  return Buffer.from([(kind << 5) | 25, argument >> 8, argument & 255]);
}
