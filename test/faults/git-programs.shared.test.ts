/**
 * Looking at a repository runs none of its programs: every setting of git's documentation that can name one does, wherever git
 * reads settings, and every route is walked.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { configLine, PROGRAM_SETTINGS } from '../support/harness/git-canaries.ts';
import { IDENTITY, LOOK, runsByGit, walk, type WalkFixture, withAgent, work } from '../support/harness/git-walk.ts';
import { runGit, writeFiles } from '../support/harness/git.ts';

/** Where git reads settings of a repository from → how they come to be there. */
const PLACES: Record<string, (fixture: WalkFixture) => void> = {
  "the repository's config": ({ repo, canaries }) => appendFileSync(join(repo, '.git/config'), canaries.config),
  "the worktree's config": ({ repo, tree, canaries }) => {
    appendFileSync(join(repo, '.git/config'), configLine('extensions.worktreeConfig', 'true'));
    writeFileSync(join(runGit(tree, 'rev-parse', '--absolute-git-dir'), 'config.worktree'), canaries.config);
  },
  'a file of the worktree that is included': ({ repo, tree, canaries }) => {
    writeFileSync(join(tree, '.settings'), canaries.config);
    appendFileSync(join(repo, '.git/config'), configLine('include.path', join(tree, '.settings')));
  },
  'files that are included under conditions': ({ repo, directory, canaries }) => {
    writeFileSync(join(directory, 'settings'), canaries.config);
    for (const condition of [`gitdir:${repo}/`, 'gitdir/i:**', 'onbranch:**']) {
      appendFileSync(join(repo, '.git/config'), configLine(`includeIf.${condition}.path`, join(directory, 'settings')));
    }
  },
};

/** Where attributes stand. */
const ATTRIBUTES: Record<string, (fixture: WalkFixture, text: string) => void> = {
  '.gitattributes': ({ tree }, text) => writeFileSync(join(tree, '.gitattributes'), text),
  'info/attributes': ({ repo }, text) => {
    mkdirSync(join(repo, '.git/info'), { recursive: true });
    writeFileSync(join(repo, '.git/info/attributes'), text);
  },
};

for (const [i, [place, plant]] of Object.entries(PLACES).entries()) {
  // Each kind of attributes with two places: what is read of the settings does not depend on them.
  const [attributes, write] = Object.entries(ATTRIBUTES)[i % 2]!;
  test(`settings in ${place}, attributes in ${attributes}: no route runs a program`, () =>
    withAgent({}, async (fixture) => {
      const { repo, tree, canaries, ask } = fixture;
      work(tree);
      write(fixture, canaries.attributes('guarded*'));
      plant(fixture);
      canaries.plantHooks(join(repo, '.git'));
      const replies = await walk(fixture);
      assert.equal([replies['GET /changes']!.body.repository, replies['DELETE ']!.body.code], [
        true,
        'unmerged_work',
      ]);
      assert.match(replies['GET /changes/patch']!.text, /^\+new$/m);
      for (const name of ['commit all', 'discard guarded', 'discard all']) {
        assert.equal([replies[name]!.status, replies[name]!.body.code], [409, 'filter_ignored'], name);
      }
      assert.is(replies['commit some']!.status, 200);
      assert.equal([replies.merge!.status, replies.merge!.body.commits], [200, 2]);
      plant(fixture);
      writeFiles(tree, { 'guarded.txt': 'two\n' });
      write(fixture, canaries.attributes('guarded*'));
      assert.ok(
        runsByGit(canaries, tree, ...LOOK).some((name) => name.startsWith('filter.canary.')),
        'the canaries sing',
      );
      assert.is((await ask('DELETE', '?discardWork=1')).status, 200);
      assert.equal(canaries.runs(), []);
    }));
}

test('an agent in the folder itself: no route runs a program', () =>
  withAgent({ worktree: false }, async (fixture) => {
    const { repo, tree, canaries } = fixture;
    work(tree);
    ATTRIBUTES['.gitattributes']!(fixture, canaries.attributes('guarded*'));
    appendFileSync(join(repo, '.git/config'), canaries.config);
    canaries.plantHooks(join(repo, '.git'));
    const replies = await walk(fixture);
    assert.is(replies['GET /changes']!.body.repository, true);
    assert.is(replies['commit some']!.status, 200);
    assert.is(replies['commit all']!.body.code, 'filter_ignored');
    assert.ok(runsByGit(canaries, tree, ...LOOK).length > 0);
  }));

/** How a driver comes to be the one of a file. */
const DRIVERS: Record<string, (repo: string) => void> = {
  'an attribute': (repo) => writeFileSync(join(repo, '.git/info/attributes'), 'both.txt merge=canary\n'),
  'merge.default': (repo) => appendFileSync(join(repo, '.git/config'), configLine('merge.default', 'canary')),
};
for (const [name, plant] of Object.entries(DRIVERS)) {
  test(`a file that both sides changed is not merged without the repository's own driver: ${name}`, () =>
    withAgent({}, async (fixture) => {
      const { repo, tree, canaries, ask } = fixture;
      plant(repo);
      appendFileSync(join(repo, '.git/config'), canaries.config);
      const before = [runGit(repo, 'rev-parse', 'HEAD'), readFileSync(join(repo, 'both.txt'), 'utf8')];
      const reply = await ask('POST', '/changes/merge', {});
      assert.equal([reply.status, reply.body.code, canaries.runs()], [409, 'filter_ignored', []]);
      assert.match(reply.body.error, /both\.txt.*git config --global/);
      assert.equal([runGit(repo, 'rev-parse', 'HEAD'), readFileSync(join(repo, 'both.txt'), 'utf8')], before);
      assert.ok(runsByGit(canaries, tree, [...IDENTITY, 'merge', 'main']).includes('merge.canary.driver'));
    }));
}

test('a file that a merge would write through a filter of the repository is not written without it', () =>
  withAgent({}, async ({ repo, canaries, ask }) => {
    writeFileSync(join(repo, '.git/info/attributes'), 'agent.txt filter=canary\n');
    appendFileSync(join(repo, '.git/config'), canaries.config);
    const reply = await ask('POST', '/changes/merge', {});
    assert.equal([reply.status, reply.body.code, canaries.runs()], [409, 'filter_ignored', []]);
    assert.match(reply.body.error, /agent\.txt/);
  }));

test('the list of settings has those that are known to run programs', () => {
  const keys = PROGRAM_SETTINGS.settings.map(({ key }) => key);
  for (
    const key of [
      ...['filter.<driver>.clean', 'filter.<driver>.smudge', 'filter.<driver>.process', 'merge.<driver>.driver'],
      ...['diff.<driver>.textconv', 'diff.<driver>.command', 'diff.external', 'core.fsmonitor', 'core.hooksPath'],
      ...['remote.<name>.uploadpack', 'core.sshCommand', 'core.gitProxy', 'core.askPass', 'credential.helper'],
      ...['gpg.program', 'core.editor', 'core.pager', 'sequence.editor', 'alias.*', 'core.alternateRefsCommand'],
    ]
  ) {
    assert.ok(keys.includes(key), key);
  }
});

test.run();
