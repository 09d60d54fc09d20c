/** Several sessions on one app-server: what is done to one must not cost the others their turns, and no message is sent twice. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLog } from '../../core/log.ts';
import { type CodexProvider, createCodex } from '../../agent/provider/codex/codex.ts';
import type { OpenOptions, ProviderSession } from '../../agent/provider/provider.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';
import { record, type Recorder } from '../support/fakes/provider-recorder.ts';

const BIN = fileURLToPath(new URL('../support/fakes/fake-codex.mjs', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'codex-shared-'));
const providers: CodexProvider[] = [];
let count = 0;

/** @returns also the ids of the messages that threads have taken up, of all processes */
function codex(
  more: Partial<Parameters<typeof createCodex>[0]> = {},
): { provider: CodexProvider; taken: () => string[] } {
  const file = join(directory, `taken-${count++}`);
  const env = { PATH: process.env.PATH, FAKE_CODEX_TAKEN: file };
  const provider = createCodex({ bin: BIN, env, log: silentLog, ...more });
  providers.push(provider);
  const taken = () => {
    try {
      return readFileSync(file, 'utf8').split('\n').filter(Boolean);
    } catch {
      return [];
    }
  };
  return { provider, taken };
}

function open(provider: CodexProvider, resume: string | null = null): { session: ProviderSession; seen: Recorder } {
  const seen = record(15_000);
  const options: OpenOptions = {
    agentId: 'a',
    cwd: directory,
    resume,
    fork: false,
    flags: {},
    model: '',
    mode: 'default',
    effort: '',
  };
  return { session: provider.open(options, seen.emit), seen };
}

const message = (text: string, id = text) => ({ id, text, images: [] });
const statuses = (seen: Recorder, id: string) =>
  seen.of('message.status').filter((event) => event.id === id).map(({ status }) => status);
const idOf = async (seen: Recorder) => (await seen.type('ready')).sessionId!;

test.after.each(async () => {
  await Promise.all(providers.splice(0).map((provider) => provider.close()));
});
test.after(() => rmSync(directory, { recursive: true, force: true }));

for (const endsAfterMs of [3000, 4000]) {
  test(`one of three is stopped while its turn takes ${endsAfterMs} ms to end: the others keep theirs`, async () => {
    const { provider } = codex();
    const [a, b, c] = [open(provider), open(provider), open(provider)];
    a.session.send(message(`linger ${endsAfterMs}`));
    b.session.send(message('slow'));
    for (const { seen } of [a, b]) await seen.type('text.delta');
    const thread = await idOf(a.seen);
    await c.seen.type('ready');
    const pid = c.session.pid;
    const started = performance.now();
    await a.session.stop();
    assert.ok(performance.now() - started < 7000);
    assert.is((await a.seen.type('exit')).expected, true);
    // The thread is still ending: it is taken up again only after that.
    const again = open(provider, thread);
    again.session.send(message('hello again'));
    c.session.send(message('hello'));
    assert.is((await c.seen.type('turn.end')).outcome, 'done');
    assert.is((await again.seen.type('turn.end')).outcome, 'done');
    assert.equal(again.seen.of('turn.end').length, 1);
    assert.equal([b.session.pid, c.session.pid, again.session.pid], [pid, pid, pid]);
    assert.equal([b.seen.of('exit'), b.seen.of('turn.end'), c.seen.of('exit')], [[], [], []]);
    b.session.interrupt();
    assert.is((await b.seen.type('turn.end')).outcome, 'interrupted');
  });
}

test('one is stopped while its turn is only being started: the turn is interrupted when it begins', async () => {
  const { provider, taken } = codex();
  const [a, b] = [open(provider), open(provider)];
  await a.seen.type('ready');
  await b.seen.type('ready');
  a.session.send(message('swallow late 3500', 'm-1'));
  await a.session.stop();
  assert.equal(statuses(a.seen, 'm-1'), ['failed']);
  assert.match(a.seen.of('message.status')[0]!.error!, 'not known whether Codex has begun');
  b.session.send(message('hello'));
  await b.seen.type('turn.end');
  assert.ok(!taken().includes('m-1') || taken().filter((id) => id === 'm-1').length === 1);
});

test('a process that hangs is replaced: the others go on, a turn that ran is shown as interrupted', async () => {
  const { provider, taken } = codex();
  const [a, b, c] = [open(provider), open(provider), open(provider)];
  b.session.send(message('hello', 'm-0'));
  await b.seen.type('turn.end');
  c.session.send(message('slow', 'm-1'));
  await c.seen.type('text.delta');
  const threads = [await idOf(b.seen), await idOf(c.seen)];
  await a.seen.type('ready');
  const pid = b.session.pid;
  a.session.send(message('hang'));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const from = [b.seen.events.length, c.seen.events.length];
  await a.session.stop();
  assert.is((await a.seen.type('exit')).expected, true);
  await b.seen.type('ready', from[0]);
  await c.seen.type('ready', from[1]);
  assert.is((await c.seen.type('turn.end')).outcome, 'interrupted');
  const restarted = c.seen.of('notice').find(({ code }) => code === 'cli_restarted')!;
  assert.match(restarted.text, 'interrupted');
  assert.is.not(b.session.pid, pid);
  b.session.send(message('and on', 'm-2'));
  c.session.send(message('and on', 'm-3'));
  assert.is((await b.seen.type('turn.end', from[0])).outcome, 'done');
  await c.seen.wait((e): e is never => e.type === 'turn.end' && e.outcome === 'done');
  assert.equal([await idOf(b.seen), await idOf(c.seen)], threads);
  assert.equal([b.seen.of('exit'), c.seen.of('exit')], [[], []]);
  assert.equal(taken().sort(), ['hang', 'm-0', 'm-1', 'm-2', 'm-3']);
});

for (const [kind, expected] of [['swallow', 1], ['swallow taken', 1]] as const) {
  test(`"${kind}": a message that a process which hung had not confirmed is at work once`, async () => {
    const { provider, taken } = codex();
    const [a, b] = [open(provider), open(provider)];
    b.session.send(message('hello', 'm-0'));
    await b.seen.type('turn.end');
    await a.seen.type('ready');
    b.session.send(message(kind, 'm-1'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await a.session.stop();
    // The message goes to the new process only if the thread does not hold it; there it hangs again, which ends the test.
    await b.seen.wait((e): e is never => e.type === 'notice' && e.code === 'cli_restarted');
    if (kind === 'swallow taken') await b.seen.wait((e): e is never => e.type === 'message.status' && e.id === 'm-1');
    assert.equal(statuses(b.seen, 'm-1'), kind === 'swallow taken' ? ['sent'] : []);
    assert.equal(taken().filter((id) => id === 'm-1').length, kind === 'swallow taken' ? expected : 0);
  });
}

test('no answer to turn/start in 60 s: the message stays open until the thread says what became of it', async () => {
  const clock = fakeClock();
  const { provider } = codex({ clock });
  const { session, seen } = open(provider);
  await seen.type('ready');
  session.send(message('swallow late 4000', 'm-1'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  clock.advance(61_000);
  const notice = await seen.type('notice');
  assert.equal([notice.code, notice.passing], ['unconfirmed', true]);
  assert.match(notice.text, 'do not send it again');
  assert.equal(statuses(seen, 'm-1'), [], 'it is neither failed nor sent');
  session.send(message('next', 'm-2'));
  await seen.wait((e): e is never => e.type === 'text.end' && e.text === 'You said: next');
  assert.equal(statuses(seen, 'm-1'), ['sent']);
  await seen.wait((e): e is never => e.type === 'turn.end' && seen.of('turn.end').length === 2);
});

test('an answer that never comes: the thread itself shows that the message is at work', async () => {
  const clock = fakeClock();
  const { provider } = codex({ clock });
  const { session, seen } = open(provider);
  await seen.type('ready');
  session.send(message('swallow mute', 'm-1'));
  assert.is((await seen.type('turn.end')).outcome, 'done');
  clock.advance(120_000);
  session.send(message('next', 'm-2'));
  await seen.wait((e): e is never => e.type === 'text.end' && e.text === 'You said: next');
  assert.equal([statuses(seen, 'm-1'), statuses(seen, 'm-2')], [['sent'], ['sent']]);
  assert.equal(seen.of('notice'), []);
});

test('the process ends before it has confirmed a message: that is said, not that it should be sent again', async () => {
  const { provider } = codex();
  const { session, seen } = open(provider);
  await seen.type('ready');
  session.send(message('swallow late 60000', 'm-1'));
  await new Promise((resolve) => setTimeout(resolve, 200));
  process.kill(session.pid!, 'SIGKILL');
  await seen.type('exit');
  const [status] = seen.of('message.status');
  assert.is(status!.status, 'failed');
  assert.match(status!.error!, 'not known whether Codex has begun');
});

test.run();
