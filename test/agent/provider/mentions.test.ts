/** Mentions of files in a text: only what is there and below the folder, as an agent of the protocol gets it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { promptOf } from '../../../agent/provider/acp/prompt.ts';
import { mentionsIn } from '../../../agent/provider/mentions.ts';

const directory = mkdtempSync(join(tmpdir(), 'mentions-'));
mkdirSync(join(directory, 'src'));
for (const name of ['src/a.ts', 'my notes.md', 'b.ts']) writeFileSync(join(directory, name), '');
symlinkSync('loop', join(directory, 'loop'));
test.after(() => rmSync(directory, { recursive: true, force: true }));

const names = (text: string) => mentionsIn(text, directory).map(({ name }) => name);

test('files and folders that are there, each once, also behind a bracket, in quotes and before a full stop', () => {
  assert.equal(names('Look at @src/a.ts and (@b.ts), then @"my notes.md". Again @b.ts.'), [
    'src/a.ts',
    'b.ts',
    'my notes.md',
  ]);
  assert.equal(names('@src'), ['src']);
});

test('what is not there, lies elsewhere, or is no mention', () => {
  for (
    const text of [
      '@c.ts',
      '@../x',
      '@/etc/passwd',
      'me@b.ts',
      '@',
      '@loop',
      '@b.ts/x',
      '@.',
      `@${'x'.repeat(400)}`,
      '@b\0.ts',
    ]
  ) {
    assert.equal(names(text), [], text);
  }
});

test('an agent of the protocol gets the text and a link for each', () => {
  const { prompt } = promptOf(
    { id: 'i', text: 'See @"my notes.md"', images: [] },
    true,
    'Fake',
    mentionsIn('@"my notes.md"', directory),
  );
  assert.equal(prompt, [
    { type: 'text', text: 'See @"my notes.md"' },
    { type: 'resource_link', name: 'my notes.md', uri: `file://${directory}/my%20notes.md` },
  ]);
});

test.run();
