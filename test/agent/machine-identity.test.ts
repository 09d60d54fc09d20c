/** The machine's id: made once, saved in the data directory, and corrected by the relay. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readConfig } from '../../agent/config.ts';
import { MachineIdentity, readMachineId } from '../../agent/settings/machine-identity.ts';
import { isMachineId } from '../../core/api/machines.ts';

const RELAY = { RELAY_URL: 'wss://relay.test/tunnel', RELAY_TOKEN: 'x'.repeat(43) };
let dataDir: string;
test.before.each(() => void (dataDir = mkdtempSync(join(tmpdir(), 'identity-'))));
test.after.each(() => rmSync(dataDir, { recursive: true }));

function open(env: Record<string, string> = RELAY): { identity: MachineIdentity; warnings: string[] } {
  const warnings: string[] = [];
  const config = readConfig({ ...env, DATA_DIR: dataDir });
  return { identity: new MachineIdentity({ config, warn: (_code, text) => warnings.push(text) }), warnings };
}
const file = () => join(dataDir, 'machine.json');

test('an id is made once and goes where the data goes', async () => {
  const { identity } = open();
  assert.ok(isMachineId(identity.id));
  assert.is(identity.atRelay, null, 'no relay has said that it knows it');
  assert.is(readMachineId(dataDir), null, 'nothing is saved by looking');
  await identity.save();
  assert.is(open().identity.id, identity.id);
  assert.is(readMachineId(dataDir), identity.id);
  assert.is.not(new Set([identity.id, open({}).identity.id]).size, 2);
});

test("the relay's word counts, and an older relay's silence", async () => {
  const { identity } = open();
  await identity.setByRelay('machine1');
  assert.is(identity.id, 'machine1');
  assert.is(identity.atRelay, 'machine1');
  assert.is(open().identity.atRelay, 'machine1', 'after a restart, before the relay is reached');
  assert.is(open({}).identity.atRelay, null, 'without a relay');
  await identity.setByRelay(undefined);
  assert.is(identity.id, 'machine1');
  assert.is(identity.atRelay, null);
});

test('a damaged file is said, and does not stop anything', async () => {
  for (
    const text of ['{', 'null', '5', '{"id":"../x","isKnown":true}', '{"id":"machine1"}', '{"id":7,"isKnown":true}']
  ) {
    writeFileSync(file(), text);
    assert.is(readMachineId(dataDir), null, text);
    const { identity, warnings } = open();
    assert.ok(isMachineId(identity.id), text);
    if (text !== 'null') assert.ok(warnings.some((warning) => warning.includes('machine.json')), text);
    await identity.save();
    assert.is(JSON.parse(readFileSync(file(), 'utf8')).id ?? readMachineId(dataDir), identity.id, text);
  }
});

test.run();
