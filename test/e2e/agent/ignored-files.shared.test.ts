/** What git ignores in a worktree is said before it is lost with it; what is made again, or is elsewhere too, is not. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Failure } from '../../../core/api/errors.ts';
import { DEFAULT_SETTINGS } from '../../../agent/settings/settings.ts';
import { createWorkspace, type Workspace, type WorkspaceSettings } from '../../../agent/workspace/workspace.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { makeRepository, temporaryDirectory, withGlobalSettings, writeFiles } from '../../support/harness/git.ts';

const IGNORE = [
  '.env*',
  'notes/',
  '*.sqlite',
  '*.log',
  '*.pyc',
  'node_modules/',
  'target/',
  'cache/',
  'empty/',
  'deep/**',
];

interface Place {
  repo: string;
  tree: string;
  /** What would be lost. */
  work(): Promise<string[]>;
  remove(): Promise<unknown>;
}

async function withTree(
  run: (place: Place) => Promise<void>,
  { settings = {}, before = () => {} }: { settings?: Partial<WorkspaceSettings>; before?: (repo: string) => void } = {},
): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const repo = makeRepository(join(directory, 'repo'), { 'a.txt': 'one\n', '.gitignore': `${IGNORE.join('\n')}\n` });
    before(repo);
    const context = testContext({ dataDir: join(directory, 'data') });
    const workspace: Workspace = createWorkspace(context, () => ({ ...DEFAULT_SETTINGS, ...settings }));
    const request = { agentId: '12345678-aaaa-bbbb-cccc-000000000000', directory: repo, flags: {} };
    const { worktree, cwd: tree } = await workspace.prepare(request);
    const work = () => workspace.unmerged(worktree!);
    assert.equal(await work(), []);
    await run({ repo, tree, work, remove: () => workspace.remove(worktree!, { discardWork: false }) });
  } finally {
    remove();
  }
}

const many = (count: number, names: string) => `${count} files or folders that git ignores are nowhere else: ${names}`;

test('settings, notes and a database that only the worktree has are said, and keep it from being deleted', () =>
  withTree(async ({ tree, work, remove }) => {
    writeFiles(tree, { '.env': 'KEY=1\n', 'notes/today.md': 'x', 'sub/local.sqlite': 'data', 'deep/a/b.txt': 'x' });
    assert.equal(await work(), [many(4, '.env, deep/, notes/ …')]);
    const error: Failure = await remove().then(() => assert.unreachable(), (failure) => failure);
    assert.is(error.code, 'unmerged_work');
    assert.match(error.message, '4 files or folders that git ignores');
  }));

test('what tools make again, caches by their tag, and empty folders are none', () =>
  withTree(async ({ tree, work, remove }) => {
    writeFiles(tree, {
      ...{ 'node_modules/x/index.js': '', 'pkg/node_modules/y/index.js': '', 'target/debug/app': '', 'x.log': 'x' },
      ...{ 'a.pyc': '', 'cache/CACHEDIR.TAG': 'Signature: 8a477f597d28d172789f06886806bc55', 'cache/big': 'x' },
    });
    mkdirSync(join(tree, 'empty/inner'), { recursive: true });
    assert.equal(await work(), []);
    await remove();
  }));

test('a copy of what the repository has is none, until it is changed on either side', () =>
  withTree(async ({ repo, tree, work }) => {
    const expected = ['1 file or folder that git ignores is nowhere else: .env.local'];
    writeFiles(tree, { '.env.local': 'same\n' });
    assert.equal(await work(), []);
    writeFiles(tree, { '.env.local': 'mine\n' });
    assert.equal(await work(), expected);
    writeFiles(tree, { '.env.local': 'same\n' });
    writeFiles(repo, { '.env.local': 'the' });
    assert.equal(await work(), expected);
  }, { before: (repo) => writeFiles(repo, { '.env.local': 'same\n' }), settings: { copyFiles: [] } }));

test('files that were copied into the worktree are none as long as they are as they were', () =>
  withTree(async ({ repo, tree, work }) => {
    writeFiles(repo, { '.env': 'changed in the repository\n' });
    assert.equal(await work(), []);
    writeFiles(tree, { '.env': 'changed by the agent\n' });
    assert.equal(await work(), ['1 file or folder that git ignores is nowhere else: .env']);
  }, { before: (repo) => writeFiles(repo, { '.env': 'KEY=1\n' }), settings: { copyFiles: ['.env'] } }));

test('what setup commands made is none; what came later is', () =>
  withTree(async ({ tree, work }) => {
    writeFileSync(join(tree, '.env.later'), 'x');
    assert.equal(await work(), ['1 file or folder that git ignores is nowhere else: .env.later']);
  }, { settings: { setupCommands: ['mkdir notes', 'touch notes/made .env made.sqlite'] } }));

test("what the user's own global settings ignore counts too", () =>
  withTree(async ({ repo, tree, work }) => {
    writeFiles(tree, { 'secret.key': 'x' });
    writeFileSync(join(repo, '../ignore'), '*.key\n');
    const lost = await withGlobalSettings(`[core]\n  excludesFile = ${join(repo, '../ignore')}\n`, work);
    assert.equal(lost, ['1 file or folder that git ignores is nowhere else: secret.key']);
  }));

test.run();
