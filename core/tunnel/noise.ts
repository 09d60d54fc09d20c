/**
 * Noise_NNpsk0_25519_ChaChaPoly_SHA256 (The Noise Protocol Framework, revision 34) over node:crypto: the handshake of two
 * messages and the ciphers of both directions. Pure; any failure throws NoiseError without a reason.
 */
import { Buffer } from 'node:buffer';
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  scryptSync,
  timingSafeEqual,
} from 'node:crypto';
import { MAX_PLAIN, MAX_RECORD, TAG_SIZE, TUNNEL_VERSION } from './limits.ts';

const PROTOCOL_NAME = 'Noise_NNpsk0_25519_ChaChaPoly_SHA256';
const CIPHER = 'chacha20-poly1305';
const AEAD = { authTagLength: TAG_SIZE };
const KEY_SIZE = 32;
/** The top bit of a key's last byte: no honest key sets it, and X25519 ignores it (RFC 7748 section 5). */
const NEVER_SET = 0x80;
const EMPTY = Buffer.alloc(0);
/** DER of an X25519 public key without its 32 bytes (RFC 8410 section 4). */
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');
/** Fixed, so that both ends derive the same key; it only keeps precomputed tables of other products from being used. */
const PSK_SALT = 'agent-monitor tunnel psk';
/** 32 MiB and about 0.1 s per guess; derived once at start. */
const PSK_COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** Both ends mix this in: another protocol or version fails like a wrong token. */
export const PROLOGUE: Buffer = Buffer.from(`agent-monitor tunnel ${TUNNEL_VERSION}`);

export class NoiseError extends Error {
  constructor() {
    super('the other end could not be proven');
  }
}

/** The 32-byte key that both ends derive from the token. Slow on purpose: call it once. */
export function tokenKey(token: string): Buffer {
  return scryptSync(token, PSK_SALT, KEY_SIZE, PSK_COST);
}

/** One direction's cipher: nonces count up by one per record and are never reused (section 5.1). */
export class CipherState {
  #key: KeyObject;
  readonly #nonce = Buffer.alloc(12);
  #records = 0;

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  /** Records since the key was created or last changed. */
  get records(): number {
    return this.#records;
  }

  /** @returns ciphertext and tag separately, so that framing copies them once, not twice */
  seal(plain: Uint8Array, ad: Uint8Array = EMPTY): { body: Buffer; tag: Buffer } {
    if (plain.length > MAX_PLAIN) throw new NoiseError();
    const cipher = createCipheriv(CIPHER, this.#key, this.#nonce, AEAD);
    if (ad.length) cipher.setAAD(ad, { plaintextLength: plain.length });
    const body = cipher.update(plain);
    cipher.final();
    this.#advance();
    return { body, tag: cipher.getAuthTag() };
  }

  /** @returns the plaintext in a new buffer; throws when any bit was changed */
  open(sealed: Uint8Array, ad: Uint8Array = EMPTY): Buffer {
    const size = sealed.length - TAG_SIZE;
    if (size < 0 || sealed.length > MAX_RECORD) throw new NoiseError();
    try {
      const decipher = createDecipheriv(CIPHER, this.#key, this.#nonce, AEAD);
      if (ad.length) decipher.setAAD(ad, { plaintextLength: size });
      decipher.setAuthTag(sealed.subarray(size));
      const plain = decipher.update(sealed.subarray(0, size));
      decipher.final();
      this.#advance();
      return plain;
    } catch {
      throw new NoiseError();
    }
  }

  /** Section 4.2, REKEY: the next record uses a key from which the old one cannot be computed. The nonce continues. */
  rekey(): void {
    const nonce = Buffer.alloc(12, 0xff);
    nonce.fill(0, 0, 4);
    const cipher = createCipheriv(CIPHER, this.#key, nonce, AEAD);
    this.#key = createSecretKey(cipher.update(Buffer.alloc(KEY_SIZE)));
    this.#records = 0;
  }

  /** The nonce is 32 zero bits and a 64-bit little-endian counter (section 12.3). 2^53 records are never reached. */
  #advance(): void {
    this.#records++;
    // `++` evaluates to 256 where the byte wrapped to 0: carry.
    for (let i = 4; i < 12; i++) if (++this.#nonce[i]! < 256) return;
    throw new NoiseError();
  }
}

/** The result of a finished handshake. */
export interface Channel {
  send: CipherState;
  receive: CipherState;
  /** Channel binding: both ends of this connection have the same value, and no other connection has it. */
  hash: Buffer;
}

export interface KeyPair {
  privateKey: KeyObject;
  /** 32 bytes. */
  publicKey: Buffer;
}

export function generateKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'der' }).subarray(X25519_SPKI.length) };
}

/** The pattern NNpsk0: → psk, e · ← e, ee. The machine initiates, so the relay sends nothing before the token is proven. */
export class Handshake {
  readonly #initiator: boolean;
  readonly #psk: Uint8Array;
  readonly #makeKeyPair: () => KeyPair;
  #own: KeyPair | null = null;
  #remote: Buffer | null = null;
  #hash: Buffer;
  #chainingKey: Buffer;
  #cipher: CipherState | null = null;
  #step = 0;

  constructor(
    options: { initiator: boolean; psk: Uint8Array; prologue?: Uint8Array; makeKeyPair?: () => KeyPair },
  ) {
    this.#initiator = options.initiator;
    this.#psk = options.psk;
    this.#makeKeyPair = options.makeKeyPair ?? generateKeyPair;
    // The name is longer than 32 bytes, so it is hashed (section 5.2).
    this.#hash = sha256(Buffer.from(PROTOCOL_NAME));
    this.#chainingKey = this.#hash;
    this.#mixHash(options.prologue ?? PROLOGUE);
  }

  get done(): boolean {
    return this.#step === 2;
  }

  /** Returns the next message of this side, with a payload encrypted as far as the keys allow. */
  write(payload: Uint8Array = EMPTY): Buffer {
    const first = this.#nextStep(this.#initiator);
    if (first) this.#mixPsk();
    this.#own = this.#makeKeyPair();
    this.#mixEphemeral(this.#own.publicKey);
    if (!first) this.#mixKey(this.#shared());
    return Buffer.concat([this.#own.publicKey, this.#seal(payload)]);
  }

  /** Reads the other side's next message and returns its payload. */
  read(message: Uint8Array): Buffer {
    const first = this.#nextStep(!this.#initiator);
    if (message.length < KEY_SIZE + TAG_SIZE || message[KEY_SIZE - 1]! & NEVER_SET) throw new NoiseError();
    if (first) this.#mixPsk();
    this.#remote = Buffer.from(message.subarray(0, KEY_SIZE));
    this.#mixEphemeral(this.#remote);
    if (!first) this.#mixKey(this.#shared());
    const sealed = message.subarray(KEY_SIZE);
    const payload = this.#cipher!.open(sealed, this.#hash);
    this.#mixHash(sealed);
    return payload;
  }

  /** Section 5.2, Split. */
  split(): Channel {
    if (!this.done) throw new NoiseError();
    const [first, second] = hkdf(this.#chainingKey, EMPTY, 2) as [Buffer, Buffer];
    const toResponder = new CipherState(first);
    const toInitiator = new CipherState(second);
    return this.#initiator
      ? { send: toResponder, receive: toInitiator, hash: this.#hash }
      : { send: toInitiator, receive: toResponder, hash: this.#hash };
  }

  /** @returns whether this is the first message; throws when the side may not write now */
  #nextStep(initiatorWrites: boolean): boolean {
    if (this.#step > 1 || initiatorWrites !== (this.#step === 0)) throw new NoiseError();
    return this.#step++ === 0;
  }
  #seal(payload: Uint8Array): Buffer {
    const { body, tag } = this.#cipher!.seal(payload, this.#hash);
    const sealed = Buffer.concat([body, tag]);
    this.#mixHash(sealed);
    return sealed;
  }
  #mixHash(data: Uint8Array): void {
    this.#hash = sha256(this.#hash, data);
  }
  #mixKey(material: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.#chainingKey, material, 2) as [Buffer, Buffer];
    this.#chainingKey = chainingKey;
    this.#cipher = new CipherState(key);
  }
  /** Section 9.2: with a psk, the ephemeral key is mixed into the chaining key too. */
  #mixEphemeral(publicKey: Buffer): void {
    this.#mixHash(publicKey);
    this.#mixKey(publicKey);
  }
  #mixPsk(): void {
    const [chainingKey, hash, key] = hkdf(this.#chainingKey, this.#psk, 3) as [Buffer, Buffer, Buffer];
    this.#chainingKey = chainingKey;
    this.#mixHash(hash);
    this.#cipher = new CipherState(key);
  }
  /** X25519 with the check of RFC 7748 section 6.1: a low-order point gives zeros and is refused. */
  #shared(): Buffer {
    try {
      const publicKey = createPublicKey({
        key: Buffer.concat([X25519_SPKI, this.#remote!]),
        format: 'der',
        type: 'spki',
      });
      const secret = diffieHellman({ privateKey: this.#own!.privateKey, publicKey });
      if (timingSafeEqual(secret, Buffer.alloc(KEY_SIZE))) throw new NoiseError();
      return secret;
    } catch {
      throw new NoiseError();
    }
  }
}

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hmac = (key: Uint8Array, data: Uint8Array) => createHmac('sha256', key).update(data).digest();

/** Section 4.3, HKDF: `count` outputs of 32 bytes. */
function hkdf(chainingKey: Uint8Array, material: Uint8Array, count: 2 | 3): Buffer[] {
  const temp = hmac(chainingKey, material);
  const outputs: Buffer[] = [];
  let last: Buffer = EMPTY;
  for (let i = 1; i <= count; i++) {
    last = hmac(temp, Buffer.concat([last, Buffer.from([i])]));
    outputs.push(last);
  }
  return outputs;
}
