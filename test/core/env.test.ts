import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv, withEnvFiles } from '../../core/env.ts';

const LINES: [string, string, string | undefined][] = [
  ['a plain value', 'A=b', 'b'],
  ['spaces around', '  A = b c  ', 'b c'],
  ['export', 'export A=b', 'b'],
  ['nothing', 'A=', ''],
  ['a comment behind', 'A=b # c', 'b'],
  ['a # within', 'A=b#c', 'b#c'],
  ['only a comment', '# A=b', undefined],
  ['double quotes', 'A="b # c"', 'b # c'],
  ['escapes in double quotes', 'A="a\\"b\\\\c\\nd"', 'a"b\\c\nd'],
  ['single quotes keep everything', "A='a\\n\"$B'", 'a\\n"$B'],
  ['an = within', 'A=b=c==', 'b=c=='],
  ['a dollar stays', 'A=$HOME', '$HOME'],
  ['Windows line ends', 'A=b\r\n', 'b'],
  ['empty quotes', 'A=""', ''],
];
for (const [name, text, value] of LINES) test(name, () => assert.is(parseEnv(text).A, value));

test('what is no setting stops with its line', () => {
  assert.throws(() => parseEnv('A=b\nnonsense'), /line 2/);
  assert.throws(() => parseEnv('A="b'), /line 1/);
});

test('the environment wins, also where it is empty; earlier folders win over later ones', () => {
  const folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'env-')));
  try {
    writeFileSync(join(folders[0]!, '.env'), 'A=first\nB=first\n');
    writeFileSync(join(folders[1]!, '.env'), 'A=second\nB=second\nC=second\nD=second\n');
    const env = withEnvFiles({ A: 'own', D: '' }, [...folders, '/nowhere']);
    assert.equal(env, { A: 'own', B: 'first', C: 'second', D: '' });
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true });
  }
});

test.run();
