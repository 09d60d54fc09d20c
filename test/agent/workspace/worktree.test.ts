import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { HttpError } from '../../../core/http/reply.ts';
import type { AgentFlags } from '../../../core/wire/types.ts';
import { mergeSettings } from '../../../agent/settings.ts';
import { createWorkspace } from '../../../agent/workspace/mod.ts';
import { splitWords } from '../../../agent/workspace/setup.ts';
import { commitAll, makeRepository, runGit, temporaryFolder, writeFiles } from '../../support/git.ts';
import { testHouse } from '../../support/house.ts';

const ID = '12345678-aaaa-bbbb-cccc-000000000000';

interface Room {
  folder: string;
  repo: string;
  workspace: ReturnType<typeof createWorkspace>;
  prepare(flags?: AgentFlags, extra?: { claudeMd?: string; directory?: string; agentId?: string }): ReturnType<
    ReturnType<typeof createWorkspace>['prepare']
  >;
}

async function withRoom(run: (room: Room) => Promise<void>, files?: Record<string, string>): Promise<void> {
  const { path: folder, remove } = temporaryFolder();
  try {
    const repo = makeRepository(join(folder, 'repo'), files);
    const workspace = createWorkspace(testHouse({ dataDir: join(folder, 'data') }));
    await run({
      folder,
      repo,
      workspace,
      prepare: (flags = {}, extra = {}) => workspace.prepare({ agentId: ID, directory: repo, flags, ...extra }),
    });
  } finally {
    remove();
  }
}

async function refusal(action: Promise<unknown>): Promise<HttpError> {
  try {
    await action;
  } catch (error) {
    return error as HttpError;
  }
  throw new Error('it was not refused');
}

test('a repository gets a worktree on a branch of its own, which its status does not show', () =>
  withRoom(async ({ repo, prepare }) => {
    const made = await prepare();
    assert.equal(made.worktree, {
      path: join(repo, '.agent-worktrees/agent-12345678'),
      branch: 'agent-12345678',
      base: 'main',
    });
    assert.is(made.cwd, made.worktree!.path);
    assert.is(readFileSync(join(made.cwd, 'a.txt'), 'utf8'), 'one\n');
    assert.is(runGit(repo, 'status', '--porcelain'), '');
    assert.is(made.notice, '');
  }));

test('a folder inside the repository becomes the same folder inside the worktree', () =>
  withRoom(async ({ repo, prepare, workspace }) => {
    const made = await prepare({}, { directory: join(repo, 'sub/deep') });
    assert.is(made.cwd, join(made.worktree!.path, 'sub/deep'));
    assert.is(
      (await workspace.changes({ ...agent, directory: made.directory, worktree: made.worktree })).repository,
      true,
    );
  }, { 'sub/deep/x.txt': 'x' }));

test('the folder itself is used only when that was asked for', () =>
  withRoom(async ({ repo, prepare }) => {
    const made = await prepare({ worktree: false });
    assert.equal([made.worktree, made.cwd], [null, repo]);
    assert.not.ok(existsSync(join(repo, '.agent-worktrees')));
  }));

test('a folder that is no repository is worked in, said so, and not made one', () =>
  withRoom(async ({ folder, prepare }) => {
    writeFiles(folder, { 'plain/x': '' });
    const made = await prepare({}, { directory: join(folder, 'plain') });
    assert.is(made.worktree, null);
    assert.match(made.notice, /not a git repository/);
    assert.equal(readdirSync(join(folder, 'plain')), ['x']);
  }));

test('a worktree that cannot be made is an error, never the folder itself', () =>
  withRoom(async ({ folder, repo, prepare }) => {
    const empty = join(folder, 'empty');
    writeFiles(empty, { x: '' });
    runGit(empty, 'init', '--quiet');
    assert.is((await refusal(prepare({}, { directory: empty }))).code, 'no_commit');

    symlinkSync(folder, join(repo, '.agent-worktrees'));
    const error = await refusal(prepare());
    assert.is(error.code, 'worktree_failed');
    assert.match(error.message, /symbolic link/);
  }));

test('a damaged repository is an error, not a plain folder', () =>
  withRoom(async ({ folder, prepare }) => {
    writeFiles(folder, { 'broken/.git': 'gitdir: /nonexistent\n' });
    assert.is((await refusal(prepare({}, { directory: join(folder, 'broken') }))).code, 'repository_unusable');
  }));

test('a folder that is missing, relative or a file is refused with a sentence', () =>
  withRoom(async ({ repo, prepare }) => {
    for (const directory of ['', 'repo', '/nonexistent/x', join(repo, 'a.txt'), `${repo}\0`]) {
      assert.is((await refusal(prepare({}, { directory }))).code, 'bad_directory', JSON.stringify(directory));
    }
  }));

test('hostile folder names reach git as they are', () =>
  withRoom(async ({ folder, prepare }) => {
    const canary = join(folder, 'canary');
    for (const name of [`$(touch ${'canary'})`, '-q', 'a b\n"c\'', '`x`;é', '--upload-pack=x']) {
      const repo = makeRepository(join(folder, 'x', name));
      const made = await prepare({}, { directory: repo });
      assert.is(made.cwd, join(repo, '.agent-worktrees/agent-12345678'));
    }
    assert.not.ok(existsSync(canary));
  }));

test('hooks and file system monitors of the repository do not run', () =>
  withRoom(async ({ folder, repo, prepare, workspace }) => {
    const canary = join(folder, 'canary');
    for (const hook of ['post-checkout', 'pre-commit', 'commit-msg', 'post-commit', 'reference-transaction']) {
      writeFileSync(join(repo, '.git/hooks', hook), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
    }
    runGit(repo, 'config', 'core.fsmonitor', `touch ${canary}`);
    const { worktree } = await prepare();
    writeFiles(worktree!.path, { 'b.txt': 'b' });
    assert.ok(await workspace.commit({ ...agent, directory: repo, worktree }, 'b', null));
    assert.not.ok(existsSync(canary));
  }));

test('names of an earlier agent are not reused', () =>
  withRoom(async ({ prepare }) => {
    await prepare();
    assert.is((await prepare()).worktree!.branch, 'agent-12345678-2');
  }));

test('two worktrees at the same moment are both made', () =>
  withRoom(async ({ prepare }) => {
    const made = await Promise.all(['1', '2', '3', '4'].map((id) => prepare({}, { agentId: `${id}0000000` })));
    assert.equal(made.map((one) => one.worktree!.branch), [
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
  withRoom(async ({ folder, repo, prepare, workspace }) => {
    writeFiles(repo, { '.env': 'A=1', 'config/x.local.json': '{}', 'config/y.json': '{}', '.gitignore': '.env\n' });
    commitAll(repo, 'ignore');
    writeFiles(repo, { 'config/z.local.json': '{}' });
    writeFiles(folder, { secret: 's' });
    symlinkSync(join(folder, 'secret'), join(repo, '.env.local'));
    await workspace.settings.update((value) => ({
      ...value,
      copyFiles: ['.env', '.env.local', 'config/*.local.json'],
    }));
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
    const { worktree } = await prepare({}, { claudeMd: 'Be brief.' });
    assert.is(readFileSync(join(worktree!.path, 'CLAUDE.md'), 'utf8'), 'Be brief.');
    assert.equal(await workspace.unmerged(worktree!), []);
    const codex = await workspace.prepare({
      agentId: 'x2345678',
      directory: worktree!.path,
      flags: {},
      provider: 'codex',
      claudeMd: 'B',
    });
    assert.ok(existsSync(join(codex.cwd, 'AGENTS.md')));
  }));

test("an instructions file of the user's own folder that is replaced is kept", () =>
  withRoom(async ({ folder, prepare }) => {
    writeFiles(folder, { 'plain/CLAUDE.md': 'mine' });
    const made = await prepare({}, { directory: join(folder, 'plain'), claudeMd: 'new' });
    assert.is(readFileSync(join(folder, 'plain/CLAUDE.md'), 'utf8'), 'new');
    assert.is(readFileSync(join(folder, 'data/replaced', ID, 'CLAUDE.md'), 'utf8'), 'mine');
    assert.match(made.notice, /was replaced/);
  }));

test('setup commands run without a shell; a failure is told', () =>
  withRoom(async ({ prepare, workspace }) => {
    await workspace.settings.update((value) => ({ ...value, setupCommands: ['touch "a b" $(x)', 'false'] }));
    const made = await prepare();
    assert.ok(existsSync(join(made.cwd, 'a b')) && existsSync(join(made.cwd, '$(x)')));
    assert.match(made.notice, /`false` failed: exit code 1/);
  }));

test('a setup command that names no program or holds NUL is refused; one that was stored fails without leaving anything', () =>
  withRoom(async ({ repo, prepare, workspace }) => {
    for (const command of ['""', "'' x", 'a\0b', '"']) {
      assert.is(splitWords(command), null, command);
      assert.throws(
        () => mergeSettings(workspace.settings.value, { setupCommands: [command] }),
        (error: HttpError) => error.status === 400,
      );
    }
    assert.equal(splitWords('a "" b'), ['a', '', 'b']);
    await workspace.settings.update((value) => ({ ...value, setupCommands: ['""'] }));
    const made = await prepare();
    assert.match(made.notice, /it names no program/);
    await workspace.settings.update((value) => ({ ...value, setupCommands: null as never }));
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
