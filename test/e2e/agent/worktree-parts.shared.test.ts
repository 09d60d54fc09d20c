/** What a new worktree lacks is said, and setup commands that still run end with the worktree that they are for. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_SETTINGS } from '../../../agent/settings/settings.ts';
import { killOrphans } from '../../../agent/process/orphans.ts';
import { SetupRuns } from '../../../agent/workspace/setup.ts';
import { createWorkspace, type Workspace, type WorkspaceSettings } from '../../../agent/workspace/workspace.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import {
  commitAll,
  makeRepository,
  runGit,
  temporaryDirectory,
  withGlobalSettings,
  writeFiles,
} from '../../support/harness/git.ts';
import { until } from '../../support/harness/product.ts';

const ID = '12345678-aaaa-bbbb-cccc-000000000000';
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 5\n`;

interface Place {
  directory: string;
  repo: string;
  workspace: Workspace;
  settings: WorkspaceSettings;
  prepare(directory?: string): ReturnType<Workspace['prepare']>;
}

async function withPlace(run: (place: Place) => Promise<void>, files?: Record<string, string>): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const repo = makeRepository(join(directory, 'repo'), files);
    const settings: WorkspaceSettings = { ...DEFAULT_SETTINGS };
    const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => settings);
    const prepare = (chosen = repo) => workspace.prepare({ agentId: ID, directory: chosen, flags: {} });
    await run({ directory, repo, workspace, settings, prepare });
  } finally {
    remove();
  }
}

const allowFile = ['-c', 'protocol.file.allow=always'];

test('submodules that are empty in the worktree are said, with what fills them', () =>
  withPlace(async ({ directory, repo, settings, prepare, workspace }) => {
    const library = makeRepository(join(directory, 'library'), { 'lib.txt': 'lib\n' });
    for (const path of ['lib', 'vendor/ü']) runGit(repo, ...allowFile, 'submodule', '--quiet', 'add', library, path);
    commitAll(repo, 'with submodules');
    rmSync(join(repo, '.git/modules'), { recursive: true }); // this machine has nothing of them
    const { notice, worktree } = await prepare();
    assert.is(
      notice,
      '2 submodules are empty in the worktree (lib, vendor/ü): "git submodule update --init" there, or as a setup command, fills them.',
    );
    await workspace.remove(worktree!, { discardWork: false });
    settings.setupCommands = [`git ${allowFile.join(' ')} submodule --quiet update --init`];
    const filled = await prepare();
    assert.is(filled.notice, '');
    assert.is(readFileSync(join(filled.cwd, 'lib/lib.txt'), 'utf8'), 'lib\n');
  }));

/** As on a machine that has no Git LFS. */
const NO_LFS = '[filter "lfs"]\n  smudge =\n  clean =\n  process =\n  required = false\n';

test('pointers of Git LFS are said, not files that merely pass through it', () =>
  withPlace(async ({ prepare }) => {
    const { notice } = await withGlobalSettings(NO_LFS, () => prepare());
    assert.match(
      notice,
      /^1 file of Git LFS is a pointer without content in the worktree \(big\.bin\): "git lfs pull"/,
    );
  }, { '.gitattributes': '*.bin filter=lfs\n', 'big.bin': POINTER, 'whole.bin': 'content', 'readme.txt': POINTER }));

test('what a sparse checkout leaves out is said', () =>
  withPlace(async ({ repo, prepare }) => {
    runGit(repo, 'sparse-checkout', 'set', 'here');
    const { notice, cwd } = await prepare();
    assert.ok(existsSync(join(cwd, 'here/a.txt')) && !existsSync(join(cwd, 'there/b.txt')));
    assert.is(notice, 'The checkout is sparse: 2 files of the repository are not in the worktree either.');
  }, { 'here/a.txt': 'a', 'there/b.txt': 'b', 'there/c.txt': 'c', 'top.txt': 't' }));

test('of a whole worktree nothing is said', () =>
  withPlace(async ({ prepare }) => {
    assert.is((await withGlobalSettings(NO_LFS, () => prepare())).notice, '');
  }, { '.gitattributes': '*.bin filter=lfs\n', 'a.txt': 'x', 'b.txt': '', 'c.txt': 'y' }));

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const pidIn = async (file: string) => {
  await until(() => `no ${file}`, () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
  return Number(readFileSync(file, 'utf8'));
};

/** Writes its pid, starts a child in a session of its own that does the same, and goes on for a while. */
const LONG = `#!/bin/sh
echo $$ > "$1/setup.pid"
setsid sh -c 'echo $$ > "$0/child.pid"; exec sleep 300' "$1" &
sleep 300
`;

test('setup commands that still run end with the deleted agent, with all that they started; the next ones do not begin', () =>
  withPlace(async ({ directory, settings, workspace }) => {
    writeFiles(directory, { 'long.sh': LONG });
    settings.setupCommands = [`sh ${directory}/long.sh ${directory}`, `touch ${directory}/next`];
    let worktree: Parameters<Workspace['remove']>[0] | null = null;
    const preparing = workspace.prepare({
      ...{ agentId: ID, directory: join(directory, 'repo'), flags: {} },
      planned: (planned) => Promise.resolve(void (worktree = planned)),
    });
    preparing.catch(() => {});
    const pids = [await pidIn(join(directory, 'setup.pid')), await pidIn(join(directory, 'child.pid'))];
    // A refused deletion ends nothing.
    writeFiles(worktree!.path, { 'work.txt': 'x' });
    await workspace.remove(worktree!, { discardWork: false }).then(() => assert.unreachable(), () => {});
    assert.ok(pids.every(alive));
    await workspace.remove(worktree!, { discardWork: true });
    await until(() => `${pids.filter(alive)} run`, () => !pids.some(alive));
    await preparing.catch(() => {});
    assert.not.ok(existsSync(worktree!.path), 'nothing made the folder anew');
    assert.not.ok(existsSync(join(directory, 'next')));
  }));

/** Setup commands that go on, and the pids of what they began. */
async function longSetup(directory: string): Promise<{ runs: SetupRuns; pids: number[] }> {
  writeFiles(directory, { 'long.sh': LONG });
  const runs = new SetupRuns(directory);
  await runs.run(directory, directory, [`sh long.sh ${directory}`, 'touch next'], 50);
  return { runs, pids: [await pidIn(join(directory, 'setup.pid')), await pidIn(join(directory, 'child.pid'))] };
}

test('setup commands that still run end with the server; none begins any more', async () => {
  const { path, remove } = temporaryDirectory();
  const { runs, pids } = await longSetup(path);
  await runs.close();
  await until(() => `${pids.filter(alive)} run`, () => !pids.some(alive));
  await runs.run(path, path, ['touch late']);
  assert.equal(['next', 'late'].filter((name) => existsSync(join(path, name))), []);
  remove();
});

test('setup commands that a killed server has left are ended by the next one', async () => {
  const { path, remove } = temporaryDirectory();
  const { pids } = await longSetup(path);
  await killOrphans(`${path}-other`);
  assert.ok(pids.every(alive), 'those of another data directory');
  await killOrphans(path);
  await until(() => `${pids.filter(alive)} run`, () => !pids.some(alive));
  remove();
});

test('ending what has ended, or was never begun, does nothing', async () => {
  const { path, remove } = temporaryDirectory();
  const runs = new SetupRuns(path);
  await runs.end(path);
  assert.is(await runs.run(path, path, ['true']), '');
  await runs.end(path);
  assert.match(await runs.run(path, path, ['sleep 300'], 50), 'still run');
  await runs.end(path);
  rmSync(path, { recursive: true, force: true });
  remove();
});

test.run();
