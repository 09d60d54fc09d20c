import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DetachFilter, detachLabel, parseDetachKeys } from '../../../cli/client/detach-keys.ts';

const filter = (keys: string) => new DetachFilter(parseDetachKeys(keys));
const type = (to: DetachFilter, text: string) => {
  const { bytes, isDetached } = to.push(Buffer.from(text, 'latin1'));
  return [bytes.toString('latin1'), isDetached];
};

test('everything but the keys goes on, also what is typed with them', () => {
  assert.equal(type(filter('ctrl-]'), 'abc'), ['abc', false]);
  assert.equal(type(filter('ctrl-]'), 'abc\x1dxyz'), ['abc', true]);
  assert.equal(type(filter('ctrl-\\'), 'a\x1d\x1c'), ['a\x1d', true]);
});

test('two keys count only one after the other; the first alone goes on with what follows', () => {
  const keys = filter('ctrl-p,ctrl-q');
  assert.equal(type(keys, 'x\x10'), ['x', false]);
  assert.not(keys.isMidKey, 'a person may take time for the second key');
  assert.equal(type(keys, 'y'), ['\x10y', false]);
  assert.equal(type(keys, '\x10'), ['', false]);
  assert.equal(type(keys, '\x11'), ['', true]);
  assert.equal(type(filter('ctrl-p,ctrl-q'), '\x10\x10\x11'), ['\x10', true]);
});

test('the keys as escape sequences of other keyboard protocols, whole and in pieces', () => {
  for (const sequence of ['\x1b[93;5u', '\x1b[27;5;93~']) {
    assert.equal(type(filter('ctrl-]'), `a${sequence}`), ['a', true]);
    for (let cut = 1; cut < sequence.length; cut++) {
      const keys = filter('ctrl-]');
      assert.equal(type(keys, sequence.slice(0, cut)), ['', false]);
      assert.ok(keys.isMidKey);
      assert.equal(type(keys, sequence.slice(cut)), ['', true]);
    }
  }
});

test('Escape and other sequences that begin alike are not lost', () => {
  const keys = filter('ctrl-]');
  assert.equal(type(keys, '\x1b'), ['', false]);
  assert.ok(keys.isMidKey);
  assert.is(keys.flush().toString(), '\x1b');
  assert.not(keys.isMidKey);
  assert.equal(type(keys, '\x1b['), ['', false]);
  assert.equal(type(keys, 'A'), ['\x1b[A', false]);
  assert.equal(type(keys, '\x1b[93;6u'), ['\x1b[93;6u', false]);
});

test('names of keys', () => {
  assert.is(detachLabel(parseDetachKeys('ctrl-]')), 'Ctrl-]');
  assert.is(detachLabel(parseDetachKeys('^a, d')), 'Ctrl-A d');
  for (const wrong of ['', 'ctrl-', 'ctrl-1', 'escape', 'ctrl-a,', 'a,b,c,d,e', 'é']) {
    assert.throws(() => parseDetachKeys(wrong), /names no keys/, wrong);
  }
});

test.run();
