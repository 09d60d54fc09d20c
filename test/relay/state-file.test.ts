/** The state file: a failed save is repeated, and only the relay that wrote the file last replaces it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../core/log.ts';
import { type RelayState, StateFile } from '../../relay/state-file.ts';

interface Place {
  directory: string;
  file: string;
  lines: string[];
  open(): StateFile;
}

function withPlace(name: string, run: (place: Place) => void) {
  test(name, () => {
    const directory = mkdtempSync(join(tmpdir(), 'state-'));
    const file = join(directory, 'state.json');
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line) });
    try {
      run({ directory, file, lines, open: () => new StateFile(file, log) });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

const stateOf = (key: string): RelayState => ({ version: 1, password: null, sessions: { key, sessions: [] } });
const keyIn = (file: string): string => (JSON.parse(readFileSync(file, 'utf8')) as RelayState).sessions.key;

/** Ways for a directory to refuse the file, each with what mends it. They hold for root too. */
const OBSTACLES: [name: string, put: (place: Place) => () => void][] = [
  ['something in the way that cannot be removed', ({ file }) => {
    const fresh = `${file}.${process.pid}.new`;
    mkdirSync(fresh);
    return () => rmSync(fresh, { recursive: true });
  }],
  ['the directory is away', ({ directory }) => {
    renameSync(directory, `${directory}.away`);
    return () => renameSync(`${directory}.away`, directory);
  }],
  ['the directory is a file now', ({ directory }) => {
    renameSync(directory, `${directory}.away`);
    writeFileSync(directory, '');
    return () => {
      rmSync(directory);
      renameSync(`${directory}.away`, directory);
    };
  }],
];
for (const [name, put] of OBSTACLES) {
  withPlace(`${name}: not saved, said once, and saved as soon as it is possible again`, (place) => {
    const state = place.open();
    assert.ok(state.save(stateOf('first')));
    const mend = put(place);
    for (let i = 0; i < 3; i++) state.save(stateOf('second'));
    assert.is(place.lines.filter((line) => line.includes('in memory only')).length, 1);
    mend();
    assert.is(keyIn(place.file), 'first');
    assert.is(state.save(stateOf('third')), true);
    assert.is(keyIn(place.file), 'third');
    assert.ok(place.lines.at(-1)!.includes('saved again'));
    assert.equal(readdirSync(place.directory), ['state.json'], 'nothing is left behind');
  });
}

withPlace(
  'a save that failed is false while a restart would find an older state, true while it would find none',
  (place) => {
    const state = place.open();
    const mend = OBSTACLES[0]![1](place);
    assert.is(state.save(stateOf('first')), true, 'there is no file');
    mend();
    state.save(stateOf('first'));
    OBSTACLES[0]![1](place);
    assert.is(state.save(stateOf('second')), false);
  },
);

withPlace('a relay that drains does not replace what the next relay has loaded', (place) => {
  const old = place.open();
  old.load();
  assert.ok(old.save(stateOf('old')));
  const next = place.open();
  assert.is(next.load()!.sessions.key, 'old');
  assert.is(old.save(stateOf('of the old one, too late')), false);
  assert.is(keyIn(place.file), 'old');
  assert.ok(place.lines.at(-1)!.includes('another relay has written the file'));
  assert.is(next.save(stateOf('next')), true);
  assert.is(old.save(stateOf('and again')), false);
  assert.is(keyIn(place.file), 'next');
});

withPlace('two relays that start on no file: the second to save leaves the file alone', (place) => {
  const [single, other] = [place.open(), place.open()];
  assert.is(single.load(), null);
  assert.is(other.load(), null);
  assert.ok(single.save(stateOf('one')));
  assert.is(other.save(stateOf('other')), false);
  assert.is(keyIn(place.file), 'one');
});

withPlace(
  'a file of a relay without revisions is loaded and replaced, also when that relay writes once more',
  (place) => {
    writeFileSync(place.file, JSON.stringify(stateOf('before')));
    const state = place.open();
    assert.is(state.load()!.sessions.key, 'before');
    writeFileSync(place.file, JSON.stringify(stateOf('its last save')));
    assert.is(state.save(stateOf('now')), true);
    assert.is(keyIn(place.file), 'now');
  },
);

withPlace('a file that was removed is written anew', (place) => {
  const state = place.open();
  state.save(stateOf('first'));
  rmSync(place.file);
  assert.is(state.save(stateOf('second')), true);
  assert.is(keyIn(place.file), 'second');
});

withPlace('a file that was damaged meanwhile is not overwritten', (place) => {
  const state = place.open();
  state.save(stateOf('first'));
  writeFileSync(place.file, '{"version":1');
  assert.is(state.save(stateOf('second')), false);
  assert.is(readFileSync(place.file, 'utf8'), '{"version":1');
});

test.run();
