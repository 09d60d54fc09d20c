import { spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BEAT_MS, lockDirectory, LockedError, refuseIfInUse, WATCH_MS } from '../../../agent/store/lock.ts';
import { processIdentity } from '../../../agent/process/identity.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { nodeTest } from '../../support/harness/node-test.ts';

const MODULE = fileURLToPath(new URL('../../../agent/store/lock.ts', import.meta.url));
let directory: string;
let path: string;
test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'lock-'));
  path = join(directory, 'lock');
});
test.after.each(() => rmSync(directory, { recursive: true, force: true }));

/** Takes the lock while the time passes. `each` runs every 250 ms of it. @returns how long it took, or the refusal */
async function take(each: (ms: number) => void = () => {}): Promise<{ ms: number; error: Error | null }> {
  const clock = fakeClock();
  let outcome: { error: Error | null } | null = null;
  const begun = clock.monotonic();
  void lockDirectory(directory, { clock }).then((release) => {
    release();
    outcome = { error: null };
  }, (error) => outcome = { error });
  for (;;) {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    const ms = clock.monotonic() - begun;
    if (outcome) return { ms, ...(outcome as { error: Error | null }) };
    if (ms > 60_000) throw new Error('neither taken nor refused');
    each(ms);
    clock.advance(250);
  }
}

let touches = 0;
/** As a holder in another PID namespace does it. */
const touch = () => utimesSync(path, ++touches, touches);
const write = (lock: unknown) => writeFileSync(path, typeof lock === 'string' ? lock : JSON.stringify(lock));

test('one server a directory: the second is refused at once and told the pid; a release leaves nothing', async () => {
  const release = await lockDirectory(directory);
  const { ms, error } = await take();
  assert.instance(error, LockedError);
  assert.match(error!.message, `pid ${process.pid}`);
  assert.is(ms, 0);
  release();
  assert.equal(await take(), { ms: 0, error: null });
  assert.equal(readdirSync(directory), []);
});

test('the lock of a process that is provably gone is taken over at once', async () => {
  const release = await lockDirectory(directory);
  const mine = JSON.parse(readFileSync(path, 'utf8'));
  release();
  const gone = spawnSync('true').pid;
  for (const lock of [{ ...mine, pid: gone }, { ...mine, startTime: '1' }]) {
    write(lock);
    assert.equal(await take(), { ms: 0, error: null }, JSON.stringify(lock));
  }
});

test('what the process table cannot prove is watched: a lock that is touched is held, one that is not is taken over', async () => {
  const release = await lockDirectory(directory);
  const mine = JSON.parse(readFileSync(path, 'utf8'));
  release();
  const locks = [
    ['another PID namespace', { ...mine, pid: 1, namespace: 'pid:[1]' }],
    ['another boot, or another machine', { ...mine, bootId: 'another' }],
    ['no /proc there', { ...mine, startTime: '', bootId: '', namespace: '' }],
    ['damaged', 'nonsense'],
    ['empty after a power loss', ''],
    ['of a later version', { holder: 'x' }],
  ] as const;
  for (const [name, lock] of locks) {
    write(lock);
    const held = await take((ms) => ms % BEAT_MS === 0 && touch());
    assert.instance(held.error, LockedError, name);
    assert.ok(held.ms <= 2 * BEAT_MS, name);
    const stale = await take();
    assert.is(stale.error, null, name);
    assert.ok(stale.ms >= WATCH_MS && stale.ms < WATCH_MS + 500, `${name}: ${stale.ms} ms`);
  }
});

test('a lock that cannot be read refuses the start: nothing is known', async () => {
  mkdirSync(path);
  const { error } = await take();
  assert.instance(error, LockedError);
  assert.match(error!.message, /cannot be read .* delete it/);
  await refuseIfInUse(directory).then(() => assert.unreachable(), (cause) => assert.instance(cause, LockedError));
});

nodeTest('a process without free file descriptors takes nobody for dead', async () => {
  const release = await lockDirectory(directory);
  const script = `
    import { openSync } from 'node:fs';
    import { lockDirectory, refuseIfInUse } from ${JSON.stringify(MODULE)};
    const open = () => { try { for (;;) openSync('/dev/null'); } catch {} };
    open();
    for (const act of [lockDirectory, refuseIfInUse]) {
      await act(${JSON.stringify(directory)}).then(() => console.log('taken'), () => console.log('refused'));
    }
    process.exit(0);`;
  const command = 'ulimit -n 128; exec "$0" --import tsx --input-type=module -e "$1"';
  const { stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' });
  assert.is(stdout, 'refused\nrefused\n', stderr);
  assert.ok(readFileSync(path, 'utf8'));
  release();
});

test('locks of the version before: one of a process that runs is respected, one of another boot taken over', async () => {
  write({ ...processIdentity(process.pid)! });
  assert.instance((await take()).error, LockedError);
  write({ ...processIdentity(process.pid)!, startTime: '1' });
  assert.equal(await take(), { ms: 0, error: null });
  write({ pid: process.pid, startTime: '1', bootId: 'another boot', mark: '' });
  assert.equal(await take(), { ms: 0, error: null });
});

test('the holder touches its lock, and says when another has taken it', async () => {
  const clock = fakeClock();
  let lost = 0;
  const release = await lockDirectory(directory, { clock, onLost: () => lost++ });
  utimesSync(path, 1, 1);
  clock.advance(BEAT_MS);
  assert.ok(Date.now() - statSync(path).mtimeMs < 60_000);
  write({ ...JSON.parse(readFileSync(path, 'utf8')), instance: 'another' });
  clock.advance(5 * BEAT_MS);
  assert.is(lost, 1);
  release();
  assert.ok(readFileSync(path, 'utf8'), 'the lock of the other stays');
  assert.is(clock.pending, 0);
});

test('eight starts at once, 125 times: one takes the lock', async () => {
  for (let round = 0; round < 125; round++) {
    if (round % 2) write({ pid: spawnSync('true').pid, startTime: '1', bootId: 'another', mark: '' });
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => lockDirectory(directory).catch((error: Error) => error)),
    );
    const taken = outcomes.filter((outcome) => typeof outcome === 'function');
    assert.is(taken.length, 1, `round ${round}: ${outcomes.filter((outcome) => outcome instanceof Error)}`);
    taken[0]!();
  }
  assert.equal(readdirSync(directory), []);
});

const canUnshare = !('Deno' in globalThis) &&
  spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0;
(canUnshare ? test : test.skip)('two servers in two PID namespaces: the second is refused', async () => {
  const script = `
    import { lockDirectory } from ${JSON.stringify(MODULE)};
    await lockDirectory(${JSON.stringify(directory)}).then(() => console.log('taken', process.pid), (error) => {
      console.log(error.message);
      process.exit(0);
    });
    setInterval(() => {}, 1000);`;
  const start = () =>
    spawn('unshare', [
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      process.execPath,
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      script,
    ], { stdio: ['ignore', 'pipe', 'inherit'] });
  const says = (child: ReturnType<typeof start>) =>
    new Promise<string>((resolve) => child.stdout!.once('data', (text) => resolve(String(text))));
  const first = start();
  const taken = await says(first);
  const second = start();
  const refused = await says(second);
  for (const child of [first, second]) child.kill('SIGKILL');
  assert.match(taken, /^taken 1$/m);
  assert.match(refused, /Another server \(pid 1\) uses the data folder/);
});

test.run();
