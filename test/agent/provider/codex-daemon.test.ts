/** Codex's daemon: its socket is trusted only where nobody else can put one; a thread in it is shared with the desk. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLog } from '../../../core/log.ts';
import { systemClock } from '../../../core/clock.ts';
import type { PermissionMode } from '../../../core/api/agents.ts';
import { CodexDaemon } from '../../../agent/provider/codex/daemon.ts';
import { DaemonSession } from '../../../agent/provider/codex/daemon-session.ts';
import { codexHome, daemonSocket } from '../../../agent/provider/codex/daemon-socket.ts';
import { modeOfPolicy } from '../../../agent/provider/codex/modes.ts';
import { isBelow, threadWriter } from '../../../agent/provider/codex/thread-lock.ts';
import { type DaemonClient, fakeCodexDaemon, type FakeDaemon } from '../../support/fakes/fake-codex-daemon.ts';
import { record, type Recorder } from '../../support/fakes/provider-recorder.ts';

const test = suite('codex daemon');
const THREAD = '019ad7c6-1111-7000-8000-000000000001';
let daemon: FakeDaemon;
const ended = new Set<object>();

test.before.each(async () => {
  daemon = await fakeCodexDaemon();
  daemon.answers['thread/resume'] = {
    thread: { id: THREAD, status: { type: 'idle' } },
    model: 'gpt-5.5',
    reasoningEffort: 'high',
    approvalPolicy: 'never',
    sandbox: { type: 'workspaceWrite', networkAccess: true },
  };
  daemon.answers['turn/start'] = { turn: { id: 'turn-own' } };
});
test.after.each(() => daemon.close());

interface Opened {
  session: DaemonSession;
  seen: Recorder;
  client: DaemonClient;
}

function start(resume = THREAD, mode: PermissionMode = 'default'): Omit<Opened, 'client'> {
  const seen = record(5_000);
  const open = {
    agentId: 'a',
    cwd: '/work',
    resume,
    fork: false,
    flags: {},
    model: '',
    mode,
    effort: '',
  };
  const options = {
    socket: daemon.socket,
    clock: systemClock,
    failure: (text: string) =>
      new CodexDaemon({ env: { CODEX_HOME: daemon.home }, clock: systemClock, log: silentLog }).failure(THREAD, text),
    ended: (session: object) => void ended.add(session),
  };
  return { session: new DaemonSession(options, open, seen.emit), seen };
}

async function joined(resume?: string): Promise<Opened> {
  const opened = start(resume);
  await opened.seen.type('ready');
  return { ...opened, client: daemon.clients.at(-1)! };
}

async function until(check: () => unknown): Promise<void> {
  for (const end = Date.now() + 5_000; !check();) {
    if (Date.now() > end) throw new Error(`not seen: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
const sentBy = (client: DaemonClient, method: string) => client.sent.filter((entry) => entry.method === method);
const notify = (method: string, params: object, threadId = THREAD) =>
  daemon.say({ method, params: { threadId, ...params } });
const user = (id: string, text: string, clientId: string | null = null) => ({
  type: 'userMessage',
  id,
  clientId,
  content: [{ type: 'text', text }],
});
const ask = (id: number, threadId = THREAD) =>
  daemon.say({
    method: 'item/commandExecution/requestApproval',
    id,
    params: { threadId, turnId: 't', itemId: 'i', command: "/bin/bash -lc 'touch x'", cwd: '/work' },
  });

test('it joins: no setting of the desk is changed, and they are shown', async () => {
  const { client, seen, session } = await joined();
  assert.equal(client.sent.map(({ method }) => method), ['initialize', 'initialized', 'thread/resume']);
  assert.equal(client.sent[2]!.params, { threadId: THREAD, excludeTurns: true });
  const settings = { mode: 'dontAsk', model: 'gpt-5.5', effort: 'high' };
  assert.equal(seen.of('session').at(-1), { type: 'session', sessionId: THREAD, ...settings });
  assert.equal([session.pid, session.isShared], [null, true]);
  session.send({ id: 'm1', text: 'from the phone', images: [] });
  await until(() => sentBy(client, 'turn/start').length);
  const { threadId, clientUserMessageId, input, ...rest } = sentBy(client, 'turn/start')[0]!.params;
  assert.equal([threadId, clientUserMessageId, input[0].text, rest], [THREAD, 'm1', 'from the phone', {}]);
});

test('a thread that asks for nothing is joined only by an agent that was made so', async () => {
  const everything = { type: 'dangerFullAccess' };
  for (const approvalPolicy of ['never', 'on-request', undefined]) {
    daemon.answers['thread/resume'] = { thread: { id: THREAD }, approvalPolicy, sandbox: everything };
    const { seen, session } = start();
    session.send({ id: 'm1', text: 'x', images: [] });
    assert.match((await seen.type('exit')).text, 'works without asking');
    await until(() => !daemon.clients.at(-1)!.isOpen);
    assert.equal(sentBy(daemon.clients.at(-1)!, 'turn/start'), []);
    assert.equal([seen.of('session'), seen.of('ready')], [[], []], 'its mode is not taken over');
  }
  const { seen, session } = start(THREAD, 'bypassPermissions');
  await seen.type('ready');
  session.send({ id: 'm2', text: 'x', images: [] });
  await until(() => sentBy(daemon.clients.at(-1)!, 'turn/start').length);
});

const updated = (approvalPolicy: string, type: string, more: object = {}) =>
  notify('thread/settings/updated', {
    threadSettings: { approvalPolicy, sandboxPolicy: { type }, model: 'gpt-5.5', effort: 'low', ...more },
  });

test('what the desk changes after it joined is shown; a mode that asks for nothing ends it, unless that was chosen here', async () => {
  const { client, seen, session } = await joined();
  updated('on-request', 'workspaceWrite', { model: 'gpt-6' });
  const shown = await seen.wait((event): event is never => event.type === 'session' && event.mode === 'acceptEdits');
  assert.equal(shown, { type: 'session', sessionId: THREAD, mode: 'acceptEdits', model: 'gpt-6', effort: 'low' });
  notify('turn/started', { turn: { id: 't' } });
  updated('never', 'dangerFullAccess');
  assert.match((await seen.type('exit')).text, 'works without asking');
  await until(() => !client.isOpen);
  assert.not.ok(seen.of('session').some(({ mode }) => mode === 'bypassPermissions'), 'it is never said to be its mode');
  session.send({ id: 'm1', text: 'x', images: [] });
  assert.equal(sentBy(client, 'turn/start'), []);

  for (const chosen of ['when it was made', 'later']) {
    const other = start(THREAD, chosen === 'later' ? 'default' : 'bypassPermissions');
    await other.seen.type('ready');
    if (chosen === 'later') other.session.setMode('bypassPermissions');
    const count = other.seen.of('session').length;
    updated('never', 'dangerFullAccess');
    await until(() => other.seen.of('session').length > count);
    assert.is(other.seen.of('session').at(-1)!.mode, 'bypassPermissions');
    assert.equal(other.seen.of('exit'), []);
    other.session.reap();
  }
});

test('a mode that was chosen here stays when its turn begins with it, and yields to a later one of the desk', async () => {
  const { client, seen, session } = await joined();
  session.setMode('plan');
  updated('never', 'workspaceWrite'); // something else was changed at the desk
  session.send({ id: 'm1', text: 'x', images: [] });
  await until(() => sentBy(client, 'turn/start').length);
  updated('on-request', 'readOnly');
  await until(() => seen.of('session').length >= 4);
  assert.is(seen.of('session').at(-1)!.mode, 'plan');
  updated('untrusted', 'workspaceWrite');
  await until(() => seen.of('session').at(-1)!.mode === 'default');
  notify('turn/completed', { turn: { id: 'turn-own', status: 'completed' } });
  session.send({ id: 'm2', text: 'y', images: [] });
  await until(() => sentBy(client, 'turn/start').length === 2);
  assert.is(
    sentBy(client, 'turn/start')[1]!.params.approvalPolicy,
    undefined,
    "the desk's settings are not overwritten",
  );
});

test('settings that were changed here go with the next turn', async () => {
  const { client, session } = await joined();
  session.setMode('plan');
  session.send({ id: 'm1', text: 'x', images: [] });
  await until(() => sentBy(client, 'turn/start').length);
  assert.equal(sentBy(client, 'turn/start')[0]!.params.sandboxPolicy, { type: 'readOnly', networkAccess: false });
});

test('what is typed at the desk is shown, ours is not shown twice; threads of others are not ours', async () => {
  const { seen, session, client } = await joined();
  session.send({ id: 'm1', text: 'mine', images: [] });
  await until(() => sentBy(client, 'turn/start').length);
  daemon.say({ method: 'thread/started', params: { thread: { id: 'other', ephemeral: true } } });
  notify('turn/started', { turn: { id: 'x' } }, 'other');
  notify('item/started', { turnId: 'x', item: user('u0', 'hidden') }, 'other');
  notify('thread/readState/changed', {});
  notify('turn/started', { turn: { id: 't' } });
  notify('item/started', { turnId: 't', item: user('u1', 'mine', 'm1') });
  notify('item/started', { turnId: 't', item: user('u2', 'from the desk') });
  notify('item/started', { turnId: 't', item: { type: 'agentMessage', id: 'a1', text: '' } });
  notify('item/agentMessage/delta', { itemId: 'a1', delta: 'hello' });
  notify('item/completed', { turnId: 't', item: { type: 'agentMessage', id: 'a1', text: 'hello' } });
  notify('turn/completed', { turn: { id: 't', status: 'completed' } });
  await seen.type('turn.end');
  assert.equal(seen.of('typed'), [{ type: 'typed', id: 'u2', text: 'from the desk', images: 0, by: 'the desk' }]);
  assert.is(seen.of('turn.start').length, 1);
  assert.is(seen.of('text.end')[0]!.text, 'hello');
  assert.is(seen.of('message.status').at(-1)!.status, 'sent');
});

test('what the daemon said to a second client while the first one asked and answered, as it was recorded', async () => {
  const vector = new URL('../../vectors/codex/codex-daemon-two-clients.jsonl', import.meta.url);
  const lines = readFileSync(vector, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const { threadId } = lines[0].params;
  const { seen, client } = await joined(threadId);
  const sent = client.sent.length;
  for (const line of lines) daemon.say(line);
  await seen.type('turn.end');
  assert.equal(seen.of('typed').map(({ text }) => text), ['touch']);
  const [asked] = seen.of('request');
  assert.is(asked!.request.title, 'touch made.txt');
  assert.equal(seen.of('request.cancelled').map(({ requestId }) => requestId), [asked!.request.requestId]);
  assert.equal(seen.of('tool.end').map(({ status }) => status), ['done']);
  assert.equal(seen.of('text.end').map(({ text }) => text), ['over']);
  assert.equal([seen.of('turn.start').length, seen.of('turn.end')[0]!.outcome], [1, 'done']);
  assert.is(client.sent.length, sent, 'nothing is answered');
});

test('a subagent of the thread belongs to it', async () => {
  const { seen } = await joined();
  notify('turn/started', { turn: { id: 't' } });
  notify('item/started', { turnId: 't', item: { type: 'collabAgentToolCall', id: 'tool', tool: 'spawn' } });
  daemon.say({ method: 'thread/started', params: { thread: { id: 'child', parentThreadId: THREAD } } });
  notify('item/completed', { turnId: 'c', item: { type: 'agentMessage', id: 'c1', text: 'below' } }, 'child');
  const text = await seen.type('text.end');
  assert.equal([text.text, text.parent], ['below', 'tool']);
});

for (const first of ['the desk', 'the phone'] as const) {
  test(`an approval that ${first} answers first`, async () => {
    const { seen, session, client } = await joined();
    ask(0);
    const { request } = await seen.type('request');
    if (first === 'the phone') {
      assert.ok(session.decide(request.requestId, { decision: 'allow', clientId: 'c' }));
      await until(() => client.sent.some(({ id, result }) => id === 0 && result?.decision === 'accept'));
    }
    notify('serverRequest/resolved', { requestId: 0 });
    const end = await seen.type(first === 'the desk' ? 'request.cancelled' : 'request.resolved');
    assert.is(end.requestId, request.requestId);
    assert.not(session.decide(request.requestId, { decision: 'deny', clientId: 'd' }));
    const answers = client.sent.filter(({ id, result }) => id === 0 && result);
    assert.is(answers.length, first === 'the desk' ? 0 : 1);
  });
}

test('what is not for us, or not understood, is left to the desk: no answer, not even a refusal', async () => {
  const { seen, client } = await joined();
  ask(7, 'other');
  daemon.say({ method: 'item/future/requestApproval', id: 8, params: { threadId: THREAD } });
  const notice = await seen.wait((event): event is never => event.type === 'notice' && event.code === 'answer_at_desk');
  assert.match(JSON.stringify(notice), 'item/future/requestApproval');
  daemon.say({ method: 'item/fileChange/requestApproval', id: 9, params: { threadId: THREAD, itemId: 'unseen' } });
  await seen.wait((event): event is never => event.type === 'notice' && event.text.includes('fileChange'));
  for (const command of [{}, { command: null }, { command: '' }]) {
    const params = { threadId: THREAD, turnId: 't', itemId: 'unseen', ...command };
    daemon.say({ method: 'item/commandExecution/requestApproval', id: 10, params });
  }
  await until(() => seen.of('notice').filter(({ text }) => text.includes('commandExecution')).length === 3);
  assert.equal(seen.of('request'), []);
  assert.equal(client.sent.filter(({ id, method }) => !method && id !== undefined), []);
});

test('it joins in the middle of a turn: what was done so far, and its end', async () => {
  daemon.answers['thread/resume'] = { thread: { id: THREAD, status: { type: 'active', activeFlags: [] } } };
  const items = [user('u1', 'asked at the desk'), { type: 'agentMessage', id: 'a1', text: 'so far' }];
  daemon.answers['thread/turns/list'] = { data: [{ id: 't', status: 'inProgress', items }] };
  const { seen, session, client } = await joined();
  assert.is(seen.of('typed')[0]!.text, 'asked at the desk');
  assert.is(seen.of('turn.start').length, 1);
  session.interrupt();
  await until(() => sentBy(client, 'turn/interrupt').length);
  assert.equal(sentBy(client, 'turn/interrupt')[0]!.params, { threadId: THREAD, turnId: 't' });
});

test('stopped, it leaves a turn of the desk alone and ends one of its own', async () => {
  const { seen, session, client } = await joined();
  notify('turn/started', { turn: { id: 't' } });
  await seen.type('turn.start');
  await session.stop();
  assert.is((await seen.type('exit')).expected, true);
  await until(() => !client.isOpen);
  const asked = client.sent.map(({ method }) => method);
  assert.not(asked.includes('turn/interrupt') || asked.includes('thread/unsubscribe'));
  assert.ok(ended.has(session));

  const second = await joined();
  second.session.send({ id: 'm2', text: 'x', images: [] });
  await until(() => sentBy(second.client, 'turn/start').length);
  notify('turn/started', { turn: { id: 't2' } });
  notify('item/started', { turnId: 't2', item: user('u9', 'x', 'm2') });
  await second.seen.wait((event): event is never => event.type === 'message.status' && event.status === 'sent');
  const stopped = second.session.stop();
  await until(() => sentBy(second.client, 'turn/interrupt').length);
  notify('turn/completed', { turn: { id: 't2', status: 'interrupted' } });
  await stopped;
  assert.is(second.seen.of('turn.end').at(-1)!.outcome, 'interrupted');
});

test('a turn that ran at the desk when the agent joined is never ended from here', async () => {
  const active = daemon.answers['thread/resume'] as Record<string, object>;
  active.thread = { id: THREAD, status: { type: 'active' } };
  daemon.answers['thread/turns/list'] = { data: [{ id: 'desk', status: 'inProgress', items: [user('u1', 'long')] }] };
  const { session, seen } = start();
  session.send({ id: 'm1', text: 'and this', images: [] });
  await seen.type('ready');
  const client = daemon.clients.at(-1)!;
  await until(() => sentBy(client, 'turn/steer').length);
  await session.stop();
  assert.is(seen.of('exit').length, 1);
  assert.equal(sentBy(client, 'turn/interrupt'), []);
});

test('a message that came too late for the turn at the desk begins one of ours, which ends with the agent', async () => {
  const { session, client, seen } = await joined();
  notify('turn/started', { turn: { id: 'desk' } });
  await seen.type('turn.start');
  daemon.answers['turn/steer'] = 'no active turn to steer';
  session.send({ id: 'm1', text: 'late', images: [] });
  await until(() => sentBy(client, 'turn/steer').length);
  notify('turn/completed', { turn: { id: 'desk', status: 'completed' } });
  await until(() => sentBy(client, 'turn/start').length);
  notify('turn/started', { turn: { id: 'turn-own' } });
  await seen.wait((event): event is never => event.type === 'message.status' && event.status === 'sent');
  const stopped = session.stop();
  await until(() => sentBy(client, 'turn/interrupt').length);
  assert.is(sentBy(client, 'turn/interrupt')[0]!.params.turnId, 'turn-own');
  notify('turn/completed', { turn: { id: 'turn-own', status: 'interrupted' } });
  await stopped;
});

test("after a refused message the next turn is the desk's", async () => {
  const { session, client, seen } = await joined();
  daemon.answers['turn/start'] = 'not now';
  session.send({ id: 'm1', text: 'x', images: [] });
  await seen.wait((event): event is never => event.type === 'message.status' && event.status === 'failed');
  notify('turn/started', { turn: { id: 'desk' } });
  await seen.type('turn.start');
  await session.stop();
  assert.equal(sentBy(client, 'turn/interrupt'), []);
});

test('what an earlier link sent comes back by its own id', async () => {
  const active = daemon.answers['thread/resume'] as Record<string, object>;
  active.thread = { id: THREAD, status: { type: 'active' } };
  const items = [user('u1', 'mine', 'm1'), user('u2', 'theirs')];
  daemon.answers['thread/turns/list'] = { data: [{ id: 'desk', status: 'inProgress', items }] };
  const { seen } = await joined();
  assert.equal(seen.of('typed').map(({ id, clientId }) => [id, clientId]), [['u1', 'm1'], ['u2', undefined]]);
});

test('a daemon that ends: its messages and requests are settled, and the sentence says what to do', async () => {
  const { seen, client, session } = await joined();
  ask(0);
  await seen.type('request');
  client.drop();
  const exit = await seen.type('exit');
  assert.equal([exit.expected, exit.sessionLost], [false, undefined]);
  assert.match(exit.text, 'The Codex daemon has ended. Send a message');
  assert.is(seen.of('request.cancelled').length, 1);
  session.send({ id: 'late', text: 'x', images: [] });
  await session.stop();
  assert.equal([seen.of('exit').length, ended.has(session)], [1, true]);
});

test('a thread that another process writes: where, and what to do', async () => {
  daemon.answers['thread/resume'] = `thread ${THREAD} already has an active writer`;
  const exit = await start().seen.type('exit');
  assert.match(exit.text, 'open in another Codex program on this machine');
  assert.match(exit.text, '/quit');
  assert.not(exit.sessionLost);
  daemon.answers['thread/resume'] = 'no rollout found for thread';
  assert.is((await start().seen.type('exit')).sessionLost, true);
});

test('the socket: below CODEX_HOME, of this user, where nobody else can put one', () => {
  const home = mkdtempSync(join(tmpdir(), 'codex-paths-'));
  const link = join(home, 'app-server-control/app-server-control.sock');
  assert.is(daemonSocket(home), null);
  mkdirSync(join(home, 'app-server-control'), { mode: 0o700 });
  assert.is(daemonSocket(home), null);
  symlinkSync(join(home, 'gone.sock'), link);
  assert.is(daemonSocket(home), null, 'a link that leads nowhere');
  unlinkSync(link);
  symlinkSync(daemon.socket, link);
  assert.is(daemonSocket(home), daemon.socket);
  assert.throws(() => daemonSocket(home, process.getuid!() + 1), /belongs to another user/);
  for (const directory of [join(home, 'app-server-control'), join(daemon.socket, '..')]) {
    chmodSync(directory, 0o777);
    assert.throws(() => daemonSocket(home), /Other users can write/);
    chmodSync(directory, 0o1777);
    assert.is(daemonSocket(home), daemon.socket, 'as in /tmp');
    chmodSync(directory, 0o700);
  }
  if (process.getuid!() === 0) { // who else may give a directory away
    const above = join(home, 'above');
    mkdirSync(join(above, 'home'), { recursive: true });
    renameSync(join(home, 'app-server-control'), join(above, 'home/app-server-control'));
    for (const directory of [above, join(above, 'home'), join(above, 'home/app-server-control')]) {
      chownSync(directory, 12345, 12345);
      assert.throws(() => daemonSocket(join(above, 'home')), /belongs to another user/, directory);
      chownSync(directory, 0, 0);
      assert.is(daemonSocket(join(above, 'home')), daemon.socket);
    }
    renameSync(join(above, 'home/app-server-control'), join(home, 'app-server-control'));
  }
  unlinkSync(link);
  writeFileSync(link, '');
  assert.throws(() => daemonSocket(home), /no socket/);
  rmSync(home, { recursive: true });
  assert.is(codexHome({ HOME: '/home/x' }), '/home/x/.codex');
  assert.is(codexHome({ HOME: '/home/x', CODEX_HOME: '/y' }), '/y');
});

test('who writes a thread: by the table of locks, where there is one', () => {
  const home = mkdtempSync(join(tmpdir(), 'codex-locks-'));
  mkdirSync(join(home, 'thread-writer-locks'));
  const lock = join(home, 'thread-writer-locks', `${THREAD}.lock`);
  const table = join(home, 'locks');
  const inode = () => statSync(lock).ino;
  writeFileSync(table, '');
  assert.is(threadWriter(home, THREAD, table), null, 'no file');
  writeFileSync(lock, '');
  assert.is(threadWriter(home, THREAD, table), null, 'left by a process that was killed');
  writeFileSync(
    table,
    `1: POSIX  ADVISORY  WRITE 11 00:3e:${inode()} 0 EOF\n2: FLOCK  ADVISORY  WRITE 4711 00:3e:${inode()} 0 EOF\n`,
  );
  assert.equal(threadWriter(home, THREAD, table), { pid: 4711 });
  assert.equal(threadWriter(home, THREAD, join(home, 'missing')), { pid: null });
  assert.is(threadWriter(home, `../thread-writer-locks/${THREAD}`, table), null);
  assert.ok(isBelow(process.pid, [process.ppid]));
  assert.not(isBelow(process.pid, [4_194_304]));
  rmSync(home, { recursive: true });
});

test('its loaded threads, and none when it does not run or answers nonsense', async () => {
  const of = (home: string) => new CodexDaemon({ env: { CODEX_HOME: home }, clock: systemClock, log: silentLog });
  daemon.answers['thread/loaded/list'] = { data: [THREAD, 'b'] };
  assert.equal([...await of(daemon.home).loaded()], [THREAD, 'b']);
  daemon.answers['thread/loaded/list'] = 'no such method';
  assert.equal([...await of(daemon.home).loaded()], []);
  assert.equal([...await of('/nonexistent').loaded()], []);
  await until(() => daemon.clients.every(({ isOpen }) => !isOpen));
});

test('the mode of a thread that was begun elsewhere', () => {
  const of = (policy: unknown, type: string) => modeOfPolicy(policy, { type });
  assert.equal([of('never', 'dangerFullAccess'), of('never', 'workspaceWrite')], ['bypassPermissions', 'dontAsk']);
  assert.equal([of('on-request', 'workspaceWrite'), of('on-request', 'readOnly')], ['acceptEdits', 'default']);
  assert.equal([of('on-request', 'dangerFullAccess'), of('never', 'externalSandbox')], [
    'bypassPermissions',
    'bypassPermissions',
  ]);
  assert.equal(
    [of('untrusted', 'dangerFullAccess'), of('never', 'readOnly')],
    ['default', 'default'],
    'no more than it may',
  );
  assert.equal([of('untrusted', 'workspaceWrite'), of({ granular: {} }, ''), of(undefined, '')], [
    'default',
    'default',
    null,
  ]);
});

test.run();
