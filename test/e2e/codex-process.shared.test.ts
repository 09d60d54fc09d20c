/** The process of Codex that sessions share: begun, lost, hung, stopped, found again, with the scripted Codex. */
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createCodex } from '../../agent/provider/codex/codex.ts';
import { isSameProcess } from '../../agent/process/identity.ts';
import { familyOf, killProcessTree } from '../../agent/process/process-tree.ts';
import type { OpenOptions } from '../../agent/provider/provider.ts';
import { silentLog } from '../../core/log.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';
import { record } from '../support/fakes/provider-recorder.ts';
import { codexBench, codexMessage, FAKE_CODEX, finalTexts } from '../support/harness/codex-bench.ts';

const { directory, codex, open } = codexBench();

test('two sessions share one process and do not see each other', async () => {
  const provider = codex();
  const a = open(provider);
  const b = open(provider);
  a.session.send(codexMessage('for a'));
  b.session.send(codexMessage('for b'));
  await Promise.all([a.seen.type('turn.end'), b.seen.type('turn.end')]);
  assert.equal([finalTexts(a.seen), finalTexts(b.seen)], [['You said: for a'], ['You said: for b']]);
  assert.is(a.session.pid, b.session.pid);
});

test('a crash ends every session with a sentence, the next message starts a new process', async () => {
  const provider = codex();
  const a = open(provider);
  const b = open(provider);
  await Promise.all([a.seen.type('ready'), b.seen.type('ready')]);
  const pid = a.session.pid;
  a.session.send(codexMessage('crash'));
  for (const { seen } of [a, b]) {
    const exit = await seen.type('exit');
    assert.equal([exit.expected, exit.code], [false, 3]);
    assert.match(exit.text, /exit code 3.*panicked/);
  }
  const again = open(provider, { resume: 'thread-1' });
  await again.seen.type('ready');
  assert.is.not(again.session.pid, pid);
});

test('a session that is opened as the process ends is served by a new one', async () => {
  const provider = codex();
  const next = record(8000);
  const options = {
    agentId: 'a',
    cwd: directory,
    resume: 'thread-1',
    fork: false,
    flags: {},
    model: '',
    mode: 'default',
    effort: '',
  };
  const session = provider.open({ ...options, resume: null } as OpenOptions, (event) => {
    if (event.type === 'exit') provider.open(options as OpenOptions, next.emit);
  });
  session.send(codexMessage('crash'));
  assert.is((await next.type('ready')).sessionId, 'thread-1');
  assert.equal(next.of('exit'), []);
});

test('a process that hangs in its handshake is given up: the next session gets a new one', async () => {
  const clock = fakeClock();
  const env = { PATH: process.env.PATH, FAKE_CODEX_HUNG: '1' };
  const provider = createCodex({ bin: FAKE_CODEX, env, log: silentLog, clock });
  const first = open(provider);
  const identity = first.session.identity!;
  clock.advance(60_000);
  assert.match((await first.seen.type('exit')).text, 'did not answer initialize within 60 s');
  env.FAKE_CODEX_HUNG = '';
  const second = open(provider);
  await second.seen.type('ready');
  assert.is.not(second.session.pid, identity.pid);
  second.session.send(codexMessage('hello'));
  await second.seen.type('turn.end');
  await provider.close();
  assert.not.ok(isSameProcess(identity));
});

test('without a login the session ends with what to do', async () => {
  const { seen } = open(codex({ FAKE_CODEX_LOGIN: 'none' }), { resume: 'thread-9' });
  const exit = await seen.type('exit');
  assert.equal([exit.expected, exit.sessionLost], [false, false]);
  assert.match(exit.text, 'Run `codex login`');
});

test('a missing program ends the session with what to do, and probe says the same', async () => {
  const provider = codex({}, join(directory, 'nowhere'));
  const exit = await open(provider).seen.type('exit');
  assert.match(exit.text, /Codex was not found.*CODEX_BIN/);
  const probe = await provider.probe();
  assert.is(probe.available, false);
  assert.match(probe.text, 'CODEX_BIN');
});

test('probe tells the version and whether it is the demo', async () => {
  assert.equal(await codex().probe(), { available: true, version: '0.0.0-demo', demo: true, text: '' });
});

test('a program that is not Codex is told, not waited for', async () => {
  const exit = await open(codex({}, '/bin/true')).seen.type('exit');
  assert.is(exit.expected, false);
  assert.match(exit.text, 'Codex ended by itself');
  assert.is((await codex({}, '/bin/true').probe()).available, false);
});

test('a session that is stopped while it opens says so and leaves no thread behind', async () => {
  const provider = codex();
  const { session, seen } = open(provider);
  await session.stop();
  assert.equal(seen.events.map((event) => event.type), ['exit']);
  assert.is((await seen.type('exit')).expected, true);
  session.send(codexMessage('hello'));
  assert.not.ok(session.decide('x', { decision: 'allow', clientId: 'c' }));
  const other = open(provider);
  other.session.send(codexMessage('hello'));
  assert.is((await other.seen.type('turn.end')).outcome, 'done');
  assert.is(seen.events.length, 1);
});

test('stop ends the session alone; the process serves the others', async () => {
  const provider = codex();
  const a = open(provider);
  const b = open(provider);
  a.session.send(codexMessage('slow'));
  await a.seen.type('text.delta');
  await b.seen.type('ready');
  await a.session.stop();
  assert.is((await a.seen.type('exit')).expected, true);
  assert.is(a.seen.events.at(-1)!.type, 'exit');
  b.session.send(codexMessage('hello'));
  assert.is((await b.seen.type('turn.end')).outcome, 'done');
});

test('a hung process with children that ignore signals is gone within 7 s of stop', async () => {
  const { session, seen } = open(codex());
  await seen.type('ready');
  const identity = session.identity!;
  session.send(codexMessage('hang'));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const family = await familyOf(identity);
  assert.ok(family.length > 3, `${family.length} processes`);
  const started = performance.now();
  await session.stop();
  assert.ok(performance.now() - started < 7000, `${performance.now() - started} ms`);
  assert.not.ok(isSameProcess(identity));
  // Of this process alone: other tests have such children at the same time.
  assert.equal(family.filter(isSameProcess), []);
  assert.equal(await familyOf(identity), []);
});

test('what is on record of a session finds its process after a crash of this server', async () => {
  const { session, seen } = open(codex());
  await seen.type('ready');
  const onRecord = JSON.parse(JSON.stringify(session.identity));
  assert.ok((await killProcessTree(onRecord)).length >= 1);
  assert.is((await seen.type('exit')).expected, false);
});

test('threads on disk are listed without a session', async () => {
  const threads = await codex().listThreads(10);
  assert.equal(threads.map((thread) => thread.id), ['disk-thread']);
});

test.run();
