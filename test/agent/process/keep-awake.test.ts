/** The machine is holding awake by one process, while a turn runs and no longer; what stands in the way is said. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Awake } from '../../../agent/session/awake.ts';
import { systemClock } from '../../../core/clock.ts';
import { DONE, READY, type ScriptedAgents, settle, withScriptedAgents } from '../../support/harness/scripted-agents.ts';

/** Stands for systemd-inhibit: writes its arguments and runs what it is told to. */
const INHIBIT = `#!/bin/sh
printf '%s\\n' "$@" > "$(dirname "$0")/arguments"
while [ "\${1#--}" != "$1" ]; do shift; done
exec "$@"
`;
const FAILING = '#!/bin/sh\necho "Access denied" >&2\nexit 1\n';

function awake(
  place: ScriptedAgents,
  it: { isOn: boolean },
  script: string | null,
  platform: NodeJS.Platform = 'linux',
) {
  if (script !== null) {
    writeFileSync(join(place.directory, 'systemd-inhibit'), script);
    chmodSync(join(place.directory, 'systemd-inhibit'), 0o755);
  }
  const context = { ...place.context, clock: { ...place.clock, setTimeout: place.clock.setTimeout } };
  return new Awake({
    ...{ context, agents: place.agents, platform, isOn: () => it.isOn },
    env: { PATH: `${place.directory}:${script === null ? '' : process.env.PATH}` },
  });
}

function isAlive(pid: number | null): boolean {
  try {
    return pid !== null && process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(is: () => boolean): Promise<void> {
  for (const end = systemClock.now() + 5000; !is();) {
    if (systemClock.now() > end) throw new Error('it did not come to be');
    await settle();
  }
}

test('one process for all turns, from the first to the last; none while it is off', () =>
  withScriptedAgents(async (place) => {
    const it = { isOn: false };
    const holding = awake(place, it, INHIBIT);
    await place.create('a');
    await place.create('b');
    const [first, second] = place.provider.sessions;
    first!.emit(...READY, { type: 'turn.start' });
    assert.is(holding.pid, null);
    it.isOn = true;
    place.context.publish({ type: 'settings' });
    const { pid } = holding;
    assert.ok(isAlive(pid));
    second!.emit(READY[0]!, { type: 'turn.start' });
    first!.emit({ type: 'message.status', id: first!.calls[0]![0], status: 'sent' }, DONE);
    assert.is(holding.pid, pid, 'the other turn runs');
    await until(() => readArguments(place).includes('--what=idle:sleep'));
    second!.emit(DONE);
    place.clock.advance(4_000);
    assert.is(holding.pid, pid, 'the next turn may follow');
    place.clock.advance(2_000);
    assert.is(holding.pid, null);
    await until(() => !isAlive(pid));
    first!.emit({ type: 'turn.start' });
    const again = holding.pid;
    assert.ok(isAlive(again));
    it.isOn = false;
    place.context.publish({ type: 'settings' });
    assert.is(holding.pid, null);
    await until(() => !isAlive(again));
    await holding.close();
  }));

const readArguments = (place: ScriptedAgents): string => {
  try {
    return readFileSync(join(place.directory, 'arguments'), 'utf8');
  } catch {
    return '';
  }
};

test('the end of the server ends it', () =>
  withScriptedAgents(async (place) => {
    const holding = awake(place, { isOn: true }, INHIBIT);
    await place.create('a');
    const { pid } = holding;
    assert.ok(isAlive(pid));
    await holding.close();
    assert.not(isAlive(pid));
  }));

test('what stands in the way is said, tried again later, and taken back', () =>
  withScriptedAgents(async (place) => {
    const it = { isOn: true };
    const said = () => place.context.warnings.get('keep-awake') ?? '';
    const failing = awake(place, it, FAILING);
    await place.create('a');
    await until(() => said() !== '');
    assert.match(said(), /^The machine cannot be kept awake: .*Access denied/s);
    it.isOn = false;
    place.context.publish({ type: 'settings' });
    assert.is(said(), '');
    await failing.close();
    it.isOn = true;
    const unsupported = awake(place, it, INHIBIT, 'freebsd');
    assert.is(said(), 'This system has no program that keeps the machine awake.');
    await unsupported.close();
  }));

test('a program that is not there is named', () =>
  withScriptedAgents(async (place) => {
    await place.create('a');
    const missing = awake(place, { isOn: true }, null);
    assert.is(
      place.context.warnings.get('keep-awake'),
      'The machine cannot be kept awake: systemd-inhibit is not installed.',
    );
    await missing.close();
  }));

test.run();
