/** A repaint shows on a fresh emulator what the output itself would show, wherever it is taken. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { REPAINT_LIMIT, Screen, unfinishedBytes } from '../../../agent/terminal/screen.ts';

const screen = (cols = 40, rows = 8, replies: string[] = []) =>
  new Screen(cols, rows, (reply) => replies.push(reply.toString()));
const write = (to: Screen, data: string | Uint8Array) =>
  new Promise<void>((resolve) => to.write(Buffer.from(data as string), resolve));

/** Two screens are the same when they would be repainted by the same bytes. */
const drawn = async (of: Screen) => (await of.repaint()).bytes.toString();

const OUTPUT = Buffer.from(
  'plain é中😀\r\n\x1b[31mred\x1b[1;4;48;5;20mmore\x1b[0m\r\n\x1b[38;2;1;2;3mtrue\x1b[m' +
    '\x1b]0;a title\x07\x1b[?2004h\x1b[?1000h\x1b[?1006h\x1b[?25l\x1b[5 q\r\n1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n' +
    '\x1b[?1049h\x1b[2J\x1b[3;6r\x1b[4;10Hfull screen\x1b[?1h\x1b=\x1b[7mback\x1b[5;3H',
);

test('taken at every byte, a repaint and the rest give the same screen as all of it', async () => {
  const whole = screen();
  await write(whole, OUTPUT);
  const expected = await drawn(whole);
  for (let cut = 0; cut <= OUTPUT.length; cut++) {
    const first = screen();
    await write(first, OUTPUT.subarray(0, cut));
    const { offset, bytes } = await first.repaint();
    assert.ok(offset <= cut);
    const second = screen();
    await write(second, bytes);
    await write(second, OUTPUT.subarray(offset));
    assert.is(await drawn(second), expected, `cut at ${cut}, from ${offset}`);
    first.dispose();
    second.dispose();
  }
  whole.dispose();
});

test('programs are answered once, by the screen', async () => {
  const replies: string[] = [];
  const one = screen(40, 8, replies);
  await write(one, 'abc\x1b[6n\x1b[c');
  assert.equal(replies, ['\x1b[1;4R', '\x1b[?1;2c']);
  one.dispose();
});

test('a repaint is bounded, with fewer lines of the scrollback', async () => {
  const one = screen(400, 50);
  const line = Array.from({ length: 400 }, (_, i) => `\x1b[38;5;${i % 256}mx`).join('');
  for (let i = 0; i < 400; i++) await write(one, `${line}\r\n`);
  const { bytes } = await one.repaint();
  assert.ok(bytes.length <= REPAINT_LIMIT);
  assert.ok(bytes.length > REPAINT_LIMIT / 8);
  one.dispose();
});

test('unfinished characters are recognised', () => {
  const cases: [number[], number][] = [
    [[], 0],
    [[0x41], 0],
    [[0xc3], 1],
    [[0xc3, 0xa9], 0],
    [[0xe4, 0xb8], 2],
    [[0xe4, 0xb8, 0xad], 0],
    [[0xf0, 0x9f, 0x98], 3],
    [[0x9f, 0x98, 0x80], 0],
    [[0x80, 0x80, 0x80], 0],
  ];
  for (const [bytes, expected] of cases) assert.is(unfinishedBytes(Uint8Array.from(bytes)), expected, String(bytes));
});

test.run();
