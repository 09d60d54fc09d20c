import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { installationOf } from '../../cli/update/installation.ts';
import { updateSource } from '../../cli/update/source.ts';
import { installationRoot } from '../../core/installation.ts';

test('how it was installed', () => {
  assert.equal(installationOf('/usr/local/lib/node_modules/agent-monitor'), { kind: 'global', prefix: '/usr/local' });
  assert.equal(installationOf('/home/a/.nvm/versions/node/v20.1.0/lib/node_modules/agent-monitor'), {
    kind: 'global',
    prefix: '/home/a/.nvm/versions/node/v20.1.0',
  });
  assert.equal(installationOf('/home/a/.npm/_npx/1234/node_modules/agent-monitor'), { kind: 'npx' });
  assert.equal(installationOf('/home/a/project/node_modules/agent-monitor'), { kind: 'other' });
  assert.equal(installationOf('/opt/agent-monitor'), { kind: 'other' });
  assert.equal(installationOf(installationRoot()), { kind: 'checkout' });
});

test('what is installed: a file, an https address, a name with its version; nothing by itself', () => {
  const directory = mkdtempSync(join(tmpdir(), 'update-'));
  try {
    const file = join(directory, 'agent-monitor-9.9.9.tgz');
    writeFileSync(file, '');
    assert.is(updateSource(file), file);
    mkdirSync(join(directory, 'sub'));
    assert.is(updateSource(` ${directory}/sub/../agent-monitor-9.9.9.tgz `), file);
    for (const source of ['https://example.org/a.tgz', 'agent-monitor@latest', '@someone/agent-monitor@1.2.3']) {
      assert.is(updateSource(source), source);
    }
    for (const wrong of [undefined, '', '  ']) assert.throws(() => updateSource(wrong), /What is to be installed/);
    assert.throws(() => updateSource('http://example.org/a.tgz'), /Use https/);
    for (const wrong of ['agent-monitor', './nowhere.tgz', '--registry=x']) {
      assert.throws(() => updateSource(wrong), /There is no file/, wrong);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test.run();
