/** Submodules of a worktree: filled from what is on this machine, without running anything, and merged as pointers. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../../core/api/agents.ts';
import { DEFAULT_SETTINGS } from '../../../agent/settings/settings.ts';
import { createWorkspace, type Workspace } from '../../../agent/workspace/workspace.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import {
  commitAll,
  makeRepository,
  runGit,
  temporaryDirectory,
  withGlobalSettings,
  writeFiles,
} from '../../support/harness/git.ts';
import { refusal } from '../../support/harness/refusal.ts';

interface Place {
  directory: string;
  library: string;
  repo: string;
  workspace: Workspace;
  prepare(): Promise<{ agent: AgentInfo; tree: string; notice: string }>;
}

const FILE = ['-c', 'protocol.file.allow=always'];

/** A repository with the submodule `vendor/lib`, of which this machine has everything. */
async function withPlace(run: (place: Place) => Promise<void>): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const library = makeRepository(join(directory, 'library'), { 'lib.txt': 'lib\n' });
    const repo = makeRepository(join(directory, 'repo'), { 'a.txt': 'a\n' });
    runGit(repo, ...FILE, 'submodule', '--quiet', 'add', library, 'vendor/lib');
    commitAll(repo, 'with a submodule');
    const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => DEFAULT_SETTINGS);
    let count = 0;
    const prepare = async () => {
      const id = `${++count}abcdefg`;
      const { worktree, notice } = await workspace.prepare({ agentId: id, directory: repo, flags: {} });
      const agent = { id, provider: 'claude', directory: repo, worktree } as AgentInfo;
      return { agent, tree: worktree!.path, notice };
    };
    await run({ directory, library, repo, workspace, prepare });
  } finally {
    remove();
  }
}

test('submodules of the main checkout are there, with their history, and take no room', () =>
  withPlace(async ({ library, repo, workspace, prepare }) => {
    rmSync(library, { recursive: true }); // it could not be fetched again
    const { agent, tree, notice } = await prepare();
    const lib = join(tree, 'vendor/lib');
    assert.is(notice, '');
    assert.is(readFileSync(join(lib, 'lib.txt'), 'utf8'), 'lib\n');
    assert.is(runGit(lib, 'rev-parse', 'HEAD'), runGit(join(repo, 'vendor/lib'), 'rev-parse', 'HEAD'));
    assert.is(runGit(lib, 'remote', 'get-url', 'origin'), library);
    assert.is(runGit(lib, 'rev-parse', 'origin/main'), runGit(lib, 'rev-parse', 'HEAD'));
    assert.is(runGit(tree, 'status', '--porcelain'), '');
    assert.match(runGit(tree, 'submodule', 'status'), /^ [0-9a-f]{40} vendor\/lib /);
    assert.equal(await workspace.unmerged(agent.worktree!), []);
    await workspace.remove(agent.worktree!, { discardWork: false });
    assert.equal([existsSync(tree), existsSync(join(repo, '.git/worktrees'))], [false, false]);
    assert.is(runGit(repo, 'status', '--porcelain'), '');
    assert.is(runGit(join(repo, 'vendor/lib'), 'fsck', '--no-dangling'), '');
  }));

test('a submodule in a submodule, one that was packed, and one that is shallow', () =>
  withPlace(async ({ directory, library, repo, prepare }) => {
    const middle = makeRepository(join(directory, 'middle'), { 'middle.txt': 'middle\n' });
    runGit(middle, ...FILE, 'submodule', '--quiet', 'add', library, 'inner');
    commitAll(middle, 'inner');
    commitAll(library, 'more');
    runGit(repo, ...FILE, 'submodule', '--quiet', 'add', middle, 'middle');
    runGit(repo, ...FILE, 'submodule', '--quiet', 'update', '--init', '--recursive');
    runGit(repo, ...FILE, 'submodule', '--quiet', 'add', '--depth', '1', `file://${library}`, 'shallow');
    commitAll(repo, 'more submodules');
    runGit(join(repo, 'middle'), 'gc', '--quiet');
    const { tree, notice } = await prepare();
    assert.is(notice, '');
    for (const path of ['middle/middle.txt', 'middle/inner/lib.txt', 'shallow/lib.txt', 'vendor/lib/lib.txt']) {
      assert.ok(existsSync(join(tree, path)), path);
    }
    assert.is(runGit(tree, 'status', '--porcelain'), '');
    assert.is(runGit(join(tree, 'shallow'), 'log', '--oneline').split('\n').length, 1);
  }));

test('no program that the submodule or its settings name is run; filters of the owner are', () =>
  withPlace(async ({ directory, library, repo, prepare }) => {
    writeFiles(library, { '.gitattributes': '*.txt filter=canary\n*.own filter=own\n', 'b.own': 'content\n' });
    commitAll(library, 'attributes');
    runGit(join(repo, 'vendor/lib'), ...FILE, 'pull', '--quiet', 'origin', 'main');
    commitAll(repo, 'newer');
    const canary = join(directory, 'canary');
    const source = join(repo, '.git/modules/vendor/lib');
    const run = `sh -c 'echo ran >> ${canary}; cat'`;
    const settings = [
      ...['filter.canary.smudge', 'filter.canary.clean', 'filter.canary.process', 'core.fsmonitor', 'core.sshCommand'],
      ...['core.alternateRefsCommand', 'uploadpack.packObjectsHook', 'core.editor', 'core.pager', 'credential.helper'],
    ];
    for (const name of settings) runGit(source, 'config', name, run);
    runGit(source, 'config', 'submodule.x.update', `!${run}`);
    runGit(repo, 'config', 'submodule.vendor/lib.update', `!${run}`);
    mkdirSync(join(source, 'hooks'), { recursive: true });
    for (const hook of ['post-checkout', 'post-index-change', 'reference-transaction']) {
      writeFileSync(join(source, 'hooks', hook), `#!/bin/sh\necho ran >> ${canary}\n`, { mode: 0o755 });
    }
    const own = '[filter "own"]\n  smudge = tr a-z A-Z\n';
    const { tree, notice } = await withGlobalSettings(own, prepare);
    assert.is(notice, '');
    assert.is(readFileSync(join(tree, 'vendor/lib/b.own'), 'utf8'), 'CONTENT\n');
    assert.is(readFileSync(join(tree, 'vendor/lib/lib.txt'), 'utf8'), 'lib\n');
    assert.not(existsSync(canary));
    const written = readFileSync(
      join(runGit(join(tree, 'vendor/lib'), 'rev-parse', '--absolute-git-dir'), 'config'),
      'utf8',
    );
    assert.not.match(written, /ran/);
  }));

/** What a repository can do to have other files written or read. */
const HOSTILE: Record<string, (repo: string) => void> = {
  'a name that leads elsewhere': (repo) => {
    const text = readFileSync(join(repo, '.gitmodules'), 'utf8');
    writeFileSync(join(repo, '.gitmodules'), text.replace('"vendor/lib"', '"../../elsewhere"'));
    commitAll(repo, 'name');
  },
  'what this machine does not have': (repo) => {
    rmSync(join(repo, '.git/modules/vendor/lib/objects'), { recursive: true });
    mkdirSync(join(repo, '.git/modules/vendor/lib/objects'));
  },
  'one that was deinitialised': (repo) => void runGit(repo, 'submodule', '--quiet', 'deinit', '--force', 'vendor/lib'),
  'a partial clone': (repo) => {
    runGit(join(repo, '.git/modules/vendor/lib'), 'config', 'core.repositoryformatversion', '1');
    runGit(join(repo, '.git/modules/vendor/lib'), 'config', 'extensions.partialClone', 'origin');
  },
};
for (const [name, spoil] of Object.entries(HOSTILE)) {
  test(`${name}: stays empty, which is said, and leaves nothing`, () =>
    withPlace(async ({ directory, repo, prepare }) => {
      spoil(repo);
      const before = readdirSync(directory).sort();
      const { tree, notice } = await prepare();
      assert.match(notice, /^1 submodule is empty in the worktree \(vendor\/lib\): "git submodule update --init"/);
      assert.equal(readdirSync(join(tree, 'vendor/lib')), []);
      assert.equal(readdirSync(directory).sort(), [...new Set([...before, 'data'])].sort());
      assert.not(existsSync(join(repo, '.git/worktrees/agent-1abcdefg/modules/vendor/lib')));
    }));
}

test('a changed pointer is merged; its commit counts as work until the main checkout has it', () =>
  withPlace(async ({ repo, workspace, prepare }) => {
    const { agent, tree } = await prepare();
    const lib = join(tree, 'vendor/lib');
    writeFiles(lib, { 'lib.txt': 'better\n' });
    commitAll(lib, 'better');
    await workspace.commit(agent, 'a better library', null);
    assert.equal(await workspace.merge(agent), { commits: 1, files: 1, base: 'main' });
    assert.is(runGit(repo, 'rev-parse', 'HEAD:vendor/lib'), runGit(lib, 'rev-parse', 'HEAD'));
    const refused = await refusal(workspace.remove(agent.worktree!, { discardWork: false }));
    assert.is(refused.code, 'unmerged_work');
    runGit(join(repo, 'vendor/lib'), 'fetch', '--quiet', lib, 'HEAD');
    runGit(join(repo, 'vendor/lib'), 'checkout', '--quiet', 'FETCH_HEAD');
    await workspace.remove(agent.worktree!, { discardWork: false });
    assert.not(existsSync(tree));
  }));

test('both sides moved the pointer: the merge is refused with its name, and nothing is changed', () =>
  withPlace(async ({ repo, workspace, prepare }) => {
    const { agent, tree } = await prepare();
    for (const [at, text] of [[tree, 'mine\n'], [repo, 'theirs\n']] as const) {
      writeFiles(join(at, 'vendor/lib'), { 'lib.txt': text });
      commitAll(join(at, 'vendor/lib'), text);
    }
    await workspace.commit(agent, 'mine', null);
    commitAll(repo, 'theirs');
    const head = runGit(repo, 'rev-parse', 'HEAD');
    const refused = await refusal(workspace.merge(agent));
    assert.is(refused.code, 'merge_conflict');
    assert.match(refused.message, /vendor\/lib/);
    assert.equal([runGit(repo, 'rev-parse', 'HEAD'), runGit(repo, 'status', '--porcelain')], [head, '']);
  }));

test.run();
