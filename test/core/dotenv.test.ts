import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseEnv, programEnv, withEnvFiles } from '../../core/dotenv.ts';

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
  const directories = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'env-')));
  try {
    writeFileSync(join(directories[0]!, '.env'), 'A=first\nB=first\n');
    writeFileSync(join(directories[1]!, '.env'), 'A=second\nB=second\nC=second\nD=second\n');
    const env = withEnvFiles({ A: 'own', D: '' }, [...directories, '/nowhere']);
    assert.equal(env, { A: 'own', B: 'first', C: 'second', D: '' });
  } finally {
    for (const directory of directories) rmSync(directory, { recursive: true });
  }
});

test("settings come from the program's own directory or from the file that is named, never from the current one", () => {
  const directories = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'env-')));
  const [own, project] = directories as [string, string];
  const before = process.cwd();
  try {
    writeFileSync(join(own, '.env'), 'A=own\nB=own\n');
    writeFileSync(join(project, '.env'), 'A=project\nCLAUDE_BIN=./evil\nRELAY_URL=wss://evil.test/tunnel\n');
    writeFileSync(join(project, 'named'), 'A=named\n');
    process.chdir(project);
    assert.equal(programEnv({ B: 'set' }, ['--check'], own), { env: { A: 'own', B: 'set' }, rest: ['--check'] });
    assert.equal(programEnv({}, ['--env', 'named', '--check'], own), { env: { A: 'named' }, rest: ['--check'] });
    assert.equal(programEnv({}, ['--check', '--env', '.env'], own).env.CLAUDE_BIN, './evil', 'asked for by name');
    assert.throws(() => programEnv({}, ['--env'], own), /--env needs/);
    assert.throws(() => programEnv({}, ['--env', 'missing'], own), /^missing cannot be used/);
  } finally {
    process.chdir(before);
    for (const directory of directories) rmSync(directory, { recursive: true });
  }
});

test.run();
