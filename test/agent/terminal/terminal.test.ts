/** Who is sent what, who holds up whom: with a played host and a clock by hand. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { INPUT_WINDOW, OUTPUT_WINDOW, TERMINAL_CHUNK, TERMINAL_CLOSE } from '../../../core/api/terminals.ts';
import { SCROLLBACK_BYTES } from '../../../agent/terminal/scrollback.ts';
import { RESIZE_MS } from '../../../agent/terminal/resizer.ts';
import { STALL_MS } from '../../../agent/terminal/terminal.ts';
import { playedHost } from '../../support/fakes/terminal-host.ts';

const paint = (offset: number, text = 'screen') => ({ kind: 'repainted', offset, bytes: Buffer.from(text) }) as const;

test('a newcomer gets the screen as of an offset, then output from there', () => {
  const host = playedHost();
  host.output('before');
  const viewer = host.view();
  assert.equal(host.commands, ['repaint']);
  host.output('+during'); // drawn already? only its first byte
  host.events(paint(7));
  host.output('+after');
  assert.equal(viewer.messages(), [
    { type: 'attached', offset: 7, reset: true, repaint: 6, cols: 80, rows: 24, input: 0 },
  ]);
  assert.is(viewer.bytes().toString(), 'screenduring+after');
});

test('newcomers who wait share one repaint', () => {
  const host = playedHost();
  const [a, b] = [host.view(), host.view()];
  host.events(paint(0));
  assert.equal(host.commands, ['repaint']);
  assert.equal([a.bytes().toString(), b.bytes().toString()], ['screen', 'screen']);
});

test('a viewer is sent no more than its window beyond its ack, in chunks', () => {
  const host = playedHost();
  const viewer = host.view({ offset: 0 });
  host.output(OUTPUT_WINDOW + 100_000);
  assert.is(viewer.bytes().length, OUTPUT_WINDOW);
  assert.ok(viewer.sent.every((entry) => !(entry instanceof Buffer) || entry.length <= TERMINAL_CHUNK));
  viewer.say({ type: 'ack', offset: 50_000 });
  assert.is(viewer.bytes().length, OUTPUT_WINDOW + 50_000);
});

test('nothing is sent into a full socket until it has drained', () => {
  const host = playedHost();
  const viewer = host.view({ offset: 0 });
  viewer.isFull = true;
  host.output(100_000);
  assert.is(viewer.bytes().length, TERMINAL_CHUNK);
  viewer.isFull = false;
  viewer.handle.drained();
  assert.is(viewer.bytes().length, 100_000);
});

test('the PTY pauses while every active viewer is a window behind, and goes on for the first that is not', () => {
  const host = playedHost();
  host.output(10 * OUTPUT_WINDOW);
  assert.not.ok(host.isPaused, 'nobody watches');
  const [fast, slow] = [host.view({ offset: host.terminal.info().offset }), host.view({ offset: 10 * OUTPUT_WINDOW })];
  host.output(OUTPUT_WINDOW);
  assert.ok(host.isPaused);
  fast.say({ type: 'ack', offset: 10 * OUTPUT_WINDOW + 1 });
  assert.not.ok(host.isPaused);
  host.output(1);
  assert.ok(host.isPaused);
  slow.handle.closed();
  assert.ok(host.isPaused);
  fast.say({ type: 'size', cols: 80, rows: 24, active: false }); // a hidden tab
  assert.not.ok(host.isPaused);
});

test('a viewer that shows nothing for long is not waited for, until it does again', () => {
  const host = playedHost();
  const viewer = host.view({ offset: 0 });
  host.output(OUTPUT_WINDOW);
  host.clock.advance(STALL_MS - 1);
  assert.ok(host.isPaused);
  host.clock.advance(1);
  assert.not.ok(host.isPaused);
  host.output(OUTPUT_WINDOW);
  assert.not.ok(host.isPaused);
  viewer.say({ type: 'ack', offset: 1 });
  assert.ok(host.isPaused);
});

test('a newcomer is not held up by one who is behind', () => {
  const host = playedHost();
  host.view({ offset: 0 });
  host.output(OUTPUT_WINDOW);
  assert.ok(host.isPaused);
  host.view();
  assert.not.ok(host.isPaused, 'its repaint has to come through');
});

test('who falls out of the scrollback skips to the present screen', () => {
  const host = playedHost();
  const [slow, fast] = [host.view({ offset: 0 }), host.view({ offset: 0 })];
  for (let sent = 0; sent <= SCROLLBACK_BYTES + OUTPUT_WINDOW; sent += 64 * 1024) {
    host.output(64 * 1024);
    fast.say({ type: 'ack', offset: host.terminal.info().offset });
  }
  assert.is(slow.messages().length, 1);
  slow.say({ type: 'ack', offset: OUTPUT_WINDOW });
  const end = host.terminal.info().offset;
  host.events(paint(end));
  assert.equal(slow.messages()[1], {
    type: 'attached',
    offset: end,
    reset: true,
    repaint: 6,
    cols: 80,
    rows: 24,
    input: 0,
  });
  slow.say({ type: 'ack', offset: OUTPUT_WINDOW }); // a late one of before
  assert.is(slow.closed, null);
  host.output('!');
  assert.is(slow.bytes().subarray(-1).toString(), '!');
});

test('an offset that is no longer there, or never was, is answered with a repaint', () => {
  const host = playedHost();
  host.output(SCROLLBACK_BYTES + 1);
  for (const offset of [0, SCROLLBACK_BYTES + 2]) host.view({ offset });
  assert.equal(host.commands, ['repaint']);
});

test('an ack of what was never sent ends the connection', () => {
  const host = playedHost();
  const viewer = host.view({ offset: 0 });
  viewer.say({ type: 'ack', offset: 1 });
  assert.is(viewer.closed, 1008);
  assert.is(host.terminal.info().viewers, 0);
});

test('sizes: the smallest active one, at once and then in steps', () => {
  const host = playedHost();
  const viewer = host.view({ offset: 0, cols: 100, rows: 50 });
  for (let cols = 200; cols > 120; cols--) viewer.say({ type: 'size', cols, rows: 40, active: true });
  assert.equal(host.commands, ['resize 100x50']);
  host.clock.advance(RESIZE_MS);
  assert.equal(host.commands, ['resize 100x50', 'resize 121x40']);
  host.clock.advance(RESIZE_MS);
  assert.is(host.commands.length, 2);
  host.view({ offset: 0, cols: 300, rows: 10 });
  assert.is(host.commands.at(-1), 'resize 121x10');
});

test('a size stands in the output where it begins, also for who is behind', () => {
  const host = playedHost();
  const viewer = host.view({ offset: 0 });
  host.output(OUTPUT_WINDOW + 10);
  host.events({ kind: 'resized', cols: 10, rows: 5 });
  assert.is(viewer.messages().length, 1);
  viewer.say({ type: 'ack', offset: 10 });
  assert.is(viewer.messages().length, 2);
  assert.equal(viewer.sent.at(-1), { type: 'size', cols: 10, rows: 5 });
});

test('the exit comes after the last byte, to everybody', () => {
  const host = playedHost();
  const viewer = host.view({ offset: 0 });
  host.output(OUTPUT_WINDOW + 1);
  host.events({ kind: 'exit', code: 3, signal: 0, at: 9, repaint: Buffer.from('last') });
  assert.not.ok(viewer.messages().some(({ type }) => type === 'exit'));
  viewer.say({ type: 'ack', offset: OUTPUT_WINDOW });
  assert.equal(viewer.sent.at(-1), { type: 'exit', code: 3, signal: 0 });
  const late = host.view();
  assert.is(late.bytes().toString(), 'last');
  assert.equal(late.sent.at(-1), { type: 'exit', code: 3, signal: 0 });
});

test('a host that dies without a word counts as an end', () => {
  const host = playedHost();
  const viewer = host.view();
  host.gone('');
  assert.equal(viewer.messages().map(({ type }) => type), ['attached', 'exit']);
  assert.is(host.terminal.info().exited?.code, 255);
});

test('input is counted by client across connections, and acknowledged as it is taken', () => {
  const host = playedHost();
  const first = host.view({ client: 'same-client', offset: 0 });
  first.handle.message(Buffer.from('abc'));
  host.events({ kind: 'consumed', bytes: 2 });
  assert.equal(first.messages().at(-1), { type: 'input', offset: 2 });
  const second = host.view({ client: 'same-client', offset: 0 });
  assert.is(first.closed, TERMINAL_CLOSE.replaced);
  first.handle.message(Buffer.from('late')); // of the connection that is gone
  assert.equal(second.messages()[0], {
    type: 'attached',
    offset: 0,
    reset: false,
    repaint: 0,
    cols: 80,
    rows: 24,
    input: 3,
  });
  assert.equal(host.commands.filter((entry) => entry.startsWith('input')), ['input abc']);
});

test('input beyond the window ends the connection', () => {
  const host = playedHost();
  const viewer = host.view({ offset: 0 });
  for (let sent = 0; sent < INPUT_WINDOW; sent += TERMINAL_CHUNK) viewer.handle.message(Buffer.alloc(TERMINAL_CHUNK));
  assert.is(viewer.closed, null);
  viewer.handle.message(Buffer.alloc(1));
  assert.is(viewer.closed, 1008);
});

test('what is no command ends the connection', () => {
  for (const text of ['', 'null', '{"type":"ack"}', '{"type":"ack","offset":"1"}', '{"type":"__proto__"}']) {
    const viewer = playedHost().view({ offset: 0 });
    viewer.handle.message(text);
    assert.is(viewer.closed, 1008, text);
  }
});

test('no timer is left when all have gone', () => {
  const host = playedHost();
  const viewer = host.view({ offset: 0, cols: 90 });
  host.output(OUTPUT_WINDOW);
  viewer.handle.closed();
  host.gone('');
  assert.is(host.clock.pending, 0);
});

test.run();
