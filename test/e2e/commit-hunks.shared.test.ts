/** Hunks that were chosen are committed, and nothing else: in a worktree and in a folder, with real git. */
import { existsSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FileDiff } from '../../core/api/messages.ts';
import { commitAll, runGit, temporaryDirectory, writeFiles } from '../support/harness/git.ts';
import { type WalkFixture, withAgent } from '../support/harness/git-walk.ts';

const LINES = Array.from({ length: 60 }, (_, i) => `line ${i + 1}`);
const changed = (eol: string, end: string, ...at: number[]) =>
  LINES.map((line, i) => at.includes(i + 1) ? `${line} changed` : line).join(eol) + end;
const plain = (...at: number[]) => changed('\n', '\n', ...at);

async function hunksOf({ ask }: WalkFixture, path: string): Promise<string[]> {
  const { status, body, text } = await ask('GET', `/changes/file?from=commit&path=${encodeURIComponent(path)}`);
  assert.is(status, 200, text);
  return (body as FileDiff).hunks.map(({ id }) => id ?? '');
}
const commit = ({ ask }: WalkFixture, body: object) => ask('POST', '/changes/commit', { message: 'chosen', ...body });
const pick = (path: string, ...ids: string[]) => ({ hunks: [{ path, ids }] });
const committed = ({ tree }: WalkFixture, path: string) => runGit(tree, 'show', `HEAD:${path}`);
const status = ({ tree }: WalkFixture) => runGit(tree, 'status', '--porcelain');
const trimmed = (text: string) => text.replace(/\n$/, '');

/** An agent whose base has these files. */
const withBase = (
  files: Record<string, string>,
  run: (fixture: WalkFixture) => Promise<void>,
  worktree = true,
) =>
  withAgent({
    worktree,
    prepare: ({ repo }) => {
      writeFiles(repo, files);
      commitAll(repo, 'base');
    },
  }, run);

for (const worktree of [true, false]) {
  for (
    const [kind, eol, end] of [['LF', '\n', '\n'], ['CRLF', '\r\n', '\r\n'], ['no last line break', '\n', '']] as const
  ) {
    test(`the chosen hunks and no other, ${kind}, in a ${worktree ? 'worktree' : 'folder'}`, () =>
      withBase({ 'long.txt': changed(eol, end) }, async (fixture) => {
        const text = changed(eol, end, 5, 30, 60);
        writeFileSync(join(fixture.tree, 'long.txt'), text);
        const before = runGit(fixture.tree, 'rev-parse', 'HEAD');
        const ids = await hunksOf(fixture, 'long.txt');
        assert.is(new Set(ids).size, 3);
        const { status: code, body } = await commit(fixture, pick('long.txt', ids[0]!, ids[2]!));
        assert.is(code, 200);
        assert.is(body.commit, runGit(fixture.tree, 'rev-parse', 'HEAD'));
        assert.is(runGit(fixture.tree, 'rev-parse', 'HEAD^'), before);
        assert.is(committed(fixture, 'long.txt'), trimmed(changed(eol, end, 5, 60)));
        assert.is(readFileSync(join(fixture.tree, 'long.txt'), 'utf8'), text, 'the folder stays as it is');
        assert.is(status(fixture), ' M long.txt', 'the rest is neither committed nor staged');
        assert.is(body.changes.files.find(({ path }: { path: string }) => path === 'long.txt').committed, false);
        assert.match(runGit(fixture.tree, 'log', '-g', '-1', '--format=%gs'), /^commit: chosen$/);
        const [rest] = await hunksOf(fixture, 'long.txt');
        assert.is((await commit(fixture, pick('long.txt', rest!))).status, 200);
        assert.equal([committed(fixture, 'long.txt'), status(fixture)], [trimmed(text), '']);
      }, worktree));
  }
}

test('with files as a whole: new, gone, binary, of bytes that are no UTF-8; others stay', () =>
  withBase({ 'long.txt': plain(), 'gone.txt': 'x\n', 'data.bin': 'a\0b', 'stays.txt': 'x\n' }, async (fixture) => {
    const { tree } = fixture;
    writeFiles(tree, { 'long.txt': plain(7, 40), 'data.bin': 'a\0c', 'new.txt': 'new\n', 'stays.txt': 'y\n' });
    unlinkSync(join(tree, 'gone.txt'));
    const raw = Buffer.concat([Buffer.from(`${tree}/caf`), Buffer.of(0xe9)]);
    writeFileSync(raw, 'raw\n');
    const [, second] = await hunksOf(fixture, 'long.txt');
    const paths = ['new.txt', 'gone.txt', 'data.bin', 'caf\\xe9'];
    const { body } = await commit(fixture, { paths, ...pick('long.txt', second!), message: ' two\n\n\nparts \n' });
    assert.ok(body.commit);
    assert.is(runGit(tree, 'show', '-s', '--format=%B', 'HEAD').trimEnd(), ' two\n\nparts');
    assert.is(committed(fixture, 'long.txt'), trimmed(plain(40)));
    const names = runGit(tree, 'diff', '--name-status', 'HEAD^', 'HEAD').split('\n').sort();
    assert.equal(names, ['A\t"caf\\351"', 'A\tnew.txt', 'D\tgone.txt', 'M\tdata.bin', 'M\tlong.txt']);
    assert.equal(status(fixture).split('\n').sort(), [' M long.txt', ' M stays.txt']);
  }));

test('names that mean something to git, and from right to left; a file that is emptied', () => {
  const names = ['a b.txt', '-x', '"q".txt', 'n\nl', ':(top)z', 'dev/null', 'שלום.txt', '\u202egnp.txt'];
  return withBase(Object.fromEntries(names.map((name) => [name, plain()])), async (fixture) => {
    for (const name of names) writeFileSync(join(fixture.tree, name), plain(7, 40));
    const chosen = [];
    for (const path of names) chosen.push({ path, ids: [(await hunksOf(fixture, path))[1]!] });
    const { body, text } = await commit(fixture, { hunks: chosen });
    assert.ok(body.commit, text);
    for (const name of names) assert.is(committed(fixture, name), trimmed(plain(40)), name);
    writeFileSync(join(fixture.tree, '-x'), '');
    const [all] = await hunksOf(fixture, '-x');
    assert.is((await commit(fixture, pick('-x', all!))).status, 200);
    assert.is(runGit(fixture.tree, 'cat-file', '-s', 'HEAD:-x'), '0');
  });
});

test('what changed since it was shown is refused, and nothing is committed or staged', () =>
  withBase({ 'long.txt': plain(), 'other.txt': plain() }, async (fixture) => {
    const { tree } = fixture;
    const before = runGit(tree, 'rev-parse', 'HEAD');
    const file = join(tree, 'long.txt');
    writeFiles(tree, { 'long.txt': plain(20), 'other.txt': plain(3) });
    const [id] = await hunksOf(fixture, 'long.txt');
    const [other] = await hunksOf(fixture, 'other.txt');
    for (const next of [plain(20, 21), `new first line\n${plain(20)}`, plain()]) {
      writeFileSync(file, next);
      const hunks = [{ path: 'other.txt', ids: [other!] }, { path: 'long.txt', ids: [id!] }];
      const { status: code, body } = await commit(fixture, { hunks });
      assert.equal([code, body.code], [409, 'changed']);
      assert.match(body.error, 'long.txt');
      assert.equal([runGit(tree, 'rev-parse', 'HEAD'), runGit(tree, 'diff', '--cached', '--name-only')], [before, '']);
      assert.is(readFileSync(file, 'utf8'), next);
    }
    writeFileSync(file, plain(20));
    commitAll(tree, 'the agent was faster');
    assert.is((await commit(fixture, pick('long.txt', id!))).body.code, 'changed');
  }));

/** Calls `run` while every git that moves HEAD finds that somebody has just committed in `tree`. */
async function withFasterCommits(tree: string, run: () => Promise<void>): Promise<void> {
  const { path, remove } = temporaryDirectory();
  const before = process.env.PATH ?? '';
  const git = before.split(':').map((directory) => join(directory, 'git')).find((file) => existsSync(file))!;
  const commit = `env -i PATH="$PATH" HOME=/nonexistent ${git} -C '${tree}' -c user.name=T -c user.email=t@example.org`;
  const script = `case " $* " in *" update-ref -m "*) ${commit} commit -q --only -m faster other.txt;; esac`;
  writeFileSync(join(path, 'git'), `#!/bin/sh\n${script}\nexec ${git} "$@"\n`, { mode: 0o755 });
  process.env.PATH = `${path}:${before}`;
  try {
    await run();
  } finally {
    process.env.PATH = before;
    remove();
  }
}

test('an agent that commits at the same moment is first, and nothing is left staged', () =>
  withBase({ 'long.txt': plain(), 'other.txt': plain() }, async (fixture) => {
    const { tree } = fixture;
    writeFiles(tree, { 'long.txt': plain(3, 50), 'other.txt': plain(9, 30) });
    const [id] = await hunksOf(fixture, 'long.txt');
    const [other] = await hunksOf(fixture, 'other.txt');
    await withFasterCommits(tree, async () => {
      const hunks = [{ path: 'long.txt', ids: [id!] }, { path: 'other.txt', ids: [other!] }];
      assert.equal((await commit(fixture, { hunks })).body.code, 'changed');
    });
    assert.is(runGit(tree, 'show', '-s', '--format=%s', 'HEAD'), 'faster');
    assert.equal([committed(fixture, 'other.txt'), status(fixture)], [trimmed(plain(9, 30)), ' M long.txt']);
  }));

test('what cannot be chosen by hunks has no ids and is refused by them: new, gone, a link, too long to be seen', () =>
  withBase({ 'long.txt': plain(), 'wide.txt': plain(), 'gone.txt': plain(), 'link.txt': 'x\n' }, async (fixture) => {
    const { tree } = fixture;
    const [seen] = (writeFileSync(join(tree, 'wide.txt'), plain(4)), await hunksOf(fixture, 'wide.txt'));
    writeFiles(tree, { 'new.txt': 'new\n', 'wide.txt': `${'x'.repeat(3000)}\n${plain()}` });
    unlinkSync(join(tree, 'gone.txt'));
    unlinkSync(join(tree, 'link.txt'));
    runGit(tree, 'config', 'core.symlinks', 'true');
    symlinkSync('long.txt', join(tree, 'link.txt'));
    for (const path of ['new.txt', 'gone.txt', 'wide.txt', 'link.txt']) {
      assert.equal([...new Set(await hunksOf(fixture, path))], [''], path);
      assert.is((await commit(fixture, pick(path, seen!))).body.code, 'changed', path);
    }
    assert.is((await fixture.ask('GET', '/changes/file?from=commit&path=long.txt')).body.code, 'no_change');
  }));

test('nothing of the repository’s settings runs; a merge that is under way is left to be committed whole', () =>
  withBase({ 'long.txt': plain() }, async (fixture) => {
    const { tree, repo, directory } = fixture;
    const canary = join(directory, 'ran');
    writeFileSync(join(tree, 'long.txt'), plain(3, 50));
    const [id] = await hunksOf(fixture, 'long.txt');
    for (const key of ['filter.x.clean', 'filter.x.smudge', 'core.fsmonitor', 'gpg.program', 'diff.external']) {
      runGit(repo, 'config', key, `touch ${canary}; cat`);
    }
    runGit(repo, 'config', 'commit.gpgsign', 'true');
    for (const name of ['pre-commit', 'post-commit', 'reference-transaction', 'post-index-change']) {
      writeFileSync(join(repo, '.git/hooks', name), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
    }
    writeFiles(tree, { '.gitattributes': '*.txt filter=x\n' });
    assert.is((await commit(fixture, pick('long.txt', id!))).body.code, 'filter_ignored');
    unlinkSync(join(tree, '.gitattributes'));
    assert.is((await commit(fixture, pick('long.txt', id!))).status, 200);
    assert.is(existsSync(canary), false);
    for (const name of ['pre-commit', 'post-commit', 'reference-transaction', 'post-index-change']) {
      unlinkSync(join(repo, '.git/hooks', name));
    }
    for (const key of ['filter.x.clean', 'filter.x.smudge', 'core.fsmonitor', 'diff.external', 'commit.gpgsign']) {
      runGit(repo, 'config', '--unset', key);
    }
    runGit(tree, 'stash');
    runGit(tree, 'merge', '--no-commit', '--no-ff', '-X', 'ours', 'main');
    writeFileSync(join(tree, 'long.txt'), plain(3, 50));
    const [next] = await hunksOf(fixture, 'long.txt');
    assert.is((await commit(fixture, pick('long.txt', next!))).body.code, 'worktree_busy');
  }));

test('a choice that is not clear is refused by its name', () =>
  withBase({ 'long.txt': plain() }, async (fixture) => {
    writeFileSync(join(fixture.tree, 'long.txt'), plain(3));
    const [id] = await hunksOf(fixture, 'long.txt');
    for (
      const body of [
        { paths: ['long.txt'], ...pick('long.txt', id!) },
        { hunks: [...pick('long.txt', id!).hunks, ...pick('long.txt', id!).hunks] },
        { hunks: [{ path: 'long.txt' }] },
        { hunks: [{ path: 'long.txt', ids: [1] }] },
      ]
    ) {
      const { status: code, body: answer } = await commit(fixture, body);
      assert.equal([code, answer.code], [400, 'bad_request']);
      assert.match(answer.error, /hunks|ids/);
    }
    assert.is((await commit(fixture, pick('long.txt'))).body.code, 'changed');
    assert.is((await fixture.ask('GET', '/changes/file?from=there&path=long.txt')).body.code, 'bad_request');
  }));

test.run();
