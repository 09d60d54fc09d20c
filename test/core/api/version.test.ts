import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { versionAdvice } from '../../../core/api/version.ts';

const brief = (relay: string, machine: string) => {
  const advice = versionAdvice({ relay, machine });
  return advice && `${advice.old} ${advice.isFar ? 'far' : 'near'}`;
};

test('which end is old, and how far', () => {
  const rows: [string, string, string | null][] = [
    ['0.1.0', '0.1.0', null],
    ['0.1.0', '0.1.7', null],
    ['0.1.9', '0.2.0', 'relay near'],
    ['0.3.0', '0.2.4', 'machine near'],
    ['0.1.0', '0.3.0', 'relay far'],
    ['0.12.0', '0.9.0', 'machine far'],
    ['0.9.0', '1.0.0', 'relay far'],
    ['2.0.0', '1.9.0', 'machine far'],
    ['v0.3.0-rc.1', '0.2.0', 'machine near'],
  ];
  for (const [relay, machine, expected] of rows) assert.is(brief(relay, machine), expected, `${relay} ${machine}`);
});

test('a version that is none says nothing', () => {
  for (const odd of ['', 'unbuilt', 'test', '1', '1.2', '9999999.0.0', '1.0x.0', '<script>1.2.3']) {
    assert.is(brief(odd, '0.1.0'), null, odd);
    assert.is(brief('0.1.0', odd), null, odd);
  }
});

test('the sentence names both versions and what to type', () => {
  assert.is(
    versionAdvice({ relay: '0.1.0', machine: '0.2.0' })!.text,
    'The relay has the older version 0.1.0, the machine has 0.2.0. They work together, but one of them lacks what is new. ' +
      'Update the relay: agent-monitor deploy user@server',
  );
  assert.is(
    versionAdvice({ relay: '0.5.1', machine: '0.2.0' })!.text,
    'The machine has the older version 0.2.0, the relay has 0.5.1. More than one release apart they may not work together. ' +
      'Update it there: agent-monitor update',
  );
});

test.run();
