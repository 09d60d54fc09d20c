/** The real Codex against a stub of its API: streams, tools, interrupts, steering, resume, fork, stop, sessions on disk. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDiskSessions } from '../../agent/session/history.ts';
import { createCodex } from '../../agent/provider/codex/codex.ts';
import { killProcessTree } from '../../agent/process/process-tree.ts';
import { silentLog } from '../../core/log.ts';
import { CODEX_BIN, type CodexHarness, codexHarness } from '../support/harness/codex-harness.ts';
import { record, type Recorder } from '../support/fakes/provider-recorder.ts';

const shell = (cmd: string, more: object = {}) => ({ tool: { name: 'exec_command', arguments: { cmd, ...more } } });
const message = (text: string, id = text, images: { mediaType: string; data: string }[] = []) => ({ id, text, images });
const texts = (seen: Recorder, from = 0) =>
  seen.of('text.end', from).filter((event) => !event.thinking).map((event) => event.text);
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** Processes of the "background" command. */
const sleepers = () =>
  execFileSync('/bin/sh', ['-c', 'ps -eo args | grep -c "[s]leep 4321" || true']).toString().trim();

let harness: CodexHarness;
test.before(async () => {
  harness = await codexHarness({
    rules: [
      {
        match: '^hello',
        steps: [{
          reasoning: '**Greeting**',
          text: 'Hello! I stream a few words.',
          chunk: 6,
          usage: { input_tokens: 1000, cached: 200, output_tokens: 50 },
        }],
      },
      { match: '^long', steps: [{ text: 'word '.repeat(400), chunk: 5, delayMs: 20 }] },
      { match: '^tool', steps: [shell('sleep 30', { yield_time_ms: 25_000 }), { text: 'tool over' }] },
      { match: '^env', steps: [shell('env'), { text: 'env shown' }] },
      {
        match: '^background',
        steps: [shell(`trap '' TERM INT; setsid sleep 4321 & while :; do sleep 1; done`, { yield_time_ms: 500 }), {
          text: 'left running',
        }],
      },
      { match: '^fail cmd', steps: [shell('echo oops >&2; exit 3'), { text: 'failed seen' }] },
    ],
    default: { text: 'Stub answer.' },
  });
});
test.after(() => harness.close());

test('text and thinking stream, tokens are counted, there is no price', async () => {
  const { session, seen } = harness.open();
  session.send(message('hello there'));
  assert.is((await seen.type('turn.end')).outcome, 'done');
  assert.is((await seen.type('ready')).version, '0.169.0');
  assert.ok((await seen.type('ready')).capabilities!.models.length > 0);
  assert.ok(seen.of('text.end').some((event) => event.thinking && event.text.includes('Greeting')));
  assert.equal(texts(seen), ['Hello! I stream a few words.']);
  assert.ok(seen.of('text.delta').length > 3);
  const { usage } = await seen.type('usage');
  assert.equal([usage.costUsd, usage.inputTokens, usage.cacheReadTokens, usage.outputTokens], [null, 800, 200, 50]);
  await session.stop();
});

test('an interrupt in the text keeps what was said; the next message goes on', async () => {
  const { session, seen } = harness.open();
  session.send(message('long one'));
  await seen.type('text.delta');
  session.interrupt();
  assert.is((await seen.type('turn.end')).outcome, 'interrupted');
  assert.match(texts(seen)[0]!, /^word /);
  const from = seen.events.length;
  session.send(message('hello again'));
  assert.is((await seen.type('turn.end', from)).outcome, 'done');
  await session.stop();
});

test('an interrupt in a tool cancels it', async () => {
  const { session, seen } = harness.open({ mode: 'bypassPermissions' });
  session.send(message('tool'));
  await seen.type('tool.input');
  session.interrupt();
  assert.is((await seen.type('turn.end')).outcome, 'interrupted');
  assert.is((await seen.type('tool.end')).status, 'cancelled');
  await session.stop();
});

for (const command of ['/compact', '/review', '/review only the words']) {
  test(`${command} is a turn of its own, and no message to the model; what comes behind it is the next turn`, async () => {
    const { session, seen } = harness.open({ mode: 'bypassPermissions' });
    session.send(message('hello there'));
    await seen.type('turn.end');
    const from = seen.events.length;
    session.send(message(command, 'c1'));
    assert.is((await seen.type('turn.end', from)).outcome, 'done');
    assert.equal(
      seen.of('message.status').filter((event) => event.id === 'c1').map((event) => event.status),
      ['sent'],
    );
    if (command === '/compact') assert.ok(seen.of('notice').some(({ code }) => code === 'compacted'));
    assert.not(harness.stub.requests.some(({ prompt }) => prompt === command));
    const after = seen.events.length;
    session.send(message('hello again', 'm2'));
    await seen.type('turn.end', after);
    assert.is(texts(seen).at(-1), 'Hello! I stream a few words.');
    await session.stop();
  });
}

test('a message to a running turn steers it', async () => {
  const { session, seen } = harness.open();
  session.send(message('long one', 'm1'));
  await seen.type('text.delta');
  session.send(message('hello steered', 'm2'));
  assert.is((await seen.type('turn.end')).outcome, 'done');
  assert.is(texts(seen).at(-1), 'Hello! I stream a few words.');
  const states = seen.of('message.status').filter((event) => event.id === 'm2').map((event) => event.status);
  assert.equal(states, ['queued', 'sent']);
  assert.is(seen.of('text.start').length, seen.of('text.end').length, 'the answer that was broken off is closed');
  await session.stop();
});

test('a message that an interrupted turn did not take up becomes the next turn, once', async () => {
  const { session, seen } = harness.open({ mode: 'bypassPermissions' });
  const asked = harness.stub.requests.length;
  session.send(message('tool', 'm1'));
  await seen.type('tool.input');
  session.send(message('hello late', 'm2'));
  await seen.wait((event): event is never => event.type === 'message.status' && event.id === 'm2');
  session.interrupt();
  await seen.wait((event): event is never => event.type === 'turn.end' && event.outcome === 'done');
  await session.stop();
  const prompts = harness.stub.requests.slice(asked).map((request) => request.prompt);
  assert.equal(prompts.filter((prompt) => prompt === 'hello late').length, 1);
});

test('a failed command has its exit code and output', async () => {
  const { session, seen } = harness.open({ mode: 'bypassPermissions' });
  session.send(message('fail cmd'));
  const { status, result } = await seen.type('tool.end');
  assert.equal([status, result.exitCode, result.text], ['error', 3, 'oops\n']);
  await session.stop();
});

test('an image reaches the model', async () => {
  const { session, seen } = harness.open();
  session.send(message('look', 'm1', [{ mediaType: 'image/png', data: PIXEL }]));
  assert.is((await seen.type('turn.end')).outcome, 'done');
  assert.match(harness.stub.requests.at(-1)!.last!, 'input_image');
  await session.stop();
});

test('no variable of this server reaches a command', async () => {
  process.env.RELAY_TOKEN = harness.env.RELAY_TOKEN = 'secret-token';
  const { session, seen } = harness.open({ mode: 'bypassPermissions' });
  session.send(message('env'));
  assert.not.match((await seen.type('tool.end')).result.text, /RELAY_TOKEN|secret-token/);
  delete process.env.RELAY_TOKEN;
  await session.stop();
});

test('a stopped session is resumed with what it knows; a fork has an id of its own', async () => {
  const first = harness.open();
  first.session.send(message('hello number one'));
  await first.seen.type('turn.end');
  const { sessionId } = await first.seen.type('session');
  await first.session.stop();

  const again = harness.open({ resume: sessionId });
  again.session.send(message('after resume'));
  await again.seen.type('turn.end');
  assert.is((await again.seen.type('session')).sessionId, sessionId);
  await again.session.stop();

  const fork = harness.open({ resume: sessionId, fork: true });
  fork.session.send(message('in the fork'));
  await fork.seen.type('turn.end');
  const forkId = (await fork.seen.type('session')).sessionId;
  assert.is.not(forkId, sessionId);
  await fork.session.stop();

  const disk = createDiskSessions([harness.provider]);
  const { sessions, notes } = await disk.list({ limit: 50 });
  assert.equal(notes, []);
  const listed = sessions.find((entry) => entry.id === sessionId)!;
  assert.equal([listed.title, listed.directory, listed.inUse], ['hello number one', harness.project, false]);
  const history = await disk.history('codex', sessionId);
  const said = history.map((entry) => 'text' in entry ? `${entry.kind}: ${entry.text}` : entry.kind);
  assert.equal(said.filter((entry) => entry.startsWith('user')), ['user: hello number one', 'user: after resume']);
});

test('a session that another Codex has open is in use, one of our own is not', async () => {
  const other = createCodex({ bin: CODEX_BIN, env: harness.env, log: silentLog });
  const seen = record();
  const options = {
    agentId: 'b',
    cwd: harness.project,
    resume: null,
    fork: false,
    flags: {},
    model: '',
    mode: 'default' as const,
    effort: '',
  };
  const theirs = other.open(options, seen.emit);
  theirs.send(message('hello from elsewhere'));
  await seen.type('turn.end');
  const ours = harness.open();
  ours.session.send(message('hello from here'));
  await ours.seen.type('turn.end');
  const disk = createDiskSessions([harness.provider]);
  const inUse = new Map((await disk.list({ limit: 50 })).sessions.map((entry) => [entry.title, entry.inUse]));
  assert.equal([inUse.get('hello from elsewhere'), inUse.get('hello from here')], [true, false]);
  await other.close();
  await ours.session.stop();
});

test('what is on record of a session finds its process and what its commands left behind', async () => {
  const { session, seen } = harness.open({ mode: 'bypassPermissions' });
  session.send(message('background'));
  await seen.type('turn.end');
  await killProcessTree(JSON.parse(JSON.stringify(session.identity)));
  assert.is(sleepers(), '0');
  await seen.type('exit');
});

test('an unknown session says so', async () => {
  const { seen } = harness.open({ resume: '01a202ea-0000-7000-8000-000000000000' });
  assert.match((await seen.type('exit')).text, 'no rollout found');
});

test('stop ends what was left running in the background, also in a session of its own', async () => {
  const { session, seen } = harness.open({ mode: 'bypassPermissions' });
  session.send(message('background'));
  await seen.type('turn.end');
  assert.ok(session.hasBackgroundWork);
  const running = () =>
    execFileSync('/bin/sh', ['-c', 'ps -eo args | grep -c "[s]leep 4321" || true']).toString().trim();
  assert.is(running(), '2');
  const started = performance.now();
  await session.stop();
  assert.ok(performance.now() - started < 7000);
  assert.is(sleepers(), '0');
});

test('a killed app-server ends its sessions with a sentence; the next one resumes', async () => {
  const { session, seen } = harness.open();
  session.send(message('hello before'));
  await seen.type('turn.end');
  const { sessionId } = await seen.type('session');
  process.kill(-session.pid!, 'SIGKILL');
  const started = performance.now();
  const exit = await seen.type('exit');
  assert.ok(performance.now() - started < 2000);
  assert.equal([exit.expected, exit.signal], [false, 'SIGKILL']);
  const again = harness.open({ resume: sessionId });
  again.session.send(message('hello after'));
  assert.is((await again.seen.type('turn.end')).outcome, 'done');
  await again.session.stop();
});

test('a folder that begins with a dash and holds quotes is only a folder', async () => {
  const { mkdirSync } = await import('node:fs');
  const cwd = join(harness.directory, `-x $(touch canary) '"; \``);
  mkdirSync(cwd);
  const { session, seen } = harness.open({ cwd, mode: 'bypassPermissions' });
  session.send(message('env'));
  assert.match((await seen.type('tool.end')).result.text, `PWD=${cwd}`);
  assert.not.ok(existsSync(join(cwd, 'canary')) || existsSync(join(harness.directory, 'canary')));
  await session.stop();
});

test.run();
