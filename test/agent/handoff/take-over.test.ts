import { execFileSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { commandLine, isPasteable, quoted } from '../../../agent/process/command-line.ts';
import { checkTakeOver, END_MS, endAtDesk, IDLE_MS } from '../../../agent/handoff/take-over.ts';
import type { LiveSession } from '../../../agent/provider/terminal-sessions.ts';
import { transition } from '../../../agent/session/state.ts';
import { type FakeClock, fakeClock } from '../../support/fakes/fake-clock.ts';
import { deskSession } from '../../support/fakes/desk-data.ts';

const PROGRAM = { pid: 7, startTime: '1', bootId: 'b', mark: '' };

const live = (more: Partial<LiveSession> = {}): LiveSession => ({
  ...{ pid: 7, isOwn: true, id: 'a', directory: '/p', name: '', version: '', attach: null, waitingFor: '' },
  ...{ startedBy: 'person', status: 'idle', startedAt: 1, statusAt: 1, process: PROGRAM },
  ...more,
});

/** A program at the desk that ends at one of the signals. */
function world(sessions: LiveSession[], endsAt: 'SIGINT' | 'SIGTERM' | 'never' = 'SIGINT') {
  const clock = fakeClock();
  const signals: string[] = [];
  const state = { sessions, runs: true };
  const end = (interrupt = false) =>
    endAtDesk('a', interrupt, {
      clock,
      source: { list: () => Promise.resolve(state.sessions) },
      isSame: () => state.runs,
      signal(pid, name) {
        assert.is(pid, 7);
        signals.push(name);
        if (name !== endsAt) return true;
        state.runs = false;
        state.sessions = state.sessions.slice(1);
        return true;
      },
    });
  return { clock, signals, state, end };
}

/** Lets time pass until it is settled. */
async function run<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  promise.catch(() => {}).finally(() => isSettled = true);
  while (!isSettled) {
    clock.advance(100);
    for (let i = 0; i < 10; i++) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return await promise;
}

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => 'done', (error: { code: string }) => error.code);

test('an idle program is ended by SIGINT, and is gone before it is done', async () => {
  const { clock, signals, state, end } = world([live()]);
  await run(clock, end());
  assert.equal([signals, state.runs], [['SIGINT'], false]);
});

test('one that does not heed it gets SIGTERM; one that heeds neither stays, and that is said', async () => {
  const slow = world([live()], 'SIGTERM');
  await run(slow.clock, slow.end());
  assert.equal(slow.signals, ['SIGINT', 'SIGTERM']);
  const stubborn = world([live()], 'never');
  assert.is(await code(run(stubborn.clock, stubborn.end())), 'desk_stays');
  assert.ok(stubborn.clock.monotonic() >= 2 * END_MS);
});

test('a turn is waited for, and refused when it takes too long: nothing was sent', async () => {
  const { clock, signals, state, end } = world([live({ status: 'busy' })]);
  const ending = end();
  clock.advance(1000);
  state.sessions = [live()];
  await run(clock, ending);
  assert.equal(signals, ['SIGINT']);
  const long = world([live({ status: 'busy' })]);
  assert.is(await code(run(long.clock, long.end())), 'desk_busy');
  assert.equal([long.signals, long.clock.monotonic() >= IDLE_MS], [[], true]);
});

test('one that waits for an answer is refused at once; an interruption ends either', async () => {
  const asks = world([live({ status: 'waiting' })]);
  assert.is(await code(run(asks.clock, asks.end())), 'desk_busy');
  assert.equal(asks.signals, []);
  await run(asks.clock, asks.end(true));
  assert.equal(asks.signals, ['SIGINT']);
});

test('what is not the only process, or not known for sure, is never sent a signal', async () => {
  const cases: LiveSession[][] = [
    [live(), live({ pid: 8 })],
    [live({ startedBy: 'program' })],
    [live({ isOwn: false })],
    [live({ process: null })],
    [live({ attach: 'attach a' })],
  ];
  for (const sessions of cases) {
    for (const interrupt of [false, true]) {
      const { clock, signals, end } = world(sessions);
      assert.is(await code(run(clock, end(interrupt))), 'session_in_use', JSON.stringify(sessions));
      assert.equal(signals, []);
    }
  }
});

test('a process that comes while the program ends is seen: nothing resumes beside it', async () => {
  const { clock, end, state } = world([live()]);
  const ending = end();
  state.sessions = [live(), live({ pid: 9, startedBy: 'program' })];
  assert.is(await code(run(clock, ending)), 'session_in_use');
});

test('a session that has ended meanwhile is free', async () => {
  const { clock, signals, end } = world([]);
  await run(clock, end());
  assert.equal(signals, []);
});

test('background sessions, and those with two processes, cannot be taken over', () => {
  assert.throws(() => checkTakeOver(deskSession({ id: 'a', attach: 'claude attach a' })), /in the background/);
  assert.throws(() => checkTakeOver(deskSession({ id: 'a', others: 1 })), /open too/);
  checkTakeOver(deskSession({ id: 'a', status: 'busy' }));
});

test('a shell reads the line as it was meant', () => {
  const words = ['--resume=x', "it's", 'a b', '$(touch /tmp/x)', '`id`', '', '*', 'über', '-n', 'new\nline', '"'];
  const line = commandLine("/tmp/it's $HOME", words);
  assert.ok(line.startsWith("cd '/tmp/it'\\''s $HOME' && --resume=x"));
  const printed = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${words.map(quoted).join(' ')}`], {
    encoding: 'utf8',
  });
  assert.equal(printed.split('\0').slice(0, -1), words);
});

test('a session that was given back is at the desk, whatever it was before', () => {
  for (const state of ['idle', 'stopped', 'error'] as const) {
    const now = { state, reason: 'done', text: 'x' } as const;
    assert.equal(transition(now, { type: 'desk' }), { state: 'stopped', reason: 'at_desk', text: '' });
  }
});

test('what a terminal would act on while it is pasted is known', () => {
  for (const word of ['/tmp/a\nb', '/tmp/\u0003rm', '/tmp/\u001b[201~x', '/tmp/\u009b1', '/tmp/\r']) {
    assert.not.ok(isPasteable(word));
  }
  for (const word of ["/tmp/it's $HOME", '/tmp/漢字 🙂', '']) assert.ok(isPasteable(word));
});

test.run();
