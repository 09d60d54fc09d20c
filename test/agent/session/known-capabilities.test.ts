import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Capabilities } from '../../../core/api/agents.ts';
import { KnownCapabilities, MAX_KNOWN } from '../../../agent/session/known-capabilities.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { READY, settle, withScriptedAgents } from '../../support/harness/scripted-agents.ts';

const capabilities = (name: string): Capabilities => ({
  models: [{ value: 'm', label: 'M', efforts: ['low'] }],
  commands: [{ name, description: 'does it', argumentHint: '' }],
  modes: ['default', 'plan'],
  account: 'a',
});

test('what one agent said it can is known for another that never ran, also after a restart', () =>
  withScriptedAgents(async (place) => {
    const first = await place.create('work');
    assert.is(place.agents.capabilities(first.id), null, 'nobody has said anything');
    place.session().emit({ type: 'ready', sessionId: null, version: '1', capabilities: capabilities('clear') });
    place.session().emit(...READY);
    const second = await place.create();
    // Known once it is on disk.
    while (!place.agents.capabilities(second.id)) await settle();
    assert.equal(place.agents.capabilities(second.id), capabilities('clear'));
    await place.restart();
    assert.equal(place.agents.capabilities(second.id), capabilities('clear'));
    const other = await place.create('work', undefined, 'codex');
    assert.is(place.agents.capabilities(other.id), null, 'not that of another program');
  }));

test('the newest is remembered, so many programs, and a file that is not understood is kept aside', async () => {
  const { path, remove } = temporaryDirectory();
  const context = testContext({ dataDir: path });
  const known = new KnownCapabilities(context);
  for (let i = 0; i <= MAX_KNOWN; i++) known.note(`p${i}`, capabilities('old'));
  known.note(`p${MAX_KNOWN}`, capabilities('new'));
  await known.close();
  const after = new KnownCapabilities(context);
  assert.equal([after.of('p0'), after.of('p1'), after.of('constructor')], [null, capabilities('old'), null]);
  assert.equal(after.of(`p${MAX_KNOWN}`), capabilities('new'));
  const file = join(path, 'capabilities.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"commands":\s*\[/g, '"commands":[7,'));
  const damaged = new KnownCapabilities(context);
  assert.is(damaged.of('p1'), null);
  assert.match(context.warnings.get('capabilities')!, /could not be read/);
  damaged.note('p1', capabilities('again'));
  await damaged.close();
  assert.equal(new KnownCapabilities(context).of('p1'), capabilities('again'));
  remove();
});

test.run();
