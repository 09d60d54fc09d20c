import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_STATUS, Failure } from '../../../core/api/errors.ts';
import type { AgentFlags } from '../../../core/api/agents.ts';
import { parseSettings, splitWords } from '../../../core/api/settings.ts';
import { DEFAULT_SETTINGS } from '../../../agent/settings/settings.ts';
import { slugOf } from '../../../agent/workspace/worktree.ts';
import { createWorkspace, type Workspace, type WorkspaceSettings } from '../../../agent/workspace/workspace.ts';
import { commitAll, makeRepository, runGit, temporaryDirectory, writeFiles } from '../../support/harness/git.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { refusal } from '../../support/harness/refusal.ts';

const ID = '12345678-aaaa-bbbb-cccc-000000000000';

interface Fixture {
  directory: string;
  repo: string;
  workspace: Workspace;
  /** What the workspace reads; a test may replace parts of it. */
  settings: WorkspaceSettings;
  prepare(
    flags?: AgentFlags,
    extra?: { instructions?: string; directory?: string; agentId?: string; task?: string },
  ): ReturnType<Workspace['prepare']>;
}

async function withRoom(run: (fixture: Fixture) => Promise<void>, files?: Record<string, string>): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const repo = makeRepository(join(directory, 'repo'), files);
    const settings: WorkspaceSettings = { ...DEFAULT_SETTINGS };
    const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => settings);
    await run({
      directory: directory,
      repo,
      workspace,
      settings,
      prepare: (flags = {}, extra = {}) => workspace.prepare({ agentId: ID, directory: repo, flags, ...extra }),
    });
  } finally {
    remove();
  }
}

test('a repository gets a worktree on a branch of its own, which its status does not show', () =>
  withRoom(async ({ repo, prepare }) => {
    const result = await prepare();
    assert.equal(result.worktree, {
      path: join(repo, '.agent-worktrees/agent-12345678'),
      branch: 'agent-12345678',
      base: 'main',
      commonDir: join(repo, '.git'),
    });
    assert.is(result.cwd, result.worktree!.path);
    assert.is(readFileSync(join(result.cwd, 'a.txt'), 'utf8'), 'one\n');
    assert.is(runGit(repo, 'status', '--porcelain'), '');
    assert.is(result.notice, '');
  }));

test('a folder inside the repository becomes the same folder inside the worktree', () =>
  withRoom(async ({ repo, prepare, workspace }) => {
    const result = await prepare({}, { directory: join(repo, 'sub/deep') });
    assert.is(result.cwd, join(result.worktree!.path, 'sub/deep'));
    assert.is(
      (await workspace.changes({ ...agent, directory: result.directory, worktree: result.worktree })).repository,
      true,
    );
  }, { 'sub/deep/x.txt': 'x' }));

test('the folder itself is used only when that was asked for', () =>
  withRoom(async ({ repo, prepare }) => {
    const result = await prepare({ worktree: false });
    assert.equal([result.worktree, result.cwd], [null, repo]);
    assert.not.ok(existsSync(join(repo, '.agent-worktrees')));
  }));

test('a folder that is no repository is worked in, said so, and not made one', () =>
  withRoom(async ({ directory, prepare }) => {
    writeFiles(directory, { 'plain/x': '' });
    const result = await prepare({}, { directory: join(directory, 'plain') });
    assert.is(result.worktree, null);
    assert.match(result.notice, /not a git repository/);
    assert.equal(readdirSync(join(directory, 'plain')), ['x']);
  }));

test('a worktree that cannot be made is an error, never the folder itself', () =>
  withRoom(async ({ directory, repo, prepare }) => {
    const empty = join(directory, 'empty');
    writeFiles(empty, { x: '' });
    runGit(empty, 'init', '--quiet');
    assert.is((await refusal(prepare({}, { directory: empty }))).code, 'no_commit');

    symlinkSync(directory, join(repo, '.agent-worktrees'));
    const error = await refusal(prepare());
    assert.is(error.code, 'worktree_failed');
    assert.match(error.message, /symbolic link/);
  }));

test('a damaged repository is an error, not a plain folder', () =>
  withRoom(async ({ directory, prepare }) => {
    writeFiles(directory, { 'broken/.git': 'gitdir: /nonexistent\n' });
    assert.is((await refusal(prepare({}, { directory: join(directory, 'broken') }))).code, 'repository_unusable');
  }));

test('a folder that is missing, relative or a file is refused with a sentence', () =>
  withRoom(async ({ repo, prepare }) => {
    for (const directory of ['', 'repo', '/nonexistent/x', join(repo, 'a.txt'), `${repo}\0`]) {
      assert.is((await refusal(prepare({}, { directory }))).code, 'bad_directory', JSON.stringify(directory));
    }
  }));

test('hostile folder names reach git as they are', () =>
  withRoom(async ({ directory, prepare }) => {
    const canary = join(directory, 'canary');
    for (const name of [`$(touch ${'canary'})`, '-q', 'a b\n"c\'', '`x`;é', '--upload-pack=x']) {
      const repo = makeRepository(join(directory, 'x', name));
      const result = await prepare({}, { directory: repo });
      assert.is(result.cwd, join(repo, '.agent-worktrees/agent-12345678'));
    }
    assert.not.ok(existsSync(canary));
  }));

test('hooks and file system monitors of the repository do not run', () =>
  withRoom(async ({ directory, repo, prepare, workspace }) => {
    const canary = join(directory, 'canary');
    for (const hook of ['post-checkout', 'pre-commit', 'commit-msg', 'post-commit', 'reference-transaction']) {
      writeFileSync(join(repo, '.git/hooks', hook), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
    }
    runGit(repo, 'config', 'core.fsmonitor', `touch ${canary}`);
    const { worktree } = await prepare();
    writeFiles(worktree!.path, { 'b.txt': 'b' });
    assert.ok(await workspace.commit({ ...agent, directory: repo, worktree }, 'b', null));
    assert.not.ok(existsSync(canary));
  }));

test('a branch is called after the task, its directory after the agent', () =>
  withRoom(async ({ repo, prepare, workspace }) => {
    const { worktree } = await prepare({}, { task: 'Fix the rounding bug!\nIt is in totals.ts' });
    assert.is(worktree!.branch, 'agent/fix-the-rounding-bug');
    assert.is(worktree!.path, join(repo, '.agent-worktrees/agent-12345678'));
    const again = await prepare({}, { task: 'fix: the rounding bug', agentId: `2${ID}` });
    assert.is(again.worktree!.branch, 'agent/fix-the-rounding-bug-2');
    writeFiles(worktree!.path, { 'b.txt': 'b' });
    commitAll(worktree!.path, 'b');
    const merged = await workspace.merge({ ...agent, directory: repo, worktree });
    assert.equal(merged, { commits: 1, files: 1, base: 'main' });
    for (const tree of [worktree!, again.worktree!]) await workspace.remove(tree, { discardWork: false });
    assert.is(runGit(repo, 'branch', '--format=%(refname:short)').trim(), 'main');
  }));

test('a branch in the way of the name gives way to none: the agent gets another one', () =>
  withRoom(async ({ repo, prepare }) => {
    runGit(repo, 'branch', 'agent/tests/all');
    assert.is((await prepare({}, { task: 'Tests' })).worktree!.branch, 'agent/tests-2');
  }));

test('with a branch called agent, and without a name that git takes, the branch is called after the agent', () =>
  withRoom(async ({ repo, prepare }) => {
    assert.is((await prepare({}, { task: '修复舍入错误' })).worktree!.branch, 'agent-12345678');
    runGit(repo, 'branch', 'agent');
    assert.is((await prepare({}, { task: 'Tests', agentId: `2${ID}` })).worktree!.branch, 'agent-21234567');
  }));

test('names of branches are short words of ASCII', () => {
  assert.is(slugOf('Ändere die Größe: 2 × “mehr”'), 'andere-die-gro-e-2-mehr');
  assert.is(slugOf('x'.repeat(100)), 'x'.repeat(40));
  assert.is(slugOf('one two three four five six seven eight nine ten'), 'one-two-three-four-five-six-seven-eight');
  assert.is(slugOf('../..; rm -rf / --no-preserve-root .lock'), 'rm-rf-no-preserve-root-lock');
  assert.is(slugOf('\u0000\n…'), '');
});

test('names of an earlier agent are not reused', () =>
  withRoom(async ({ prepare }) => {
    await prepare();
    assert.is((await prepare()).worktree!.branch, 'agent-12345678-2');
  }));

test('two worktrees at the same moment are both made', () =>
  withRoom(async ({ prepare }) => {
    const result = await Promise.all(['1', '2', '3', '4'].map((id) => prepare({}, { agentId: `${id}0000000` })));
    assert.equal(result.map((entry) => entry.worktree!.branch), [
      'agent-10000000',
      'agent-20000000',
      'agent-30000000',
      'agent-40000000',
    ]);
  }));

test('an agent started in the worktree of another becomes its neighbour', () =>
  withRoom(async ({ repo, prepare }) => {
    const first = await prepare();
    const second = await prepare({}, { directory: first.cwd, agentId: 'abcdefgh' });
    assert.is(second.cwd, join(repo, '.agent-worktrees/agent-abcdefgh'));
    assert.is(second.worktree!.base, 'agent-12345678');
  }));

test('files of the list are copied when git does not track them, and are no work', () =>
  withRoom(async ({ directory, repo, prepare, workspace, settings }) => {
    writeFiles(repo, { '.env': 'A=1', 'config/x.local.json': '{}', 'config/y.json': '{}', '.gitignore': '.env\n' });
    commitAll(repo, 'ignore');
    writeFiles(repo, { 'config/z.local.json': '{}' });
    writeFiles(directory, { secret: 's' });
    symlinkSync(join(directory, 'secret'), join(repo, '.env.local'));
    settings.copyFiles = ['.env', '.env.local', 'config/*.local.json'];
    const { worktree } = await prepare();
    assert.is(readFileSync(join(worktree!.path, '.env'), 'utf8'), 'A=1');
    assert.ok(existsSync(join(worktree!.path, 'config/z.local.json')));
    assert.not.ok(existsSync(join(worktree!.path, '.env.local')), 'a link that leads outside');
    assert.equal(await workspace.unmerged(worktree!), []);
    writeFiles(worktree!.path, { 'config/z.local.json': '{"changed":1}' });
    assert.match((await workspace.unmerged(worktree!))[0]!, /config\/z\.local\.json/);
  }));

test('the instructions file is written for the provider and is no work until somebody changes it', () =>
  withRoom(async ({ prepare, workspace }) => {
    const { worktree } = await prepare({}, { instructions: 'Be brief.' });
    assert.is(readFileSync(join(worktree!.path, 'CLAUDE.md'), 'utf8'), 'Be brief.');
    assert.equal(await workspace.unmerged(worktree!), []);
    const codex = await workspace.prepare({
      agentId: 'x2345678',
      directory: worktree!.path,
      flags: {},
      provider: 'codex',
      instructions: 'B',
    });
    assert.ok(existsSync(join(codex.cwd, 'AGENTS.md')));
  }));

test("an instructions file of the user's own folder that is replaced is kept", () =>
  withRoom(async ({ directory, prepare }) => {
    writeFiles(directory, { 'plain/CLAUDE.md': 'mine' });
    const result = await prepare({}, { directory: join(directory, 'plain'), instructions: 'new' });
    assert.is(readFileSync(join(directory, 'plain/CLAUDE.md'), 'utf8'), 'new');
    assert.is(readFileSync(join(directory, 'data/replaced', ID, 'CLAUDE.md'), 'utf8'), 'mine');
    assert.match(result.notice, /was replaced/);
  }));

test('setup commands run without a shell; a failure is told', () =>
  withRoom(async ({ prepare, settings }) => {
    settings.setupCommands = ['touch "a b" $(x)', 'false'];
    const result = await prepare();
    assert.ok(existsSync(join(result.cwd, 'a b')) && existsSync(join(result.cwd, '$(x)')));
    assert.match(result.notice, /`false` failed: exit code 1/);
  }));

test('a setup command that names no program or holds NUL is refused; one that was stored fails without leaving anything', () =>
  withRoom(async ({ repo, prepare, settings }) => {
    for (const command of ['""', "'' x", 'a\0b', '"']) {
      assert.is(splitWords(command), null, command);
      assert.throws(
        () => parseSettings({ setupCommands: [command] }),
        (error: Failure) => ERROR_STATUS[error.code] === 400,
      );
    }
    assert.equal(splitWords('a "" b'), ['a', '', 'b']);
    settings.setupCommands = ['""'];
    const result = await prepare();
    assert.match(result.notice, /it names no program/);
    settings.setupCommands = null as never;
    await prepare().then(() => assert.unreachable(), () => {});
    assert.equal(readdirSync(join(repo, '.agent-worktrees')), ['.gitignore', 'agent-12345678']);
    assert.is(runGit(repo, 'branch', '--list', 'agent-*').split('\n').length, 1);
  }));

test('what is not committed in the folder is not in the worktree, and that is said', () =>
  withRoom(async ({ repo, prepare }) => {
    writeFiles(repo, { 'a.txt': 'two\n' });
    assert.match((await prepare()).notice, /1 file in .* is not in the agent's worktree/);
  }));

const agent = { id: ID, provider: 'claude' } as Parameters<ReturnType<typeof createWorkspace>['changes']>[0];

test.run();
