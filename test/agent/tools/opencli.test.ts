import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { offerOpenCli, OPENCLI, openCliStatus, removeOpenCli, syncOpenCli } from '../../../agent/tools/opencli.ts';
import { temporaryDirectory, writeFiles } from '../../support/harness/git.ts';

/** The folder as npm leaves it; what is tested here is what happens around npm. The real one runs in test/clis. */
function installed(dataDir: string): void {
  const directory = join(dataDir, 'opencli/node_modules');
  writeFiles(directory, {
    '@jackwener/opencli/package.json': JSON.stringify({ version: OPENCLI.version }),
    '.bin/opencli': '#!/bin/sh\necho ran\n',
  });
  chmodSync(join(directory, '.bin/opencli'), 0o755);
}

test('Node below 20 gets a sentence and nothing else', async () => {
  const { path, remove } = temporaryDirectory();
  await syncOpenCli({ dataDir: path, nodeVersion: '18.19.0' }).then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, /needs Node 20 or newer; this is 18\.19\.0/),
  );
  assert.not.ok(existsSync(join(path, 'opencli')));
  remove();
});

test('it is on the PATH only while it is installed, behind what the user has', async () => {
  const { path, remove } = temporaryDirectory();
  const env = { PATH: `/a${delimiter}/b` };
  await offerOpenCli(path, env);
  assert.is(env.PATH, `/a${delimiter}/b`);
  mkdirSync(join(path, 'opencli/bin'), { recursive: true });
  writeFileSync(join(path, 'opencli/bin/opencli'), '');
  await offerOpenCli(path, env);
  await offerOpenCli(path, env);
  assert.is(env.PATH, ['/a', '/b', join(path, 'opencli/bin')].join(delimiter));
  remove();
});

test('removing takes back what was put there and nothing else', async () => {
  const { path, remove } = temporaryDirectory();
  installed(path);
  const [ours, theirs] = [join(path, '.claude/skills/opencli-x'), join(path, '.claude/skills/mine')];
  for (const directory of [ours, theirs]) writeFiles(directory, { 'SKILL.md': 'x' });
  writeFileSync(join(path, 'opencli/skills.json'), JSON.stringify([ours, theirs, '/etc']));
  assert.is((await openCliStatus(path)).version, OPENCLI.version);
  await removeOpenCli(path);
  assert.equal([existsSync(ours), existsSync(theirs), existsSync(join(path, 'opencli'))], [false, true, false]);
  assert.is((await openCliStatus(path)).installed, false);
  remove();
});

test('a failed installation says why and offers nothing', async () => {
  const { path, remove } = temporaryDirectory();
  // By npm's own file: what npm sets in the environment of what it starts does not reach programs that we start.
  mkdirSync(join(path, 'opencli'), { mode: 0o700 });
  writeFileSync(join(path, 'opencli/.npmrc'), 'registry=http://127.0.0.1:1/\nfetch-retries=0\n');
  try {
    await syncOpenCli({ dataDir: path, home: path }).then(
      () => assert.unreachable(),
      (error) => assert.match(error.message, /could not be installed/),
    );
    assert.not.ok(existsSync(join(path, '.claude')));
    assert.is(lstatSync(join(path, 'opencli')).mode & 0o077, 0);
    assert.equal(JSON.parse(readFileSync(join(path, 'opencli/package.json'), 'utf8')), { private: true });
  } finally {
    remove();
  }
});

test.run();
