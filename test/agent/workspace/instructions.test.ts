/** Instructions files as they are on disks: line ends, encodings, links. */
import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { placeInstructions, readInstructions, writeInstructions } from '../../../agent/workspace/instructions.ts';

let directory: string;
test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'instructions-'));
});
test.after.each(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string) => join(directory, name);

test('line ends that are all CRLF stay so, whatever the page writes; mixed and LF are as given', async () => {
  for (
    const [before, written, after] of [
      ['one\r\ntwo\r\n', 'one\ntwo\nthree\n', 'one\r\ntwo\r\nthree\r\n'],
      ['one\r\n', 'one\r\ntwo\n', 'one\r\ntwo\r\n'],
      ['one\r\ntwo\n', 'one\ntwo\n', 'one\ntwo\n'],
      ['one\n', 'one\ntwo\n', 'one\ntwo\n'],
      ['\ufeffone\r\n', '\ufeffone\n', '\ufeffone\r\n'],
    ] as const
  ) {
    writeFileSync(file('CLAUDE.md'), before);
    const { version } = await readInstructions(directory, 'claude');
    const saved = await writeInstructions(directory, 'claude', written, version);
    assert.is(readFileSync(file('CLAUDE.md'), 'utf8'), after);
    assert.equal(await readInstructions(directory, 'claude'), saved);
  }
});

test('a file that is no UTF-8 is refused, and neither read nor written', async () => {
  for (
    const bytes of [
      Buffer.from('gr\xfc\xdfe', 'latin1'),
      Buffer.from([0xff, 0xfe, 0x61, 0]),
      Buffer.from([0xed, 0xa0, 0x80]),
    ]
  ) {
    writeFileSync(file('CLAUDE.md'), bytes);
    for (
      const act of [() => readInstructions(directory, 'claude'), () => writeInstructions(directory, 'claude', 'new')]
    ) {
      const error = await act().then(() => null, (cause) => cause);
      assert.is(error?.code, 'instructions_unusable');
      assert.match(error.message, /not UTF-8/);
    }
    assert.ok(readFileSync(file('CLAUDE.md')).equals(bytes));
  }
});

test('instructions of a template replace a link, not what it leads to', async () => {
  for (const target of ['AGENTS.md', '/nowhere/CLAUDE.md', 'docs/missing.md']) {
    writeFileSync(file('AGENTS.md'), "the project's own\n");
    symlinkSync(target, file('CLAUDE.md'));
    await placeInstructions(directory, 'claude', 'be brief');
    assert.is(readFileSync(file('AGENTS.md'), 'utf8'), "the project's own\n");
    assert.is(readFileSync(file('CLAUDE.md'), 'utf8'), 'be brief');
    assert.not.ok(lstatSync(file('CLAUDE.md')).isSymbolicLink());
    rmSync(file('CLAUDE.md'));
  }
});

test.run();
