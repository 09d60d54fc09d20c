import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keySequence, withModifiers } from '../../../ui/terminal/keys.ts';

const none = { ctrl: false, alt: false };

test('keys send what xterm sends', () => {
  assert.is(keySequence('esc', none, false), '\x1b');
  assert.is(keySequence('tab', none, false), '\t');
  assert.is(keySequence('up', none, false), '\x1b[A');
  assert.is(keySequence('up', none, true), '\x1bOA');
  assert.is(keySequence('end', none, true), '\x1bOF');
  assert.is(keySequence('left', { ctrl: true, alt: false }, true), '\x1b[1;5D');
  assert.is(keySequence('home', { ctrl: true, alt: true }, false), '\x1b[1;7H');
  assert.is(keySequence('pageUp', none, false), '\x1b[5~');
  assert.is(keySequence('pageDown', { ctrl: false, alt: true }, false), '\x1b[6;3~');
});

test('Ctrl and Alt of the key bar change one typed character', () => {
  const ctrl = { ctrl: true, alt: false };
  assert.is(withModifiers('c', ctrl), '\x03');
  assert.is(withModifiers('Z', ctrl), '\x1a');
  assert.is(withModifiers('[', ctrl), '\x1b');
  assert.is(withModifiers(' ', ctrl), '\0');
  assert.is(withModifiers('/', ctrl), '\x1f');
  assert.is(withModifiers('é', ctrl), 'é');
  assert.is(withModifiers('x', { ctrl: false, alt: true }), '\x1bx');
  assert.is(withModifiers('x', { ctrl: true, alt: true }), '\x1b\x18');
  assert.is(withModifiers('word', ctrl), 'word');
  assert.is(withModifiers('x', none), 'x');
});

test.run();
