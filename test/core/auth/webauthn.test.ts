/** Answers of authenticators: right ones of every algorithm pass, and whatever is changed in one of them does not. */
import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeCbor } from '../../../core/auth/cbor.ts';
import { type Credential, type Expected, verifyAssertion, verifyRegistration } from '../../../core/auth/webauthn.ts';
import { type Algorithm, type AnswerOptions, SoftwareAuthenticator } from '../../support/fakes/software-keys.ts';

const PLACE = { origin: 'https://relay.example', rpId: 'relay.example' };
const CHALLENGE = 'Y2hhbGxlbmdl';
const EXPECTED: Expected = { ...PLACE, isChallenge: (challenge) => challenge === CHALLENGE };
const ASKED: AnswerOptions = { ...PLACE, challenge: CHALLENGE };
const ALGORITHMS: Algorithm[] = ['ES256', 'EdDSA', 'RS256'];

function registered(algorithm: Algorithm = 'ES256'): { authenticator: SoftwareAuthenticator; known: Credential } {
  const authenticator = new SoftwareAuthenticator(algorithm);
  return { authenticator, known: verifyRegistration(authenticator.create(ASKED), EXPECTED) };
}

for (const algorithm of ALGORITHMS) {
  test(`${algorithm}: a passkey is registered and answers; another one's answer is refused`, () => {
    const { authenticator, known } = registered(algorithm);
    assert.is(verifyAssertion(authenticator.get(ASKED), known, EXPECTED), 1);
    const { authenticator: other } = registered(algorithm);
    const stolen = { ...other.get(ASKED), id: known.id };
    assert.throws(() => verifyAssertion(stolen, known, EXPECTED), /signature/);
  });

  test(`${algorithm}: a flipped bit anywhere in what is signed, or in the signature, is refused`, () => {
    const { authenticator, known } = registered(algorithm);
    const answer = authenticator.get(ASKED);
    for (const part of ['authenticatorData', 'signature', 'clientDataJSON'] as const) {
      const bytes = Buffer.from(answer[part], 'base64url');
      for (let i = 0; i < bytes.length; i += 3) {
        const flipped = Buffer.from(bytes);
        flipped[i]! ^= 1;
        const changed = { ...answer, [part]: flipped.toString('base64url') };
        assert.throws(() => verifyAssertion(changed, known, EXPECTED), undefined, `${part} ${i}`);
      }
    }
  });
}

const WRONG: [name: string, change: Partial<AnswerOptions>, says: RegExp][] = [
  ['another origin', { origin: 'https://relay.example.evil.test' }, /a page of/],
  ['the origin without TLS', { origin: 'http://relay.example' }, /a page of/],
  ['another port of the host', { origin: 'https://relay.example:8443' }, /a page of/],
  ['another host', { rpId: 'evil.test' }, /another host/],
  ['another challenge', { challenge: 'b3RoZXI' }, /challenge/],
  ['nobody there', { flags: 4 }, /not verified/],
  ['nobody verified', { flags: 1 }, /not verified/],
  ['backed up, though it cannot be', { flags: 5 | 16 }, /backed up/],
  ['a frame of another site', { more: { crossOrigin: true } }, /inside another site/],
  ['a frame below another site', { more: { topOrigin: 'https://evil.test' } }, /inside another site/],
  ['no challenge', { more: { challenge: 7 } }, /challenge/],
];
for (const [name, change, says] of WRONG) {
  test(`refused in an assertion: ${name}`, () => {
    const { authenticator, known } = registered();
    assert.throws(() => verifyAssertion(authenticator.get({ ...ASKED, ...change }), known, EXPECTED), says);
  });
  test(`refused in a registration: ${name}`, () => {
    const flags = change.flags === undefined ? {} : { flags: change.flags | 64 };
    const answer = new SoftwareAuthenticator().create({ ...ASKED, ...change, ...flags });
    assert.throws(() => verifyRegistration(answer, EXPECTED), says);
  });
}

test('an answer to a registration is none to a login, and the other way round', () => {
  const { authenticator, known } = registered();
  const asCreation = authenticator.get({ ...ASKED, type: 'webauthn.create' });
  assert.throws(() => verifyAssertion(asCreation, known, EXPECTED), /another question/);
  const asLogin = authenticator.create({ ...ASKED, type: 'webauthn.get' });
  assert.throws(() => verifyRegistration(asLogin, EXPECTED), /another question/);
});

test('the counter must go up once an authenticator counts; zero for ever is allowed', () => {
  const { authenticator, known } = registered();
  const at = (counter: number, before: number) =>
    verifyAssertion(authenticator.get({ ...ASKED, counter }), { ...known, counter: before }, EXPECTED);
  assert.is(at(0, 0), 0);
  assert.is(at(8, 7), 8);
  for (const [counter, before] of [[7, 7], [6, 7], [0, 7]]) assert.throws(() => at(counter!, before!), /counter/);
});

test('an attestation object that is cut, longer, or of other types is refused', () => {
  const answer = new SoftwareAuthenticator().create(ASKED);
  const bytes = Buffer.from(answer.attestationObject, 'base64url');
  for (let length = 0; length < bytes.length; length++) {
    const cut = { ...answer, attestationObject: bytes.subarray(0, length).toString('base64url') };
    assert.throws(() => verifyRegistration(cut, EXPECTED), undefined, `${length} bytes`);
  }
  const longer = { ...answer, attestationObject: Buffer.concat([bytes, Buffer.from([0])]).toString('base64url') };
  assert.throws(() => verifyRegistration(longer, EXPECTED));
});

test('CBOR: bounded in depth and count; indefinite lengths, tags, doubled keys and 8-byte lengths are refused', () => {
  assert.is(decodeCbor(Buffer.from('1903e8', 'hex')).value, 1000);
  assert.is(decodeCbor(Buffer.from('3863', 'hex')).value, -100);
  const bad = [
    Buffer.alloc(20, 0x81), // a list in a list in …
    Buffer.concat([Buffer.from([0x99, 0xff, 0xff]), Buffer.alloc(65535)]),
    Buffer.from('9bffffffffffffffff', 'hex'),
    Buffer.from('5f4100ff', 'hex'),
    Buffer.from('c001', 'hex'),
    Buffer.from('a201010102', 'hex'),
    Buffer.from('5affffffff', 'hex'),
    Buffer.from('62c328', 'hex'),
    Buffer.alloc(0),
  ];
  for (const bytes of bad) assert.throws(() => decodeCbor(bytes), undefined, bytes.toString('hex', 0, 9));
});

test.run();
