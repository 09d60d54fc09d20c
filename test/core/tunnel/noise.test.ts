import { Buffer } from 'node:buffer';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_PLAIN, REKEY_RECORDS } from '../../../core/tunnel/limits.ts';
import { CipherState, Handshake, type KeyPair, NoiseError, tokenKey } from '../../../core/tunnel/noise.ts';

interface Vector {
  protocol_name: string;
  init_prologue: string;
  init_psks: string[];
  init_ephemeral: string;
  resp_prologue: string;
  resp_psks: string[];
  resp_ephemeral: string;
  handshake_hash: string;
  messages: { payload: string; ciphertext: string }[];
}
const { vectors } = JSON.parse(readFileSync(new URL('../../vectors/noise.json', import.meta.url), 'utf8')) as {
  vectors: Vector[];
};
const hex = (text: string) => Buffer.from(text, 'hex');
const PSK = Buffer.alloc(32, 7);
/** As it goes over the wire. */
function seal(cipher: CipherState, plain: Buffer): Buffer {
  const { body, tag } = cipher.seal(plain);
  return Buffer.concat([body, tag]);
}
const refused = (error: unknown) => error instanceof NoiseError;

/** The key pair of a raw private key. */
function keyPair(raw: string): KeyPair {
  const der = Buffer.concat([hex('302e020100300506032b656e04220420'), hex(raw)]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey: KeyObject = createPublicKey(privateKey);
  return { privateKey, publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(12) };
}

function pair(options: { psk?: Buffer; prologue?: Buffer } = {}) {
  return {
    machine: new Handshake({ initiator: true, psk: PSK }),
    relay: new Handshake({ initiator: false, psk: options.psk ?? PSK, prologue: options.prologue }),
  };
}

function channels() {
  const { machine, relay } = pair();
  relay.read(machine.write());
  machine.read(relay.write());
  return { machine: machine.split(), relay: relay.split() };
}

for (const vector of vectors) {
  test(`outside vector ${vector.protocol_name}`, () => {
    const initiator = new Handshake({
      initiator: true,
      psk: hex(vector.init_psks[0]!),
      prologue: hex(vector.init_prologue),
      makeKeyPair: () => keyPair(vector.init_ephemeral),
    });
    const responder = new Handshake({
      initiator: false,
      psk: hex(vector.resp_psks[0]!),
      prologue: hex(vector.resp_prologue),
      makeKeyPair: () => keyPair(vector.resp_ephemeral),
    });
    const [first, second, ...rest] = vector.messages as [Vector['messages'][0], Vector['messages'][0]];
    const entry = initiator.write(hex(first.payload));
    assert.is(entry.toString('hex'), first.ciphertext);
    assert.is(responder.read(entry).toString('hex'), first.payload);
    const two = responder.write(hex(second.payload));
    assert.is(two.toString('hex'), second.ciphertext);
    assert.is(initiator.read(two).toString('hex'), second.payload);

    const a = initiator.split();
    const b = responder.split();
    assert.is(a.hash.toString('hex'), vector.handshake_hash);
    assert.is(b.hash.toString('hex'), vector.handshake_hash);
    rest.forEach(({ payload, ciphertext }, i) => {
      const [from, to] = i % 2 === 0 ? [a, b] : [b, a];
      const sealed = seal(from.send, hex(payload));
      assert.is(sealed.toString('hex'), ciphertext);
      assert.is(to.receive.open(sealed).toString('hex'), payload);
    });
  });
}

test('a wrong token, prologue or version fails at the first message, all in the same way', () => {
  for (const options of [{ psk: Buffer.alloc(32, 8) }, { prologue: Buffer.from('agent-monitor tunnel 2') }]) {
    const { machine, relay } = pair(options);
    assert.throws(() => relay.read(machine.write()), refused);
  }
});

test('every flipped bit of either handshake message is refused', () => {
  for (let bit = 0; bit < 48 * 8; bit++) {
    const { machine, relay } = pair();
    const first = machine.write();
    first[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => relay.read(first), refused);
  }
  for (let bit = 0; bit < 48 * 8; bit++) {
    const { machine, relay } = pair();
    relay.read(machine.write());
    const two = relay.write();
    two[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => machine.read(two), refused);
  }
});

test('handshake messages of every wrong length are refused', () => {
  for (let length = 0; length < 48; length++) {
    const { machine, relay } = pair();
    const first = machine.write();
    assert.throws(() => relay.read(first.subarray(0, length)), refused);
  }
});

test('low-order points, and those with a top bit that X25519 ignores, are refused', () => {
  const points = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880',
    '4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7',
    'd9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  ];
  for (const point of points) {
    // Only who has the token gets so far: the initiator sends the point as its ephemeral key, with a valid tag.
    const evil: KeyPair = { privateKey: keyPair('11'.repeat(32)).privateKey, publicKey: hex(point) };
    const machine = new Handshake({ initiator: true, psk: PSK, makeKeyPair: () => evil });
    const relay = new Handshake({ initiator: false, psk: PSK });
    assert.throws(
      () => {
        relay.read(machine.write());
        relay.write();
      },
      refused,
      point,
    );
  }
});

test('neither side writes or reads out of order, and a handshake is used once', () => {
  const { machine, relay } = pair();
  assert.throws(() => relay.write(), refused);
  assert.throws(() => machine.read(Buffer.alloc(48)), refused);
  const first = machine.write();
  assert.throws(() => machine.write(), refused);
  relay.read(first);
  assert.throws(() => relay.read(first), refused);
  assert.throws(() => machine.split(), refused);
});

test('a recorded first message opens no channel with another relay handshake', () => {
  const ends = pair();
  const first = ends.machine.write();
  ends.relay.read(first);
  ends.machine.read(ends.relay.write());
  const sealed = seal(ends.machine.split().send, Buffer.from('hello'));

  const replay = new Handshake({ initiator: false, psk: PSK });
  replay.read(first);
  replay.write();
  assert.throws(() => replay.split().receive.open(sealed), refused);
});

test('records are opened in order, once, unchanged, by the other side only', () => {
  const { machine, relay } = channels();
  const records = ['one', 'two', 'three'].map((text) => seal(machine.send, Buffer.from(text)));
  assert.throws(() => relay.receive.open(records[1]!), refused); // swapped
  assert.throws(() => machine.receive.open(records[0]!), refused); // reflected
  assert.is(relay.receive.open(records[0]!).toString(), 'one');
  assert.throws(() => relay.receive.open(records[0]!), refused); // repeated
  assert.throws(() => relay.receive.open(records[1]!.subarray(1)), refused); // cut
  assert.is(relay.receive.open(records[1]!).toString(), 'two');
});

test('one flipped bit anywhere in a record is refused', () => {
  const { machine, relay } = channels();
  const sealed = seal(machine.send, Buffer.from('x'.repeat(100)));
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const bad = Buffer.from(sealed);
    bad[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => relay.receive.open(bad), refused);
  }
  assert.is(relay.receive.open(sealed).toString(), 'x'.repeat(100));
});

test('the nonce counts over every byte without repeating', () => {
  const cipher = new CipherState(Buffer.alloc(32, 1));
  const seen = new Set<string>();
  for (let i = 0; i < 70_000; i++) seen.add(seal(cipher, Buffer.alloc(0)).toString('base64'));
  assert.is(seen.size, 70_000);
});

test('rekeying changes the key and leaves no gap', () => {
  const { machine, relay } = channels();
  for (let i = 0; i < 3; i++) {
    assert.is(relay.receive.open(seal(machine.send, Buffer.from('before'))).toString(), 'before');
    machine.send.rekey();
    const sealed = seal(machine.send, Buffer.from('after'));
    assert.throws(() => relay.receive.open(sealed), refused);
    relay.receive.rekey();
    assert.is(relay.receive.open(sealed).toString(), 'after');
    assert.is(relay.receive.records, 1);
  }
  assert.ok(REKEY_RECORDS === 65_536);
});

test('the largest record, and one past it', () => {
  const { machine, relay } = channels();
  const largest = seal(machine.send, Buffer.alloc(MAX_PLAIN, 3));
  assert.is(largest.length, 65_535);
  assert.is(relay.receive.open(largest).length, MAX_PLAIN);
  assert.throws(() => seal(machine.send, Buffer.alloc(MAX_PLAIN + 1)), refused);
  assert.throws(() => relay.receive.open(Buffer.alloc(65_536)), refused);
});

test('the key of a token is the same everywhere and tells nothing of it', () => {
  assert.is(tokenKey('a token').toString('hex'), tokenKey('a token').toString('hex'));
  assert.is.not(tokenKey('a token').toString('hex'), tokenKey('a tokeN').toString('hex'));
  assert.is(tokenKey('').length, 32);
});

test.run();
