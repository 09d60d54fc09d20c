/** One hunk undone: exactly it, in files of every kind, and refused when it is not there any more. */
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FileDiff } from '../../core/api/messages.ts';
import { commitAll, runGit, writeFiles } from '../support/harness/git.ts';
import { type WalkFixture, withAgent } from '../support/harness/git-walk.ts';

const LINES = Array.from({ length: 60 }, (_, i) => `line ${i + 1}`);
const changed = (eol: string, end: string, ...at: number[]) =>
  LINES.map((line, i) => at.includes(i + 1) ? `${line} changed` : line).join(eol) + end;

async function diffOf({ ask }: WalkFixture, path: string): Promise<FileDiff> {
  const { status, body, text } = await ask('GET', `/changes/file?path=${encodeURIComponent(path)}`);
  assert.is(status, 200, text);
  return body;
}
const undo = ({ ask }: WalkFixture, path: string, hunk: string) => ask('POST', '/changes/undo', { path, hunk });

/** An agent whose base has these files. */
const withBase = (files: Record<string, string>, run: (fixture: WalkFixture) => Promise<void>) =>
  withAgent({
    prepare: ({ repo }) => {
      writeFiles(repo, files);
      commitAll(repo, 'base');
    },
  }, run);

for (
  const [kind, eol, end] of [['LF', '\n', '\n'], ['CRLF', '\r\n', '\r\n'], ['no last line break', '\n', '']] as const
) {
  test(`the hunk and nothing else, in a file with ${kind}: not committed, committed, the first, the last`, () =>
    withBase({ 'long.txt': changed(eol, end) }, async (fixture) => {
      const { tree } = fixture;
      const file = join(tree, 'long.txt');
      const text = () => readFileSync(file, 'utf8');
      writeFileSync(file, changed(eol, end, 5, 30));
      commitAll(tree, 'committed');
      chmodSync(file, 0o755);
      writeFileSync(file, changed(eol, end, 5, 30, 60));
      const { hunks } = await diffOf(fixture, 'long.txt');
      assert.is(new Set(hunks.map(({ id }) => id)).size, 3);
      assert.is((await undo(fixture, 'long.txt', hunks[2]!.id!)).status, 200);
      assert.is(text(), changed(eol, end, 5, 30));
      const { body } = await undo(fixture, 'long.txt', hunks[0]!.id!);
      assert.is(text(), changed(eol, end, 30));
      assert.is(statSync(file).mode & 0o777, 0o755, 'its mode is another change');
      assert.equal(body.changes.files.find(({ path }: { path: string }) => path === 'long.txt').committed, false);
      for (const gone of [hunks[0]!.id!, hunks[2]!.id!, 'x'.repeat(32)]) {
        assert.equal([(await undo(fixture, 'long.txt', gone)).body.code, text()], ['changed', changed(eol, end, 30)]);
      }
    }));
}

test('a hunk whose lines or place changed since it was shown is refused, and the file stays', () =>
  withBase({ 'long.txt': changed('\n', '\n') }, async (fixture) => {
    const file = join(fixture.tree, 'long.txt');
    writeFileSync(file, changed('\n', '\n', 20));
    const { hunks: [hunk] } = await diffOf(fixture, 'long.txt');
    for (const next of [changed('\n', '\n', 20, 21), `new first line\n${changed('\n', '\n', 20)}`]) {
      writeFileSync(file, next);
      const { status, body } = await undo(fixture, 'long.txt', hunk!.id!);
      assert.equal([status, body.code, readFileSync(file, 'utf8')], [409, 'changed', next]);
    }
  }));

test('names that mean something to git, bytes that are no UTF-8, lines that are longer than what is shown', () => {
  const names = ['a b.txt', '-x', '"q".txt', 'n\nl', ':(top)z', 'dev/null'];
  return withBase(Object.fromEntries(names.map((name) => [name, changed('\n', '\n')])), async (fixture) => {
    for (const name of names) {
      writeFileSync(join(fixture.tree, name), changed('\n', '\n', 7, 40));
      const { hunks } = await diffOf(fixture, name);
      assert.is((await undo(fixture, name, hunks[1]!.id!)).status, 200, name);
      assert.is(readFileSync(join(fixture.tree, name), 'utf8'), changed('\n', '\n', 7), name);
    }
    const bytes = Buffer.concat([Buffer.from(changed('\n', '\n', 7, 40)), Buffer.of(0xe9, 0x0a)]);
    writeFileSync(join(fixture.tree, names[0]!), bytes);
    const { hunks } = await diffOf(fixture, names[0]!);
    assert.is((await undo(fixture, names[0]!, hunks[0]!.id!)).status, 200);
    const rest = Buffer.concat([Buffer.from(changed('\n', '\n', 40)), Buffer.of(0xe9, 0x0a)]);
    assert.ok(readFileSync(join(fixture.tree, names[0]!)).equals(rest));
    writeFileSync(join(fixture.tree, names[0]!), `${'x'.repeat(3000)}\n${changed('\n', '\n')}`);
    assert.equal((await diffOf(fixture, names[0]!)).hunks.map(({ id }) => id), [undefined], 'it cannot be seen whole');
  });
});

test('a new file, a file that is gone, a file that became a link, a filter of the repository: by other ways, or refused', () =>
  withBase({ 'long.txt': changed('\n', '\n') }, async (fixture) => {
    const { tree, directory, repo } = fixture;
    writeFiles(tree, { 'new.txt': 'new\n' });
    assert.is((await diffOf(fixture, 'new.txt')).hunks[0]!.id, undefined);
    const file = join(tree, 'long.txt');
    writeFileSync(file, changed('\n', '\n', 20));
    const { hunks: [hunk] } = await diffOf(fixture, 'long.txt');
    const outside = join(directory, 'outside.txt');
    writeFileSync(outside, changed('\n', '\n', 20));
    unlinkSync(file);
    symlinkSync(outside, file);
    assert.ok((await undo(fixture, 'long.txt', hunk!.id!)).status >= 400);
    assert.is(readFileSync(outside, 'utf8'), changed('\n', '\n', 20));
    unlinkSync(file);
    assert.ok((await undo(fixture, 'long.txt', hunk!.id!)).status >= 400);
    writeFileSync(file, changed('\n', '\n', 20));
    const canary = join(directory, 'ran');
    runGit(repo, 'config', 'filter.x.clean', `touch ${canary}; cat`);
    runGit(repo, 'config', 'filter.x.smudge', `touch ${canary}; cat`);
    writeFiles(tree, { '.gitattributes': '*.txt filter=x\n' });
    const refused = await undo(fixture, 'long.txt', (await diffOf(fixture, 'long.txt')).hunks[0]!.id!);
    assert.equal([refused.body.code, existsSync(canary)], ['filter_ignored', false]);
  }));

test('an agent in the folder itself has none: its changes may be the user’s', () =>
  withAgent({ worktree: false }, async (fixture) => {
    writeFiles(fixture.tree, { 'a.txt': 'changed\n' });
    const { hunks } = await diffOf(fixture, 'a.txt');
    assert.is(hunks[0]!.id, undefined);
    assert.is((await undo(fixture, 'a.txt', 'x')).body.code, 'no_worktree');
  }));

test.run();
