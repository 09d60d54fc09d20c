import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_STATUS } from '../../core/api/errors.ts';
import type { AgentInfo, WorktreeInfo } from '../../core/api/agents.ts';
import { DEFAULT_SETTINGS } from '../../agent/settings/settings.ts';
import { createWorkspace, type Workspace } from '../../agent/workspace/workspace.ts';
import { commitAll, makeRepository, runGit, temporaryDirectory, writeFiles } from '../support/harness/git.ts';
import { testContext } from '../support/fakes/test-context.ts';
import { refusal } from '../support/harness/refusal.ts';

interface Fixture {
  repo: string;
  tree: string;
  worktree: WorktreeInfo;
  agent: AgentInfo;
  workspace: Workspace;
}

async function withWorktree(run: (fixture: Fixture) => Promise<void>, files?: Record<string, string>): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const repo = makeRepository(join(directory, 'repo'), files);
    const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => DEFAULT_SETTINGS);
    const { worktree } = await workspace.prepare({ agentId: 'abcdefgh', directory: repo, flags: {} });
    const agent = { id: 'abcdefgh', provider: 'claude', directory: repo, worktree } as AgentInfo;
    await run({ repo, tree: worktree!.path, worktree: worktree!, agent, workspace });
  } finally {
    remove();
  }
}

test('committed, uncommitted, new and removed files are listed with their lines', () =>
  withWorktree(async ({ tree, agent, workspace }) => {
    writeFiles(tree, { 'b.txt': '1\n2\n' });
    rmSync(join(tree, 'gone.txt'));
    commitAll(tree, 'work');
    writeFiles(tree, { 'a.txt': 'one\ntwo\n', 'new.bin': 'x' });
    const { files, ahead, behind, base, branch } = await workspace.changes(agent);
    assert.equal([ahead, behind, base, branch], [1, 0, 'main', 'agent-abcdefgh']);
    assert.equal(
      files.map(({ path, kind, added, removed, committed }) => [path, kind, added, removed, committed]),
      [
        ['a.txt', 'update', 1, 0, false],
        ['b.txt', 'add', 2, 0, true],
        ['gone.txt', 'delete', 0, 1, true],
        ['new.bin', 'add', 0, 0, false],
      ],
    );
  }, { 'a.txt': 'one\n', 'gone.txt': 'x\n' }));

test("one file's diff: changed, new, removed, and named like an option, with spaces, newlines and stars", () =>
  withWorktree(async ({ tree, agent, workspace }) => {
    const odd = ['--output=x', '-', 'a b', 'n\nl', '*', ':(top)z', 'é', '"q"'];
    writeFiles(tree, Object.fromEntries(odd.map((name) => [name, `${name}!\n`])));
    for (const name of odd.slice(0, 4)) runGit(tree, '--literal-pathspecs', 'add', '--', name); // tracked and not
    writeFiles(tree, { 'a.txt': 'ONE\n' });
    for (const name of odd) {
      const diff = await workspace.diff(agent, name);
      assert.equal(diff.hunks.map((hunk) => hunk.lines), [`${name}!`.split('\n').map((line) => `+${line}`)], name);
    }
    assert.equal((await workspace.diff(agent, 'a.txt')).hunks[0]!.lines, ['-one', '+ONE']);
    assert.is((await refusal(workspace.diff(agent, '../repo/a.txt'))).code, 'no_change');
    assert.is((await refusal(workspace.diff(agent, '/etc/passwd'))).code, 'no_change');
  }));

test('programs that the repository names for diffs do not run', () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    const canary = join(repo, 'canary');
    runGit(tree, 'config', 'diff.external', `touch ${canary}`);
    runGit(tree, 'config', 'diff.x.textconv', `touch ${canary}; cat`);
    writeFiles(tree, { '.gitattributes': '* diff=x\n', 'a.txt': 'ONE\n' });
    await workspace.changes(agent);
    assert.is((await workspace.diff(agent, 'a.txt')).hunks.length, 1);
    assert.not.ok(existsSync(canary));
  }));

test('a large diff is cut and says so, a binary file has no hunks', () =>
  withWorktree(async ({ tree, agent, workspace }) => {
    writeFiles(tree, { 'big.txt': 'line\n'.repeat(300_000), 'b.bin': '\0\x01' });
    const big = await workspace.diff(agent, 'big.txt');
    assert.ok(big.truncated && big.hunks[0]!.lines.length <= 200_000);
    assert.equal((await workspace.diff(agent, 'b.bin')).hunks, []);
  }));

test('a name that is not UTF-8 is shown escaped, and is committed and discarded with all', () =>
  withWorktree(async ({ tree, agent, workspace }) => {
    const raw = Buffer.concat([Buffer.from(`${tree}/caf`), Buffer.of(0xe9)]);
    writeFileSync(raw, 'x');
    const [file] = (await workspace.changes(agent)).files;
    assert.equal([file!.path, file!.addressable], ['caf\\xe9', false]);
    assert.is(await workspace.discard(agent, null), 1);
    assert.not.ok(existsSync(raw));
    writeFileSync(raw, 'x');
    assert.ok(await workspace.commit(agent, 'x', null));
    assert.is(runGit(tree, 'status', '--porcelain'), '');
  }));

test('a FIFO and a link to a device do not block the list', () =>
  withWorktree(async ({ tree, agent, workspace }) => {
    spawnSync('mkfifo', [join(tree, 'pipe')]);
    symlinkSync('/dev/zero', join(tree, 'zero'));
    const { files } = await workspace.changes(agent);
    assert.ok(files.some((file) => file.path === 'zero'));
    assert.equal((await workspace.diff(agent, 'zero')).hunks[0]!.lines, ['+/dev/zero', '\\ No newline at end of file']);
  }));

test('unmerged work is told apart: uncommitted, new, committed; merged and ignored files are none', () =>
  withWorktree(async ({ repo, tree, worktree, workspace, agent }) => {
    assert.equal(await workspace.unmerged(worktree), []);
    writeFiles(tree, { 'a.txt': 'two\n', 'new.txt': '', 'x.log': '' });
    assert.equal(await workspace.unmerged(worktree), [
      '1 file has changes that are not committed: a.txt',
      '1 new file is not in git: new.txt',
    ]);
    commitAll(tree, 'work');
    assert.equal(await workspace.unmerged(worktree), ['1 commit on agent-abcdefgh is not in main.']);
    await workspace.merge(agent);
    assert.equal(await workspace.unmerged(worktree), []);
    assert.is(readFileSync(join(repo, 'a.txt'), 'utf8'), 'two\n');
  }, { 'a.txt': 'one\n', '.gitignore': '*.log\n' }));

test('commits count as safe on another branch, and when the base has the same content (squash)', () =>
  withWorktree(async ({ repo, tree, worktree, workspace }) => {
    writeFiles(tree, { 'b.txt': 'b\n' });
    commitAll(tree, 'b');
    runGit(tree, 'branch', 'saved');
    assert.equal(await workspace.unmerged(worktree), []);
    runGit(tree, 'branch', '-D', 'saved');
    assert.is((await workspace.unmerged(worktree)).length, 1);
    runGit(repo, 'merge', '--squash', '--quiet', 'agent-abcdefgh');
    runGit(repo, 'commit', '-m', 'squashed');
    assert.equal(await workspace.unmerged(worktree), []);
  }));

test('settings that hide files from git status hide no work', () =>
  withWorktree(async ({ tree, worktree, workspace }) => {
    runGit(tree, 'config', 'status.showUntrackedFiles', 'no');
    writeFiles(tree, { 'new.txt': '' });
    assert.is((await workspace.unmerged(worktree)).length, 1);
  }));

test('a worktree whose folder is gone still has its commits', () =>
  withWorktree(async ({ tree, worktree, workspace }) => {
    writeFiles(tree, { 'b.txt': '' });
    commitAll(tree, 'work');
    rmSync(tree, { recursive: true });
    assert.match((await workspace.unmerged(worktree))[0]!, /1 commit/);
    await workspace.remove(worktree, { discardWork: true });
    assert.equal(await workspace.unmerged(worktree), []);
  }));

test('what cannot be found out counts as work', () =>
  withWorktree(async ({ tree, worktree, workspace }) => {
    writeFileSync(join(tree, '.git'), 'gitdir: /nonexistent\n');
    assert.match((await workspace.unmerged(worktree))[0]!, /could not be found out/);
  }));

test('a commit on a detached HEAD counts', () =>
  withWorktree(async ({ tree, worktree, workspace }) => {
    runGit(tree, 'checkout', '--quiet', '--detach');
    commitAll(tree, 'loose');
    assert.match((await workspace.unmerged(worktree))[0]!, /1 commit/);
  }));

test('remove takes the worktree and its branch and nothing else', () =>
  withWorktree(async ({ repo, tree, worktree, workspace }) => {
    mkdirSync(join(repo, 'keep'));
    symlinkSync(join(repo, 'keep'), join(tree, 'link'));
    writeFiles(repo, { 'keep/x': '' });
    await workspace.remove(worktree, { discardWork: true });
    assert.not.ok(existsSync(tree));
    assert.is(runGit(repo, 'branch', '--list', 'agent-*'), '');
    assert.ok(existsSync(join(repo, 'keep/x')));
    assert.is(
      (await refusal(workspace.remove({ ...worktree, path: repo }, { discardWork: true }))).code,
      'not_a_worktree',
    );
    assert.ok(existsSync(repo));
  }));

test('commit takes the chosen files only, without hooks, also with nobody configured', () =>
  withWorktree(async ({ tree, agent, workspace }) => {
    writeFiles(tree, { 'a.txt': 'two\n', 'b.txt': '', 'c.txt': '' });
    runGit(tree, 'add', 'c.txt');
    runGit(tree, 'config', 'user.useConfigOnly', 'true');
    assert.ok(await workspace.commit(agent, '# -m "quoted"', ['a.txt', 'b.txt']));
    assert.is(runGit(tree, 'log', '-1', '--format=%s'), '# -m "quoted"');
    assert.is(runGit(tree, 'status', '--porcelain'), 'A  c.txt');
    assert.is(await workspace.commit(agent, 'x', ['a.txt']), null);
  }));

test('a message of any length is committed; one with NUL is refused', () =>
  withWorktree(async ({ tree, agent, workspace }) => {
    writeFiles(tree, { 'b.txt': '' });
    assert.is((await refusal(workspace.commit(agent, 'a\0b', null))).code, 'bad_message');
    const message = 'long line '.repeat(25_000).trim();
    assert.ok(await workspace.commit(agent, message, ['b.txt']));
    assert.is(runGit(tree, 'log', '-1', '--format=%B').trim(), message);
  }));

test('what git refuses is a 409 with its sentence: a lock of the agent, a repository inside without a commit', () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    writeFiles(tree, { 'b.txt': '' });
    const lock = join(repo, '.git/worktrees/agent-abcdefgh/index.lock');
    writeFileSync(lock, '');
    for (const action of [() => workspace.commit(agent, 'x', null), () => workspace.discard(agent, null)]) {
      const error = await refusal(action());
      assert.equal([ERROR_STATUS[error.code], error.code], [409, 'git_failed']);
      assert.match(error.message, /index\.lock': File exists/);
    }
    rmSync(lock);
    writeFiles(tree, { 'app/x': '' });
    runGit(join(tree, 'app'), 'init', '--quiet');
    const patch = await refusal(workspace.patch(agent));
    assert.equal([ERROR_STATUS[patch.code], patch.code], [409, 'git_failed']);
    assert.match(patch.message, /app\/' does not have a commit checked out/);
    const commit = await refusal(workspace.commit(agent, 'x', null));
    assert.equal([ERROR_STATUS[commit.code], commit.code], [409, 'nested_repository']);
    assert.ok(await workspace.commit(agent, 'without it', ['b.txt']));
  }));

test('discard brings files back and removes new ones; ignored and other files stay', () =>
  withWorktree(async ({ tree, agent, workspace }) => {
    writeFiles(tree, { 'a.txt': 'two\n', 'b.txt': '', 'x.log': '', 'keep.txt': '' });
    rmSync(join(tree, '.gitignore'));
    runGit(tree, 'add', 'b.txt');
    assert.is(await workspace.discard(agent, ['a.txt', 'b.txt', '.gitignore']), 3);
    assert.is(readFileSync(join(tree, 'a.txt'), 'utf8'), 'one\n');
    assert.equal(['b.txt', 'keep.txt', 'x.log', '.gitignore'].map((name) => existsSync(join(tree, name))), [
      false,
      true,
      true,
      true,
    ]);
    assert.is((await refusal(workspace.discard({ ...agent, worktree: null }, null))).code, 'no_worktree');
  }, { 'a.txt': 'one\n', '.gitignore': '*.log\n' }));

test('merge refuses work that is not committed and a base with changes, and says where', () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    writeFiles(tree, { 'a.txt': 'two\n' });
    assert.is((await refusal(workspace.merge(agent))).code, 'uncommitted');
    commitAll(tree, 'two');
    writeFiles(repo, { 'a.txt': 'mine\n' });
    const error = await refusal(workspace.merge(agent));
    assert.is(error.code, 'base_dirty');
    assert.ok(error.message.includes(repo) && error.message.includes('a.txt'));
    assert.is(readFileSync(join(repo, 'a.txt'), 'utf8'), 'mine\n');
  }));

test('a conflict changes nothing anywhere and names the files', () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    writeFiles(tree, { 'a.txt': 'agent\n' });
    commitAll(tree, 'agent');
    writeFiles(repo, { 'a.txt': 'user\n' });
    commitAll(repo, 'user');
    const before = runGit(repo, 'rev-parse', 'HEAD');
    const error = await refusal(workspace.merge(agent));
    assert.is(error.code, 'merge_conflict');
    assert.match(error.message, /a\.txt/);
    assert.equal([runGit(repo, 'rev-parse', 'HEAD'), runGit(repo, 'status', '--porcelain')], [before, '']);
    assert.not.ok(existsSync(join(repo, '.git/MERGE_HEAD')));
  }));

test('an untracked file in the way of a merge is kept', () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    writeFiles(tree, { 'b.txt': 'agent\n' });
    commitAll(tree, 'b');
    writeFiles(repo, { 'b.txt': 'mine\n' });
    assert.is((await refusal(workspace.merge(agent))).code, 'merge_failed');
    assert.is(readFileSync(join(repo, 'b.txt'), 'utf8'), 'mine\n');
    assert.is(runGit(repo, 'status', '--porcelain'), '?? b.txt');
  }));

test('all untracked files in the way of a merge are named', () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    const files = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`dir/file ${i} ä.txt`, 'agent\n']));
    writeFiles(tree, files);
    commitAll(tree, 'many');
    writeFiles(repo, { ...files, 'other.txt': 'not in the way' });
    const { code, message } = await refusal(workspace.merge(agent));
    assert.is(code, 'merge_failed');
    for (const name of Object.keys(files)) assert.ok(message.includes(name), name);
    assert.not.ok(message.includes('other.txt'));
  }));

test('a repository with commits that the agent made inside is not committed as a pointer', () =>
  withWorktree(async ({ tree, agent, workspace }) => {
    writeFiles(tree, { 'app/main.c': 'int main;', 'b.txt': 'b' });
    runGit(join(tree, 'app'), 'init', '--quiet');
    commitAll(join(tree, 'app'), 'inside');
    const { code, message } = await refusal(workspace.commit(agent, 'all', null));
    assert.is(code, 'nested_repository');
    assert.ok(message.includes('app/'));
    assert.ok(await workspace.commit(agent, 'the rest', ['b.txt']));
  }));

test('a worktree that git cannot write leaves neither branch nor folder, however often it is tried', () =>
  withWorktree(async ({ repo, workspace }) => {
    writeFiles(repo, { '.gitattributes': '*.bin filter=gone\n', 'x.bin': 'x' });
    commitAll(repo, 'filtered');
    for (const filter of ['agent-monitor-no-such-program', 'false']) {
      runGit(repo, 'config', 'filter.gone.smudge', filter);
      runGit(repo, 'config', 'filter.gone.required', 'true');
      const before = runGit(repo, 'branch', '--list') + runGit(repo, 'worktree', 'list');
      const request = { agentId: 'failing0', directory: repo, flags: {}, task: 'Try it' };
      assert.is((await refusal(workspace.prepare(request))).code, 'worktree_failed');
      assert.is(runGit(repo, 'branch', '--list') + runGit(repo, 'worktree', 'list'), before);
      assert.not.ok(existsSync(join(repo, '.agent-worktrees', 'agent-failing0')));
    }
  }));

test('a base that is checked out nowhere is merged without a checkout; both sides are kept', () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    writeFiles(repo, { 'user.txt': 'u' });
    commitAll(repo, 'user');
    runGit(repo, 'checkout', '--quiet', '-b', 'other');
    writeFiles(tree, { 'agent.txt': 'a' });
    commitAll(tree, 'agent');
    assert.equal(await workspace.merge(agent), { commits: 1, files: 1, base: 'main' });
    assert.equal(runGit(repo, 'ls-tree', '--name-only', 'main').split('\n'), ['a.txt', 'agent.txt', 'user.txt']);
    assert.is(runGit(repo, 'status', '--porcelain'), '');
  }));

test('a tag with the name of the base is not taken for it', () =>
  withWorktree(async ({ repo, workspace }) => {
    runGit(repo, 'tag', 'release');
    runGit(repo, 'checkout', '--quiet', '-b', 'release');
    writeFiles(repo, { 'b.txt': 'b' });
    commitAll(repo, 'b');
    const { worktree } = await workspace.prepare({ agentId: 'tagged00', directory: repo, flags: {} });
    const agent = { id: 'tagged00', provider: 'claude', directory: repo, worktree } as AgentInfo;
    writeFiles(worktree!.path, { 'c.txt': 'c' });
    commitAll(worktree!.path, 'c');
    const { base, branch, ahead, behind, files } = await workspace.changes(agent);
    assert.equal([base, branch, ahead, behind], ['release', 'agent-tagged00', 1, 0]);
    assert.equal(files.map((file) => file.path), ['c.txt']);
    assert.equal(await workspace.merge(agent), { commits: 1, files: 1, base: 'release' });
    assert.ok(existsSync(join(repo, 'c.txt')));
    assert.equal(await workspace.unmerged(worktree!), []);
  }));

test("the user's options for merges by hand do not leave a merge half done", () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    writeFiles(tree, { 'agent.txt': 'a' });
    commitAll(tree, 'agent');
    writeFiles(repo, { 'user.txt': 'u' });
    commitAll(repo, 'user');
    for (const options of ['--no-commit', '--squash', '-s ours', '--ff-only']) {
      runGit(repo, 'config', 'branch.main.mergeoptions', options);
      runGit(repo, 'config', 'merge.ff', 'only');
      assert.equal(await workspace.merge(agent), { commits: 1, files: 1, base: 'main' }, options);
      assert.is(runGit(repo, 'status', '--porcelain'), '', options);
      assert.ok(existsSync(join(repo, 'agent.txt')) && !existsSync(join(repo, '.git/MERGE_HEAD')), options);
      runGit(repo, 'reset', '--quiet', '--hard', 'HEAD^');
    }
  }));

test("an unfinished merge of the user's own is left alone", () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    writeFiles(tree, { 'agent.txt': 'a' });
    commitAll(tree, 'agent');
    runGit(repo, 'checkout', '--quiet', '-b', 'other');
    commitAll(repo, 'other');
    runGit(repo, 'checkout', '--quiet', 'main');
    commitAll(repo, 'main');
    runGit(repo, 'merge', '--quiet', '-s', 'ours', '--no-commit', 'other');
    const error = await refusal(workspace.merge(agent));
    assert.is(error.code, 'base_busy');
    assert.match(error.message, /A merge into main is under way/);
    assert.ok(existsSync(join(repo, '.git/MERGE_HEAD')));
  }));

test('a base that is being rebased is left alone', () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    writeFiles(tree, { 'agent.txt': 'a' });
    commitAll(tree, 'agent');
    runGit(repo, 'branch', 'up');
    writeFiles(repo, { 'a.txt': 'mine\n' });
    commitAll(repo, 'mine');
    runGit(repo, 'checkout', '--quiet', 'up');
    writeFiles(repo, { 'a.txt': 'theirs\n' });
    commitAll(repo, 'theirs');
    runGit(repo, 'checkout', '--quiet', 'main');
    spawnSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', 'rebase', 'up'], { cwd: repo });
    assert.is((await refusal(workspace.merge(agent))).code, 'base_busy');
  }));

test('the patch holds new, changed and binary files and applies', () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    writeFiles(tree, { 'a.txt': 'two\n', 'new/b.bin': '\0\x01\x02' });
    const { stream, close } = await workspace.patch(agent);
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    await close();
    assert.equal(runGit(tree, 'status', '--porcelain').split('\n'), [' M a.txt', '?? new/'], 'the index is as it was');
    const applied = spawnSync('git', ['apply', '-'], { cwd: repo, input: Buffer.concat(chunks) });
    assert.is(applied.status, 0, applied.stderr.toString());
    assert.is(readFileSync(join(repo, 'new/b.bin'), 'latin1'), '\0\x01\x02');
  }));

test('an agent in the folder itself sees its changes; no repository is said, not failed', () =>
  withWorktree(async ({ repo, agent, workspace }) => {
    writeFiles(repo, { 'a.txt': 'two\n' });
    const changes = await workspace.changes({ ...agent, worktree: null });
    assert.equal(changes.files.map((file) => file.path), ['a.txt']);
    const { path, remove } = temporaryDirectory();
    const none = await workspace.changes({ ...agent, worktree: null, directory: path });
    assert.is(none.repository, false);
    assert.match(none.text, /not a git repository/);
    remove();
  }));

test.run();
