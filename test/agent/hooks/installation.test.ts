import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HookInstallation } from '../../../agent/hooks/installation.ts';

const directories: string[] = [];
test.after(() => directories.forEach((directory) => rmSync(directory, { recursive: true })));

function bench(text: string | null, mode = 0o600) {
  const directory = mkdtempSync(join(tmpdir(), 'hooks-test-'));
  directories.push(directory);
  const [file, dataDir] = [join(directory, 'claude', 'settings.json'), join(directory, 'data')];
  mkdirSync(join(directory, 'claude'));
  mkdirSync(dataDir);
  if (text !== null) writeFileSync(file, text);
  if (text !== null) chmodSync(file, mode);
  const make = (origin = 'http://127.0.0.1:3456') =>
    new HookInstallation({ settingsFile: file, target: { command: ['/usr/bin/node', 'hook'], origin, dataDir } });
  return { file, dataDir, make, read: () => readFileSync(file, 'utf8') };
}

const SHAPES = [
  '{}',
  '{ }',
  '{"model":"opus"}',
  '{\n  "model": "opus"\n}\n',
  '{\n\t"model": "opus"\n}',
  '{\r\n  "env": {"A": "é"}\r\n}\r\n',
  '{"hooks": {}}',
  '{"hooks": {"Stop": []}, "x": 1}',
  '{\n  "hooks": {\n    "Stop": [{"hooks": [{"type": "command", "command": "say"}]}]\n  }\n}\n',
  '  {"b": [1, 2 ], "hooks": { }, "hooks": {"Notification": [ ]} }  \n\n',
];

test('ten shapes: entered, and taken out again byte for byte, whatever the mode', async () => {
  for (const [i, text] of SHAPES.entries()) {
    const mode = i % 2 ? 0o640 : 0o600;
    const { file, make, read, dataDir } = bench(text, mode);
    assert.is((await make().status()).state, 'off');
    assert.is((await make().install()).state, 'on', text);
    assert.is(statSync(file).mode & 0o777, mode);
    assert.is(JSON.parse(read()).hooks.PermissionRequest.at(-1).hooks.length, 1);
    const once = read();
    assert.is((await make().install()).state, 'on');
    assert.is(read(), once, 'a second time changes nothing');
    assert.is((await make().remove()).state, 'off');
    assert.is(read(), text);
    assert.is(statSync(file).mode & 0o777, mode);
    assert.equal(readdirSync(dataDir), [], 'nothing is left of it');
    await make().remove();
    assert.is(read(), text);
  }
});

test('a file that was not there is gone again, unless somebody has written to it', async () => {
  const { file, make, read } = bench(null);
  assert.is((await make().install()).state, 'on');
  assert.is(statSync(file).mode & 0o777, 0o600);
  await make().remove();
  assert.not.ok(existsSync(file));
  await make().install();
  writeFileSync(file, JSON.stringify({ ...JSON.parse(read()), model: 'opus' }));
  await make().remove();
  assert.equal(JSON.parse(read()), { model: 'opus' });
});

test('for a server at another address they are outdated, replaced, and still leave no trace', async () => {
  const { make, read } = bench('{\n  "model": "opus"\n}\n');
  await make().install();
  const moved = make('http://127.0.0.1:9999');
  assert.is((await moved.status()).state, 'outdated');
  assert.is((await moved.install()).state, 'on');
  assert.is(read().match(/# agent-monitor/g)!.length, 3, 'once each');
  await moved.remove();
  assert.is(read(), '{\n  "model": "opus"\n}\n');
});

test('a link stays one, and what it leads to is changed', async () => {
  const { file, make } = bench(null);
  const real = join(file, '../../dotfiles.json');
  writeFileSync(real, '{"a": 1}');
  symlinkSync('../dotfiles.json', file);
  await make().install();
  assert.ok(lstatSync(file).isSymbolicLink());
  assert.ok(readFileSync(real, 'utf8').includes('agent-monitor'));
  await make().remove();
  assert.is(readFileSync(real, 'utf8'), '{"a": 1}');
  rmSync(real);
  assert.match((await make().status()).problem, /leads nowhere/);
});

test('what is no settings file is left as it is, with a sentence', async () => {
  for (const text of ['', '{"a": 1,}', '[1]', '{"hooks": 1}', '\ufeff{}']) {
    const { make, read } = bench(text);
    assert.is((await make().status()).state, 'off');
    assert.ok((await make().status()).problem, text);
    for (const act of [() => make().install(), () => make().remove()]) {
      const error = await act().then(() => null, (refused) => refused);
      assert.is(error?.code, 'settings_unusable', text);
    }
    assert.is(read(), text);
  }
  const { file, make } = bench(null);
  mkdirSync(file);
  assert.match((await make().status()).problem, /no file of this user/);
  rmSync(join(file, '..'), { recursive: true });
  assert.match((await make().status()).problem, /start the program once/);
});

test('a damaged record of what was there before takes out the entries alone', async () => {
  const { make, read, dataDir } = bench('{"model": "opus", "hooks": {"Stop": []}}');
  await make().install();
  writeFileSync(join(dataDir, 'hooks.json'), '{');
  await make().remove();
  assert.equal(JSON.parse(read()), { model: 'opus' });
});

test.run();
