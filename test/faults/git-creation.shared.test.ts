/**
 * Creating a worktree is the one command that follows a repository's own settings (SECURITY.md, "Creating a worktree"): it runs
 * the repository's filters, fetches what a partial clone lacks, and runs the setup commands. Nothing else, whatever else is set.
 */
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_SETTINGS } from '../../agent/settings/settings.ts';
import { createWorkspace, type Workspace, type WorkspaceSettings } from '../../agent/workspace/workspace.ts';
import { testContext } from '../support/fakes/test-context.ts';
import { type Canaries, configLine, createCanaries } from '../support/harness/git-canaries.ts';
import { makeRepository, runGit, temporaryDirectory } from '../support/harness/git.ts';

interface Place {
  repo: string;
  canaries: Canaries;
  settings: WorkspaceSettings;
  prepare(): ReturnType<Workspace['prepare']>;
}

const FILES = { 'a.txt': 'one\n', 'guarded.txt': 'one\n', 'sub/guarded.bin': 'two\n' };

async function withCanaries(run: (place: Place) => Promise<void>): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const repo = makeRepository(join(directory, 'repo'), FILES);
    const canaries = createCanaries(join(directory, 'canaries'));
    const settings: WorkspaceSettings = { ...DEFAULT_SETTINGS };
    const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => settings);
    const request = { agentId: '12345678-aaaa-bbbb-cccc-000000000000', directory: repo, flags: {} };
    canaries.plantHooks(join(repo, '.git'));
    mkdirSync(join(repo, '.git/info'), { recursive: true });
    writeFileSync(join(repo, '.git/info/attributes'), canaries.attributes('guarded*'));
    await run({ repo, canaries, settings, prepare: () => workspace.prepare(request) });
  } finally {
    remove();
  }
}

/** Every setting that names a program, but for those of these names. */
const settingsWithout = ({ config }: Canaries, names: RegExp): string =>
  config.split(/^(?=\[)/m).filter((section) => !names.test(section)).join('');

test('of all settings that name programs, and all hooks, creation runs the filters of files that it writes, and setup commands', () =>
  withCanaries(async ({ repo, canaries, settings, prepare }) => {
    appendFileSync(join(repo, '.git/config'), settingsWithout(canaries, /^\tprocess = /m));
    settings.setupCommands = [canaries.program('setup')];
    const { cwd, notice } = await prepare();
    assert.is(readFileSync(join(cwd, 'guarded.txt'), 'utf8'), 'one\n');
    assert.is(notice, '');
    assert.equal(canaries.runs(), ['filter.canary.smudge', 'setup']);
  }));

test('a filter that is a process is started, and when it fails nothing is left', () =>
  withCanaries(async ({ repo, canaries, prepare }) => {
    appendFileSync(join(repo, '.git/config'), canaries.config);
    await prepare().then(() => assert.unreachable(), (error: Error) => assert.match(error.message, 'No worktree'));
    assert.equal(canaries.runs(), ['filter.canary.process']);
    assert.is(runGit(repo, 'for-each-ref', '--format=%(refname:short)', 'refs/heads'), 'main');
    assert.is(runGit(repo, 'worktree', 'list', '--porcelain').split('\n\n').filter(Boolean).length, 1);
  }));

test('what a partial clone lacks is asked of its remote', () =>
  withCanaries(async ({ repo, canaries, prepare }) => {
    const [blob] = runGit(repo, 'rev-parse', 'HEAD:a.txt').split('\n');
    const object = join(repo, '.git/objects', blob!.slice(0, 2), blob!.slice(2));
    runGit(repo, 'config', 'core.repositoryFormatVersion', '1');
    for (
      const [key, value] of [
        ['extensions.partialClone', 'origin'],
        ['remote.origin.url', `file://${repo}`],
        ['remote.origin.promisor', 'true'],
        ['remote.origin.partialclonefilter', 'blob:none'],
        ['remote.origin.uploadpack', `${canaries.program('uploadpack')} </dev/null`], // git would wait for it
      ] as const
    ) appendFileSync(join(repo, '.git/config'), configLine(key, value));
    rmSync(object, { force: true });
    await prepare().then(() => assert.unreachable(), () => {}); // the canary gives nothing
    assert.ok(canaries.runs().includes('uploadpack'));
  }));

test.run();
