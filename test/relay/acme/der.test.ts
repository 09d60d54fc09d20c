/** DER against known encodings (X.690) and against openssl's reader. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { execFileSync } from 'node:child_process';
import {
  bitString,
  element,
  integer,
  objectIdentifier,
  readElement,
  readElements,
  sequence,
  tagged,
  time,
} from '../../../relay/acme/der.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const parse = (der: Buffer) =>
  execFileSync('openssl', ['asn1parse', '-inform', 'DER'], { input: der, encoding: 'utf8' });

for (
  const [value, wanted] of [[0, '020100'], [127, '02017f'], [128, '02020080'], [256, '02020100'], [
    65535,
    '020300ffff',
  ]] as const
) {
  test(`integer ${value}`, () => assert.is(hex(integer(value)), wanted));
}

test('an integer of bytes is in its shortest form and never negative', () => {
  assert.is(hex(integer(Buffer.from('000000ff', 'hex'))), '020200ff');
  assert.is(hex(integer(Buffer.from('7f80', 'hex'))), '02027f80');
  assert.is(hex(integer(Buffer.from('8001', 'hex'))), '0203008001');
});

test('object identifiers', () => {
  assert.is(hex(objectIdentifier('1.2.840.10045.4.3.2')), '06082a8648ce3d040302');
  assert.is(hex(objectIdentifier('1.3.6.1.5.5.7.1.31')), '06082b0601050507011f');
  assert.is(hex(objectIdentifier('2.5.29.17')), '0603551d11');
});

for (
  const [length, head] of [[127, '047f'], [128, '048180'], [255, '0481ff'], [256, '04820100'], [
    65536,
    '0483010000',
  ]] as const
) {
  test(`a length of ${length}`, () => {
    const bytes = element(0x04, Buffer.alloc(length, 7));
    assert.is(hex(bytes.subarray(0, head.length / 2)), head);
    const read = readElement(Buffer.concat([bytes, Buffer.from([1])]), 0);
    assert.is(read.content.length, length);
    assert.is(read.end, bytes.length);
  });
}

test('times turn from UTCTime to GeneralizedTime with 2050', () => {
  assert.is(time(Date.UTC(2049, 11, 31, 23, 59, 59)).toString('latin1'), '\x17\x0d491231235959Z');
  assert.is(time(Date.UTC(2050, 0, 1)).toString('latin1'), '\x18\x0f20500101000000Z');
  assert.is(time(Date.UTC(2026, 5, 7, 8, 9, 10, 999)).toString('latin1'), '\x17\x0d260607080910Z');
});

test('openssl reads what is written', () => {
  const text = parse(
    sequence(
      integer(5),
      tagged(0, true, sequence()),
      bitString(Buffer.from([1, 2])),
      tagged(2, false, Buffer.from('a')),
    ),
  );
  assert.match(text, /INTEGER +:05/);
  assert.match(text, /cont \[ 0 \]/);
  assert.match(text, /BIT STRING/);
  assert.match(text, /cont \[ 2 \]/);
});

test('elements that are cut off, endless or of a long tag are refused, at every cut', () => {
  const whole = sequence(integer(300), sequence(element(0x04, Buffer.alloc(300))));
  assert.is(readElements(readElement(whole, 0).content).length, 2);
  for (let end = 0; end < whole.length; end++) assert.throws(() => readElement(whole.subarray(0, end), 0), /DER/);
  for (const bad of ['30', '3080', '3085ffffffffff', '1f8101', '3084ffffffff']) {
    assert.throws(() => readElement(Buffer.from(bad, 'hex'), 0), /DER/);
  }
  assert.throws(() => readElements(Buffer.from('020101ff', 'hex')), /DER/);
});

test.run();
