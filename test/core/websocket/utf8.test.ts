import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer, isUtf8 } from 'node:buffer';
import { decodeText, Utf8Checker } from '../../../core/websocket/utf8.ts';
import { randomBytes, seeded } from '../../support/harness/websocket-frames.ts';

const check = (bytes: Buffer, size = 1) => {
  const checker = new Utf8Checker();
  for (let at = 0; at < bytes.length; at += size) {
    if (!checker.push(bytes, at, Math.min(at + size, bytes.length))) return false;
  }
  return checker.end();
};

/** Valid and invalid sequences around every border of RFC 3629 §4. */
const VALID = [
  '',
  'a',
  '\0',
  '\x7f',
  '\u0080',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
]
  .map((text) => Buffer.from(text));
const INVALID = ['80', 'bf', 'c0', 'c080', 'c1bf', 'c2', 'c27f', 'c2c0', 'df', 'e0', 'e080', 'e09fbf', 'e0a0', 'e0a07f']
  .concat([
    'ed a080',
    'edbfbf',
    'ef bf',
    'f0',
    'f08fbfbf',
    'f090',
    'f09080',
    'f0908041',
    'f490 8080',
    'f5808080',
    'fe',
    'ff',
  ])
  .map((hex) => Buffer.from(hex.replaceAll(' ', ''), 'hex'));

test('every border of the table of well-formed sequences, byte by byte', () => {
  for (const bytes of VALID) assert.ok(check(bytes), bytes.toString('hex'));
  for (const bytes of INVALID) assert.not(check(bytes), bytes.toString('hex'));
});

test('the same in the middle and at the end of long texts, in pieces of every size', () => {
  const around = Buffer.from('ä'.repeat(60));
  for (const [cases, expected] of [[VALID, true], [INVALID, false]] as const) {
    for (const bytes of cases) {
      for (const text of [Buffer.concat([around, bytes]), Buffer.concat([around, bytes, around])]) {
        for (const size of [1, 2, 3, 50, 64, 500]) {
          assert.is(check(text, size), expected, `${bytes.toString('hex')} ${size}`);
        }
      }
    }
  }
});

test('agrees with the native check on seeded random bytes', () => {
  const alphabet = [0x41, 0x80, 0xbf, 0xc3, 0xe0, 0xa0, 0xe2, 0xed, 0x9f, 0xf0, 0x90, 0xf4, 0x8f];
  for (let seed = 0; seed < 3000; seed++) {
    const random = seeded(seed);
    const bytes = randomBytes(random, 1 + Math.floor(random() * 6)).map((byte) => alphabet[byte % alphabet.length]!);
    assert.is(check(Buffer.from(bytes)), isUtf8(bytes), Buffer.from(bytes).toString('hex'));
  }
});

test('a hopeless start is refused before its end', () => {
  for (const start of ['f490', 'eda0', 'e080', 'f08f', 'c0']) {
    assert.not(new Utf8Checker().push(Buffer.from(start, 'hex'), 0, start.length / 2), start);
  }
});

test('a checker is ready for the next text', () => {
  const checker = new Utf8Checker();
  checker.push(Buffer.from('e2', 'hex'), 0, 1);
  assert.not(checker.end());
  assert.ok(checker.push(Buffer.from('a'), 0, 1) && checker.end());
  // Nor do the bounds of a character's second byte outlive the text that ended before it.
  for (const lead of [0xe0, 0xf0, 0xed, 0xf4]) {
    assert.ok(checker.push(Buffer.from([lead]), 0, 1) && !checker.end());
    for (const text of ['\u0080', '\u00ff']) {
      const bytes = Buffer.from(text);
      assert.ok(checker.push(bytes, 0, bytes.length) && checker.end(), `${lead.toString(16)}, then ${text}`);
    }
  }
});

test('decoding keeps a byte order mark and refuses what is no UTF-8, short and long', () => {
  for (const text of ['', 'plain', 'größe', '\ufeffmark', 'x'.repeat(95), 'x'.repeat(96), 'ü'.repeat(200)]) {
    const bytes = Buffer.from(`..${text}.`);
    assert.is(decodeText(bytes, 2, bytes.length - 1), text);
  }
  for (const text of ['', 'x'.repeat(200)]) {
    const bytes = Buffer.concat([Buffer.from(text), Uint8Array.of(0xff)]);
    assert.is(decodeText(bytes, 0, bytes.length), null);
  }
});

test.run();
