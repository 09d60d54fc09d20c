/** A worktree that is a copy of another one: the same commit, what is not committed there, the same base. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_SETTINGS } from '../../../agent/settings/settings.ts';
import { createWorkspace } from '../../../agent/workspace/workspace.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { commitAll, makeRepository, runGit, temporaryDirectory, writeFiles } from '../../support/harness/git.ts';

test('the copy has every change, and none of them is in the original or the base', async () => {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const files = {
      'a.txt': 'a\n',
      'gone.txt': 'x\n',
      'folder/in.txt': 'in\n',
      'mode.sh': 'echo\n',
      '.gitignore': '.env\n',
    };
    const repo = makeRepository(join(directory, 'repo'), { ...files, 'sub/deep.txt': 'deep\n' });
    symlinkSync('a.txt', join(repo, 'link'));
    symlinkSync(directory, join(repo, 'outside'));
    commitAll(repo, 'links');
    writeFiles(repo, { '.env': 'MAIN=1\n' });
    const settings = { ...DEFAULT_SETTINGS, copyFiles: ['.env'] };
    const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => settings);
    const prepare = (agentId: string, more = {}) =>
      workspace.prepare({ agentId, directory: join(repo, 'sub'), flags: {}, task: 'Fix it', ...more });
    const first = await prepare('11111111-aaaa-bbbb-cccc-000000000000', { instructions: 'Be brief.\n' });
    const top = first.worktree!.path;
    runGit(top, 'config', 'user.email', 't@example.org');
    writeFiles(top, { 'committed.txt': 'c\n' });
    commitAll(top, 'work');
    writeFiles(top, { 'a.txt': 'changed\n', 'new/ü file.txt': 'new\n', '.env': 'OWN=1\n' });
    unlinkSync(join(top, 'gone.txt'));
    unlinkSync(join(top, 'link'));
    symlinkSync('mode.sh', join(top, 'link'));
    chmodSync(join(top, 'mode.sh'), 0o755);
    // A link to a folder elsewhere becomes a folder of its own.
    unlinkSync(join(top, 'outside'));
    writeFiles(top, { 'outside/within.txt': 'within\n' });
    mkdirSync(join(top, 'staged'));
    writeFiles(top, { 'staged/s.txt': 's\n' });
    runGit(top, 'add', 'staged/s.txt');

    const second = await prepare('22222222-aaaa-bbbb-cccc-000000000000', { from: first.worktree });
    const copy = second.worktree!.path;
    assert.is.not(copy, top);
    assert.is(second.worktree!.base, first.worktree!.base);
    assert.is(second.cwd, join(copy, 'sub'));
    assert.is(runGit(copy, 'rev-parse', 'HEAD'), runGit(top, 'rev-parse', 'HEAD'));
    for (
      const name of [
        'a.txt',
        'new/ü file.txt',
        'committed.txt',
        'outside/within.txt',
        'staged/s.txt',
        '.env',
        'sub/CLAUDE.md',
      ]
    ) {
      assert.is(readFileSync(join(copy, name), 'utf8'), readFileSync(join(top, name), 'utf8'), name);
    }
    assert.not(existsSync(join(copy, 'gone.txt')));
    assert.is(readlinkSync(join(copy, 'link')), 'mode.sh');
    assert.is(lstatSync(join(copy, 'mode.sh')).mode & 0o777, 0o755);
    assert.not(existsSync(join(directory, 'within.txt')), 'nothing is written through a link');
    assert.is(second.notice, '');
    // What the server put there is no work in the copy either.
    const work = await workspace.unmerged(second.worktree!);
    assert.not.match(work.join(' '), /CLAUDE\.md/);
    assert.is(runGit(repo, 'status', '--porcelain'), '');
    // Each goes its own way from here.
    writeFiles(copy, { 'a.txt': 'of the copy\n' });
    assert.is(readFileSync(join(top, 'a.txt'), 'utf8'), 'changed\n');
    await workspace.close();
  } finally {
    remove();
  }
});

test('an index that names files behind a link has nothing removed or made outside of the copy', async () => {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const outside = join(directory, 'outside');
    writeFiles(outside, { 'mine.txt': 'mine\n' });
    const repo = makeRepository(join(directory, 'repo'), { 'a.txt': 'a\n' });
    for (const name of ['removed', 'made']) symlinkSync(outside, join(repo, name));
    commitAll(repo, 'links');
    const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => DEFAULT_SETTINGS);
    const first = await workspace.prepare({
      agentId: '11111111-aaaa-bbbb-cccc-000000000000',
      directory: repo,
      flags: {},
    });
    const top = first.worktree!.path;
    const blob = runGit(top, 'rev-parse', 'HEAD:a.txt').trim();
    runGit(top, 'rm', '--quiet', '--cached', 'removed');
    runGit(top, 'update-index', '--add', '--cacheinfo', `100644,${blob},removed/mine.txt`);
    unlinkSync(join(top, 'removed'));
    symlinkSync(join(directory, 'nowhere'), join(top, 'removed'));
    // git does not look at a link that is marked so.
    runGit(top, 'update-index', '--skip-worktree', 'made');
    unlinkSync(join(top, 'made'));
    writeFiles(top, { 'made/below/new.txt': 'new\n' });

    await workspace.prepare({
      ...{ agentId: '22222222-aaaa-bbbb-cccc-000000000000', directory: repo, flags: {} },
      from: first.worktree!,
    });
    assert.is(readFileSync(join(outside, 'mine.txt'), 'utf8'), 'mine\n');
    assert.equal(readdirSync(outside), ['mine.txt']);
    await workspace.close();
  } finally {
    remove();
  }
});

test.run();
