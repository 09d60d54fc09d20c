/**
 * Looking at a worktree runs no program of a repository inside it, nor of the remote of a partial clone: each has every setting
 * of git's documentation that can name one, and every route is walked.
 */
import { appendFileSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Canaries, configLine } from '../support/harness/git-canaries.ts';
import { FILES, LOOK, runsByGit, walk, type WalkFixture, withAgent, work } from '../support/harness/git-walk.ts';
import { commitAll, makeRepository, runGit, writeFiles } from '../support/harness/git.ts';

/** Repositories that an agent can make inside its worktree → the path that plain git would look into. */
const NESTED: Record<string, (fixture: WalkFixture) => string> = {
  'a repository of its own': ({ tree, canaries }) => nested(join(tree, 'nested'), canaries),
  'a repository of its own, added to the index': ({ tree, canaries }) => {
    const path = nested(join(tree, 'nested'), canaries);
    runGit(tree, 'add', 'nested');
    return path;
  },
  'a repository of its own, committed': ({ tree, canaries }) => {
    makeRepository(join(tree, 'nested'), FILES);
    commitAll(tree, 'nested');
    return nested(join(tree, 'nested'), canaries);
  },
  'a repository in node_modules, committed': ({ tree, canaries }) => {
    makeRepository(join(tree, 'node_modules/nested'), FILES);
    commitAll(tree, 'nested');
    return nested(join(tree, 'node_modules/nested'), canaries);
  },
  'a repository whose .git is a file': ({ tree, directory, canaries }) => {
    nested(join(directory, 'elsewhere'), canaries);
    writeFiles(tree, {
      'nested/.git': `gitdir: ${join(directory, 'elsewhere/.git')}\n`,
      'nested/guarded.txt': 'two\n',
    });
    return join(tree, 'nested');
  },
  'a repository whose .git is a link': ({ tree, directory, canaries }) => {
    nested(join(directory, 'elsewhere'), canaries);
    writeFiles(tree, { 'nested/guarded.txt': 'two\n' });
    symlinkSync(join(directory, 'elsewhere/.git'), join(tree, 'nested/.git'));
    return join(tree, 'nested');
  },
  'a link to a repository': ({ tree, directory, canaries }) => {
    const path = nested(join(directory, 'elsewhere'), canaries);
    symlinkSync(path, join(tree, 'nested'));
    return path;
  },
};

/** A repository with a commit, changes and canaries. */
function nested(path: string, canaries: Canaries): string {
  makeRepository(path, FILES);
  work(path);
  writeFiles(path, { '.gitattributes': canaries.attributes() });
  appendFileSync(join(path, '.git/config'), canaries.config);
  canaries.plantHooks(join(path, '.git'));
  return path;
}

for (const [name, make] of Object.entries(NESTED)) {
  test(`${name}: it is looked at without running anything in it`, () =>
    withAgent({}, async (fixture) => {
      const path = make(fixture);
      const replies = await walk(fixture);
      assert.is(replies['DELETE ']!.body.code, 'unmerged_work');
      const isLooked = name !== 'a link to a repository';
      assert.is(/repository inside has work/.test(replies['delete again']!.body.error), isLooked);
      assert.ok(runsByGit(fixture.canaries, path, ...LOOK).length > 0, 'the canaries sing');
    }));
}

test('a submodule: it is looked at without running anything in it', () =>
  withAgent({
    prepare: ({ directory, repo }) => {
      const library = makeRepository(join(directory, 'library'), FILES);
      runGit(repo, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'lib');
      commitAll(repo, 'submodule');
    },
  }, async (fixture) => {
    const { tree, canaries } = fixture;
    runGit(tree, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init');
    const lib = join(tree, 'lib');
    const gitDir = runGit(lib, 'rev-parse', '--absolute-git-dir');
    runGit(lib, 'commit', '--quiet', '--allow-empty', '-m', 'ahead');
    work(lib);
    writeFiles(lib, { '.gitattributes': canaries.attributes() });
    appendFileSync(join(gitDir, 'config'), canaries.config);
    canaries.plantHooks(gitDir);
    work(tree);
    const replies = await walk(fixture);
    assert.ok(replies['GET /changes']!.body.files.some((file: { path: string }) => file.path === 'lib'));
    assert.match(replies['delete again']!.body.error, /repository inside has work that is nowhere else: lib/);
    assert.ok(runsByGit(canaries, tree, ['status'], ['diff']).length > 0, 'git runs them by looking at the worktree');
  }));

/** Remotes from which git would fetch a missing object. */
const PROMISORS: Record<string, (canaries: Canaries, repo: string) => string> = {
  'uploadpack of a path': (_canaries, repo) => configLine('remote.origin.url', repo),
  'ext::': (canaries) => configLine('remote.origin.url', `ext::${canaries.program('ext')} %S`),
  'core.sshCommand': () => configLine('remote.origin.url', 'ssh://localhost/repo'),
  'core.gitProxy': () => configLine('remote.origin.url', 'git://localhost/repo'),
  'a remote helper': () => configLine('remote.origin.url', 'canary::repo'),
};

for (const [name, remote] of Object.entries(PROMISORS)) {
  test(`an object that is missing in a partial clone is not fetched: ${name}`, () =>
    withAgent({}, async (fixture) => {
      const { repo, tree, canaries } = fixture;
      work(tree);
      const object = runGit(tree, 'rev-parse', 'HEAD:a.txt');
      unlinkSync(join(repo, '.git/objects', object.slice(0, 2), object.slice(2)));
      const settings: [string, string][] = [
        ['core.repositoryFormatVersion', '1'],
        ['extensions.partialClone', 'origin'],
        ['remote.origin.promisor', 'true'],
        ['remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*'],
      ];
      const text = canaries.config + settings.map(([key, value]) => configLine(key, value)).join('');
      const vcs = /\[remote "origin"\]\n\tvcs = .*\n/;
      appendFileSync(join(repo, '.git/config'), text.replace(vcs, '') + remote(canaries, repo));
      canaries.plantHooks(join(repo, '.git'));
      const path = process.env.PATH;
      const helper = canaries.program('git-remote-canary');
      process.env.PATH = `${join(helper, '..')}:${path}`;
      try {
        const replies = await walk(fixture);
        const diff = replies['GET /changes/file?path=a.txt'] ?? replies['GET /changes']!;
        assert.equal([diff.status, diff.body.code], [409, 'git_failed'], diff.text);
        assert.match(diff.body.error, /partial clone.*the server does not fetch/);
        assert.ok(runsByGit(canaries, tree, ['cat-file', '-p', object]).length > 0, 'the canaries sing');
      } finally {
        process.env.PATH = path;
      }
    }));
}

test.run();
