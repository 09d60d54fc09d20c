/** OpenCLI from npm, really installed: on an agent's PATH, with its skills, and gone again. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OPENCLI, openCliStatus, removeOpenCli, syncOpenCli } from '../../agent/tools/opencli.ts';
import { cleanEnvironment } from '../../agent/process/environment.ts';
import { temporaryDirectory } from '../support/harness/git.ts';

test('sync installs the pinned version, agents find it, and removing leaves nothing', async () => {
  const { path, remove } = temporaryDirectory();
  const before = process.env.PATH;
  try {
    const [dataDir, home] = [join(path, 'data'), join(path, 'home')];
    assert.is(await syncOpenCli({ dataDir, home }), OPENCLI.version);
    assert.equal(
      await openCliStatus(dataDir),
      { name: 'opencli', installed: true, version: OPENCLI.version, loggedIn: null, text: '' },
    );
    // The environment in which a session's CLI, and so its shell, is started.
    const env = cleanEnvironment(process.env, { HOME: home });
    const list = JSON.parse(
      execFileSync('opencli', ['list', '-f', 'json'], { env, cwd: path, encoding: 'utf8', maxBuffer: 1e8 }),
    );
    assert.ok(Array.isArray(list) ? list.length > 10 : Object.keys(list).length > 0);
    for (const directory of ['.claude/skills', '.agents/skills']) {
      const skills = readdirSync(join(home, directory));
      assert.ok(skills.length > 0 && skills.every((name) => name.startsWith('opencli-')), directory);
      assert.ok(skills.every((name) => existsSync(join(home, directory, name, 'SKILL.md'))));
    }
    await removeOpenCli(dataDir);
    assert.equal([existsSync(join(dataDir, 'opencli')), readdirSync(join(home, '.claude/skills'))], [false, []]);
    assert.is(process.env.PATH, before);
  } finally {
    process.env.PATH = before;
    remove();
  }
});

test.run();
