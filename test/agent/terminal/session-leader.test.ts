import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { MarkReader } from '../../../agent/terminal/session-leader.ts';

const WRITTEN = 'last words\x1b[0m\x1b]7717;abc;42\x07from the background';

test('the mark is taken out wherever the output is cut', () => {
  for (let cut = 0; cut <= WRITTEN.length; cut++) {
    const reader = new MarkReader('abc');
    const parts = [WRITTEN.slice(0, cut), WRITTEN.slice(cut)].map((part) => reader.push(Buffer.from(part)));
    assert.is(parts.map(({ output }) => output.toString()).join(''), 'last words\x1b[0mfrom the background');
    assert.equal(parts.map(({ code }) => code).filter((code) => code !== null), [42]);
  }
});

test('another mark is output, and an escape at the end waits only until it is none', () => {
  const reader = new MarkReader('abc');
  assert.is(reader.push(Buffer.from('\x1b]7717;abd;0\x07x')).output.toString(), '\x1b]7717;abd;0\x07x');
  assert.is(reader.push(Buffer.from('y\x1b')).output.toString(), 'y');
  assert.is(reader.push(Buffer.from('[A')).output.toString(), '\x1b[A');
});

test.run();
