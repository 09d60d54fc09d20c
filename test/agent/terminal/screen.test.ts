/** A repaint shows on a fresh emulator what the output itself would show, wherever it is taken. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { C1Filter } from '../../../agent/terminal/c1.ts';
import { createEmulator } from '../../../agent/terminal/emulator.ts';
import { MAX_REPAINT, Screen, unfinishedBytes } from '../../../agent/terminal/screen.ts';
import { checked, checkRepaints, skipped } from '../../support/harness/repaint-check.ts';

const screen = (cols = 40, rows = 8, replies: string[] = []) =>
  new Screen(cols, rows, (reply) => replies.push(reply.toString()));
const write = (to: Screen, data: string | Uint8Array) =>
  new Promise<void>((resolve) => to.write(Buffer.from(data as string), resolve));

const OUTPUT = Buffer.from(
  'plain é中😀\r\n\x1b[31mred\x1b[1;4;48;5;20mmore\x1b[0m\r\n\x1b[38;2;1;2;3mtrue\x1b[m' +
    '\x1b]0;a title\x07\x1b[?2004h\x1b[?1000h\x1b[?1006h\x1b[?25l\x1b[5 q\r\n1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n' +
    '\x1b[?1049h\x1b[2J\x1b[3;6r\x1b[4;10Hfull screen\x1b[?1h\x1b=\x1b[7mback\x1b[5;3H',
);

test('taken anywhere, a repaint and the rest give the same state as all of it', async () => {
  assert.is((await checkRepaints(1, 60, OUTPUT))?.what, undefined);
});

/** Generated outputs, and so many places of each at which a page comes late; 5,000 of them are in test/e2e/agent. */
const SEEDS = 100;

test('of generated output, a late page shows what the whole output shows', async () => {
  checked.count = skipped.count = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const difference = await checkRepaints(seed, 1);
    if (difference) assert.unreachable(JSON.stringify(difference, null, 1));
  }
  assert.ok(skipped.count < checked.count / 20, `${skipped.count} of ${checked.count} states were out of reach`);
});

test('ED 1 in the last cell erases all, and with "?" what is not protected', async () => {
  for (const [sequence, left] of [['\x1b[1J', ''], ['\x1b[?1J', 'kept']] as const) {
    const terminal = createEmulator(10, 2);
    const write = (data: string) => new Promise<void>((resolve) => terminal.write(data, resolve));
    await write(`\x1b[1"qkept\x1b[0"q gone\x1b[2;10Hx${sequence}`);
    assert.is(terminal.buffer.active.getLine(0)!.translateToString(true), left, JSON.stringify(sequence));
    assert.is(terminal.buffer.active.getLine(1)!.translateToString(true), '');
    terminal.dispose();
  }
});

const AFTER = 'x\x1b8y\tz\x1b[4mu\x1b[?1049lv';
for (
  const [what, output] of Object.entries({
    'a saved cursor': 'ab\x1b[31m\x1b7\x1b[m\r\ncd',
    'a cursor saved above what has scrolled': 'a\x1b[s\r\n'.padEnd(60, '\r\n'),
    'character sets': '\x1b)0\x0eqqq\x1b7\x0f\x1b(A#',
    'tab stops': '\x1b[3g\x1b[5G\x1bH\x1b[9G\x1bH\r',
    'the pen of the other screen': '\x1b[1;31mred\x1b[?1049h\x1b[m\x1b[Hfull',
    'underline styles': '\x1b[4:3;58;5;9mcurly\x1b[4:5mdashed\x1b[21mdouble\x1b[m \x1b[4:4m',
    'links': '\x1b]8;;https://example.org\x1b\\one\x1b]8;id=2;https://example.com\x1b\\two',
    'protected characters': 'a\x1b[1"qbc\x1b[0"qd\x1b[?2K\x1b[1"q',
    'colours that were set': '\x1b]4;1;#ff0000\x07\x1b]11;rgb:10/20/30\x07',
    'palette colours 0 to 15 by number': '\x1b[38;5;1mone\x1b[31mtwo',
    'a combining character to come': 'e',
    'a column that waits to wrap': 'x'.repeat(10) + '\x1b[32m',
    'control characters within a sequence': 'a\x1b[3\n1',
  })
) {
  test(`a repaint carries over: ${what}`, async () => {
    for (const rest of ['', AFTER, '\u0301', 'm', '\x1b[?2Jx']) {
      const whole = Buffer.from(output + rest);
      assert.is((await checkRepaints(1, [Buffer.byteLength(output)], whole, [10, 4]))?.what, undefined);
    }
  });
}

test('a sequence that began long ago is completed, and what comes before the output that is kept never shows as text', async () => {
  const [entry, late] = [screen(), screen()];
  await write(entry, 'shown\x1b]52;c;');
  for (let i = 0; i < 50; i++) await write(entry, 'A'.repeat(100_000));
  const { offset, bytes } = await entry.repaint();
  assert.is(offset, 12 + 5_000_000);
  assert.ok(bytes.length <= MAX_REPAINT);
  await write(late, bytes);
  await write(late, 'BBB\x07 after');
  assert.is(late.emulator.buffer.active.getLine(0)!.translateToString(true), 'shown after');
  entry.dispose();
  late.dispose();
});

test('output on which the emulator itself fails ends nothing', async () => {
  for (const erase of ['\x1b[1J', '\x1b[?1J']) {
    const entry = screen();
    await write(entry, `text\x1b[8;40H\x1b[41m${erase}`);
    await write(entry, 'z');
    const line = entry.emulator.buffer.active.getLine(0)!;
    assert.is(line.translateToString(true), '');
    assert.is(line.getCell(0)!.getBgColor(), 1);
    entry.dispose();
  }
});

test('C1 characters of UTF-8 text swallow nothing, wherever the output is cut', async () => {
  const text = Buffer.from('a\u009dtitle \u0090b \u009b31mc \u0098d é\u00a0');
  for (let cut = 0; cut <= text.length; cut++) {
    const [entry, filter] = [screen(), new C1Filter()];
    for (const part of [text.subarray(0, cut), text.subarray(cut)]) {
      await write(entry, filter.filter(Buffer.from(part)));
    }
    assert.is(
      entry.emulator.buffer.active.getLine(0)!.translateToString(true),
      'atitle b 31mc d é\u00a0',
      `cut at ${cut}`,
    );
    entry.dispose();
  }
});

test('programs are answered once, by the screen', async () => {
  const replies: string[] = [];
  const entry = screen(40, 8, replies);
  await write(entry, 'abc\x1b[6n\x1b[c');
  assert.equal(replies, ['\x1b[1;4R', '\x1b[?1;2c']);
  entry.dispose();
});

test('a repaint is bounded, with fewer lines of the scrollback', async () => {
  const entry = screen(400, 50);
  const line = Array.from({ length: 400 }, (_, i) => `\x1b[38;5;${i % 256}mx`).join('');
  for (let i = 0; i < 400; i++) await write(entry, `${line}\r\n`);
  const { bytes } = await entry.repaint();
  assert.ok(bytes.length <= MAX_REPAINT);
  assert.ok(bytes.length > MAX_REPAINT / 8);
  entry.dispose();
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
