/** Agents with a provider that the test scripts: what cannot be made to happen with a real process at will. */
import { ERROR_STATUS, type ErrorCode, Failure } from '../../../core/api/errors.ts';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { IDLE_REAP_MS, Registry } from '../../../agent/session/registry.ts';
import type { ProviderEvent, ProviderRequest } from '../../../agent/provider/provider.ts';
import type { AgentWorkspace } from '../../../agent/workspace/workspace.ts';
import type { WorktreeInfo } from '../../../core/api/agents.ts';
import type { RequestMessage, ToolMessage, UserMessage } from '../../../core/api/messages.ts';
import { type FakeClock, fakeClock } from '../../support/fakes/fake-clock.ts';
import { type TestContext, testContext } from '../../support/fakes/test-context.ts';
import { type ScriptedProvider, scriptedProvider } from '../../support/fakes/scripted-provider.ts';

let directory: string;
let clock: FakeClock;
let context: TestContext;
let claude: ScriptedProvider;
let agents: Registry;
let lostWork: string[];
let removed: string[];
let obstacle: Failure | null;
/** Where the next agent works, unless it is empty; the worktree that it was to be a copy of. */
let place: string;
let wanted: WorktreeInfo | undefined;

const workspace: AgentWorkspace = {
  prepare: ({ directory, from }) => {
    wanted = from;
    const worktree = { path: '/w', branch: 'b', base: 'main' };
    return Promise.resolve({ directory, cwd: place || directory, worktree, notice: '' });
  },
  unmerged: () => Promise.resolve(lostWork),
  refuseUnremovable: () => obstacle ? Promise.reject(obstacle) : Promise.resolve(),
  removeUnfinished: ({ path }) => Promise.resolve(void removed.push(path)),
  remove: ({ path }, { discardWork }) => {
    if (lostWork.length && !discardWork) return Promise.reject(new Failure('unmerged_work', lostWork.join(' ')));
    return Promise.resolve(void removed.push(path));
  },
};
const start = () =>
  Registry.open({
    context,
    providers: { get: (name) => name === 'claude' ? claude : scriptedProvider('codex') },
    workspace,
  });

test.before.each(async () => {
  directory = mkdtempSync(join(tmpdir(), 'registry-'));
  clock = fakeClock();
  context = testContext({ dataDir: join(directory, 'data'), clock });
  claude = scriptedProvider();
  lostWork = [];
  removed = [];
  obstacle = null;
  place = '';
  wanted = undefined;
  agents = await start();
});
test.after.each(async () => {
  await agents.close();
  rmSync(directory, { recursive: true, force: true });
});

const create = (prompt?: string) => agents.create({ directory, ...(prompt ? { prompt } : {}) }, 'test');
const session = () => claude.sessions.at(-1)!;
const READY: ProviderEvent[] = [
  { type: 'ready', sessionId: null, version: '1', capabilities: null },
  { type: 'session', sessionId: 's-1' },
];
const DONE: ProviderEvent = { type: 'turn.end', outcome: 'done', text: '', durationMs: 1 };
const request = (requestId = 'r-1'): ProviderEvent => ({
  type: 'request',
  request: {
    requestId,
    request: 'permission',
    toolId: null,
    tool: 'Bash',
    title: 'ls',
    description: '',
    input: {},
    diffs: [],
    choices: [{ id: 'allow', label: '', detail: '', tone: 'allow' }, {
      id: 'deny',
      label: '',
      detail: '',
      tone: 'deny',
    }],
    questions: [],
    plan: '',
  } satisfies ProviderRequest,
});
const decide = (id: string, requestId = 'r-1', clientId = randomUUID()) =>
  agents.decide(id, requestId, { decision: 'allow', clientId }, 'test');
const status = (error: { code?: ErrorCode }) => `${error.code && ERROR_STATUS[error.code]} ${error.code}`;

test('an idle process is ended after a while, and resumed by the next message', async () => {
  const { id } = await create();
  session().emit(...READY);
  clock.advance(IDLE_REAP_MS - 60_000);
  assert.not(session().calls.some(([name]) => name === 'reap'));
  clock.advance(120_000);
  assert.ok(session().calls.some(([name]) => name === 'reap'));
  assert.is(agents.info(id).state, 'idle');
  assert.is(agents.info(id).stateReason, 'reaped');
  await agents.send(id, { text: 'again' }, 'test');
  assert.is(claude.sessions.length, 2);
  assert.is(session().options.resume, 's-1');
  assert.is((session().calls[0]![1] as { text: string }).text, 'again');
});

test('an idle process that does not end when asked is made to, and the message that waits goes to the next one', async () => {
  const { id } = await create();
  session().emit(...READY);
  session().reap = () => {};
  clock.advance(IDLE_REAP_MS);
  await agents.send(id, { text: 'again' }, 'test');
  assert.is(claude.sessions.length, 1);
  clock.advance(5000);
  assert.is(claude.sessions.length, 2);
  assert.equal(session().calls.map(([name]) => name), ['send']);
  session().emit(...READY);
  clock.advance(60_000);
  assert.equal(session().calls.map(([name]) => name), ['send'], 'the next one is left alone');
});

test('a process at work, asking, with a queue or with work in the background is not ended', async () => {
  await create('work');
  session().emit(...READY, { type: 'turn.start' });
  clock.advance(10 * IDLE_REAP_MS);
  session().emit(request());
  clock.advance(10 * IDLE_REAP_MS);
  session().emit({ type: 'request.cancelled', requestId: 'r-1' }, DONE);
  Object.assign(session(), { hasBackgroundWork: true });
  clock.advance(10 * IDLE_REAP_MS);
  assert.not(session().calls.some(([name]) => name === 'reap'));
});

test('the answer stays on the record until the CLI is seen to have taken it', async () => {
  const { id } = await create('work');
  session().emit(...READY, { type: 'turn.start' }, request());
  await decide(id);
  const card = () => agents.message(id, 'r-1') as RequestMessage;
  assert.is(card().status, 'decided');
  assert.is(agents.info(id).state, 'running');
  session().emit({ type: 'request.resolved', requestId: 'r-1' });
  assert.is(card().status, 'answered');
});

test('a CLI that no longer has the request: 410, and the card is closed', async () => {
  const { id } = await create('work');
  session().emit(...READY, { type: 'turn.start' }, request());
  session().takesDecisions = false;
  const clientId = randomUUID();
  assert.is(status(await decide(id, 'r-1', clientId).catch((e) => e)), '410 request_gone');
  assert.is(status(await decide(id, 'r-1', clientId).catch((e) => e)), '410 request_gone', 'the same one again');
  assert.is((agents.message(id, 'r-1') as RequestMessage).status, 'cancelled');
  assert.equal(agents.info(id).pending, []);
});

test('what work in the background asks waits on when the turn has ended well', async () => {
  const { id } = await create('work');
  const tool: ProviderEvent = { type: 'tool.start', id: 't-1', tool: 'Bash', parent: 'agent' };
  const asked = request() as Extract<ProviderEvent, { type: 'request' }>;
  session().emit(...READY, { type: 'turn.start' }, tool, { ...asked, request: { ...asked.request, toolId: 't-1' } });
  session().emit(DONE);
  const state = () => `${agents.info(id).state} ${agents.info(id).stateReason}`;
  assert.is(state(), 'waiting_input permission');
  assert.equal(agents.info(id).pending, ['r-1']);
  assert.is((agents.message(id, 't-1') as ToolMessage).status, 'running');
  await decide(id);
  assert.is(state(), 'idle done');
  assert.ok(session().calls.some(([name]) => name === 'decide'));
});

test('what work in the background asks and takes back, and what a turn asked that was interrupted, is over', async () => {
  const { id } = await create('work');
  session().emit(...READY, { type: 'turn.start' }, request(), DONE);
  session().emit({ type: 'request.cancelled', requestId: 'r-1' });
  assert.is(agents.info(id).state, 'idle');
  session().emit({ type: 'turn.start' }, request('r-2'), { ...DONE, outcome: 'interrupted' });
  assert.is(agents.info(id).stateReason, 'interrupted_by_user');
  assert.equal(agents.info(id).pending, []);
  assert.is((agents.message(id, 'r-2') as RequestMessage).status, 'cancelled');
});

test('several requests wait at once; the state says the oldest', async () => {
  const { id } = await create('work');
  session().emit(...READY, { type: 'turn.start' }, request('r-1'), request('r-2'));
  assert.equal(agents.info(id).pending, ['r-1', 'r-2']);
  await decide(id, 'r-1');
  assert.is(agents.info(id).state, 'waiting_input');
  await decide(id, 'r-2');
  assert.is(agents.info(id).state, 'running');
  assert.equal(session().calls.filter(([name]) => name === 'decide').map(([, r]) => r), ['r-1', 'r-2']);
});

test('what cannot be saved is not done: 507, nothing reaches the CLI, and the same id works later', async () => {
  const { id } = await create();
  session().emit(...READY);
  const own = join(directory, 'data/agents', id);
  renameSync(own, `${own}.away`);
  writeFileSync(own, ''); // a file where the journal's folder was: every write fails
  const clientId = randomUUID();
  const send = () => agents.send(id, { text: 'lost?', clientId }, 'test');
  assert.is(status(await send().catch((e) => e)), '507 not_saved');
  assert.is((agents.message(id, clientId) as UserMessage).status, 'failed');
  assert.match(context.warnings.get(`journal ${id}`)!, 'cannot be written');
  assert.equal(session().calls, []);

  rmSync(own);
  renameSync(`${own}.away`, own);
  assert.is((await send()).duplicate, false);
  assert.is(context.warnings.get(`journal ${id}`), '');
  assert.equal(session().calls.map(([name]) => name), ['send']);
  assert.is((await send()).duplicate, true);
});

test('an agent whose first message cannot be saved is not made: 507, nothing is left, and the same id works later', async () => {
  let own = '';
  const { publish } = context;
  context.publish = (change) => {
    publish(change);
    if (change.type !== 'agent' || own) return;
    own = join(directory, 'data/agents', change.agent.id);
    renameSync(own, `${own}.away`);
    writeFileSync(own, '');
  };
  const clientId = randomUUID();
  const make = () => agents.create({ directory, prompt: 'first', clientId }, 'test');
  assert.is(status(await make().catch((e) => e)), '507 not_saved');
  assert.equal(agents.list(), []);
  assert.equal(removed, ['/w']);
  assert.not(existsSync(own));
  assert.ok(context.published.some((change) => change.type === 'agent.removed'));
  assert.is(claude.sessions.length, 0);
  const { id } = await make();
  assert.equal(agents.list().map((info) => info.id), [id]);
  assert.equal(session().calls.map(([name]) => name), ['send']);
});

test('an agent whose folder is prepared while the server closes leaves nothing', async () => {
  const making = create('first').catch((e) => status(e));
  await agents.close();
  assert.is(await making, '503 closing');
  assert.is(claude.sessions.length, 0);
  assert.equal(removed, ['/w']);
  assert.equal(readdirSync(join(directory, 'data/agents')), []);
});

test('an agent that is made as the server closes starts nothing and is not made', async () => {
  const { publish } = context;
  let closing: Promise<void> | null = null;
  context.publish = (change) => {
    publish(change);
    if (change.type === 'agent') closing = agents.close();
  };
  assert.is(await create('first').catch((e) => status(e)), '503 closing');
  await closing;
  assert.equal(agents.list(), []);
  assert.is(claude.sessions.length, 0);
});

test('a decision that cannot be saved is not taken: the request waits on', async () => {
  const { id } = await create();
  const own = join(directory, 'data/agents', id);
  renameSync(own, `${own}.away`);
  writeFileSync(own, '');
  session().emit(...READY, { type: 'turn.start' }, request());
  assert.is(status(await decide(id).catch((e) => e)), '507 not_saved');
  assert.is((agents.message(id, 'r-1') as RequestMessage).status, 'pending');
  assert.is(agents.info(id).state, 'waiting_input');
  rmSync(own);
  renameSync(`${own}.away`, own);
  await decide(id);
  assert.equal(session().calls.map(([name]) => name), ['decide']);
});

test('a session that the CLI has lost begins anew, with the message, and says so', async () => {
  const { id } = await create();
  session().emit(...READY);
  await agents.stop(id, 'test');
  await agents.send(id, { text: 'do you remember?' }, 'test');
  assert.is(session().options.resume, 's-1');
  session().emit({ type: 'exit', expected: false, code: 1, signal: null, text: 'No conversation', sessionLost: true });
  assert.is(claude.sessions.length, 3);
  assert.is(session().options.resume, null);
  assert.is((session().calls[0]![1] as { text: string }).text, 'do you remember?');
  assert.ok(agents.messages(id, {}).messages.some((m) => m.kind === 'notice' && m.code === 'session_lost'));
});

test('"Go on" after a lost session: the new one is told once what was wanted, also when the server was restarted between', async () => {
  const { id } = await agents.create({ directory, prompt: 'hello' }, 'test');
  const [hello] = session().calls.map(([, message]) => message as { id: string; text: string });
  session().emit(...READY, { type: 'message.status', id: hello!.id, status: 'sent' });
  session().emit({ type: 'text.end', id: 't-1', thinking: false, text: 'I have begun with the parser.' });
  await agents.stop(id, 'test');
  const sent = () =>
    session().calls.filter(([name]) => name === 'send').map(([, entry]) => (entry as { text: string }).text);
  await agents.send(id, { text: 'Go on' }, 'test');
  assert.equal(sent(), ['Go on']);
  session().emit({ type: 'exit', expected: false, code: 1, signal: null, text: 'No conversation', sessionLost: true });
  const whole =
    /^<earlier-conversation>[^]*User: hello\n[^]*begun with the parser\.[^]*<\/earlier-conversation>\n\nGo on$/;
  assert.match(sent()[0]!, whole);
  // The new session ends before it said its id: the next one knows as little.
  await agents.close();
  agents = await start();
  const { message: again } = await agents.send(id, { text: 'Go on' }, 'test');
  session().emit({ type: 'message.status', id: again.id, status: 'sent' }, { type: 'turn.start' }, DONE);
  await agents.send(id, { text: 'and hurry' }, 'test');
  assert.match(sent()[0]!, whole);
  assert.is(sent()[1], 'and hurry');
  session().emit(...READY);
  await agents.stop(id, 'test');
  await agents.send(id, { text: 'Go on' }, 'test');
  assert.equal(sent(), ['Go on'], 'the session has it');
  // Nobody sees but the CLI.
  const { messages } = agents.messages(id, {});
  assert.not(messages.some((message) => message.kind === 'user' && message.text.includes('earlier-conversation')));
});

test('a session that was to be gone on with and is lost is not asked for again, also after a restart', async () => {
  const { id } = await agents.create({ directory, flags: { resume: 's-1', forkSession: true } }, 'test');
  assert.is(session().options.resume, 's-1');
  session().emit(...READY);
  await agents.stop(id, 'test');
  await agents.send(id, { text: 'go on' }, 'test');
  session().emit({ type: 'exit', expected: false, code: 1, signal: null, text: 'No conversation', sessionLost: true });
  assert.is(session().options.resume, null);
  assert.is(session().options.fork, false);
  await agents.close();
  agents = await start();
  await agents.send(id, { text: 'go on' }, 'test');
  assert.is(session().options.resume, null);
});

/** One turn, whose end the CLI names. */
async function turn(id: string, text: string, point: string) {
  const { message } = await agents.send(id, { text }, 'test');
  session().emit({ type: 'message.status', id: message.id, status: 'sent' }, { type: 'turn.start' });
  session().emit({ type: 'text.end', id: `answer to ${text}`, thinking: false, text: `Done: ${text}` });
  session().emit({ ...DONE, point } as ProviderEvent);
  return message.id;
}

test('a fork is a new agent with the conversation up to a message, which its CLI copies up to there', async () => {
  const { id, name } = await create();
  session().emit(...READY);
  await turn(id, 'one', 'p-1');
  const second = await turn(id, 'two', 'p-2');
  await agents.setModel(id, 'opus');
  const copy = await agents.fork(id, { messageId: second }, 'test');
  assert.is(copy.name, `${name} (2)`);
  assert.is(copy.sessionId, null);
  const { resume, fork, forkAt, model } = session().options;
  assert.equal([resume, fork, forkAt, model], ['s-1', true, 'p-1', 'opus']);
  const said = agents.messages(copy.id, {}).messages.flatMap((message) => 'text' in message ? message.text : []);
  assert.equal(said.slice(0, 3), ['one', 'Done: one', '']);
  assert.match(said[3]!, `copy of the conversation with "${name}"`);
  assert.not(said.some((text) => text.includes('two')));
  const seqs = agents.messages(copy.id, {}).messages.map(({ seq }) => seq);
  assert.equal(seqs, [1, 2, 3, 4]);

  // Once it has a session of its own it goes on with that.
  session().emit({ type: 'session', sessionId: 's-2' });
  await agents.stop(copy.id, 'test');
  await agents.send(copy.id, { text: 'three' }, 'test');
  assert.equal([session().options.resume, session().options.fork, session().options.forkAt], ['s-2', false, undefined]);
  assert.is((session().calls[0]![1] as { text: string }).text, 'three');
});

test('the same fork again is the same agent; one at a place that the CLI has no name for is refused', async () => {
  const { id } = await create();
  session().emit(...READY);
  const first = await turn(id, 'one', 'p-1');
  const clientId = randomUUID();
  const end = agents.messages(id, {}).messages.at(-1)!.id;
  const copy = await agents.fork(id, { messageId: end, clientId }, 'test');
  assert.is((await agents.fork(id, { messageId: end, clientId }, 'test')).id, copy.id);
  const refused = async (messageId: string) => status(await agents.fork(id, { messageId }, 'test').catch((e) => e));
  assert.is(await refused(first), '409 no_fork_point');
  assert.is(await refused('nowhere'), '404 not_found');
  assert.is(agents.list().length, 2);
  const handed = agents.handOverSession(copy.id, { id: 't', name: 't' }, 'test');
  assert.is(status(await handed.then(() => ({}), (error) => error)), '409 fork_not_begun');
});

test('a fork that works elsewhere is said so with its first message, also after a restart', async () => {
  const { id } = await create();
  session().emit(...READY);
  await turn(id, 'one', 'p-1');
  const end = agents.messages(id, {}).messages.at(-1)!.id;
  place = join(directory, 'elsewhere');
  const copy = await agents.fork(id, { messageId: end }, 'test');
  assert.equal(wanted, { path: '/w', branch: 'b', base: 'main' });
  await agents.close();
  agents = await start();
  const { message } = await agents.send(copy.id, { text: 'two' }, 'test');
  const sent = () =>
    session().calls.filter(([name]) => name === 'send').map((call) => (call[1] as { text: string }).text);
  assert.match(sent()[0]!, /^<moved>[^]*elsewhere[^]*two$/);
  session().emit({ type: 'message.status', id: message.id, status: 'sent' });
  session().emit({ type: 'session', sessionId: 's-2' }, { type: 'turn.start' }, DONE);
  await agents.send(copy.id, { text: 'three' }, 'test');
  assert.is(sent()[1], 'three');
});

test('a message that comes while the process is being ended goes to the next one', async () => {
  const { id } = await create();
  session().emit(...READY);
  const first = session();
  let finish = () => {};
  first.stop = () =>
    new Promise((resolve) =>
      finish = () => {
        first.emit({ type: 'exit', expected: true, code: 0, signal: null, text: '' });
        resolve();
      }
    );
  const stopping = agents.stop(id, 'test');
  const clientId = randomUUID();
  await agents.send(id, { text: 'wait for me', clientId }, 'test');
  assert.is(claude.sessions.length, 1);
  finish();
  await stopping;
  assert.is(claude.sessions.length, 2);
  assert.equal(session().calls.map(([name]) => name), ['send']);
  const message = () => agents.message(id, clientId) as UserMessage;
  assert.is(message().status, 'accepted');
  session().emit(...READY, { type: 'message.status', id: clientId, status: 'sent' });
  assert.is(message().status, 'sent');
  assert.is(message().error, undefined);
});

test('a session whose messages are cancelled or refused before a turn has begun is not at work', async () => {
  const { id } = await create('one');
  const [first] = agents.messages(id, {}).messages;
  const clientId = randomUUID();
  await agents.send(id, { text: 'two', clientId }, 'test');
  session().emit(...READY);
  assert.is(agents.info(id).state, 'running');
  session().emit({ type: 'message.status', id: first!.id, status: 'cancelled' });
  assert.is(agents.info(id).state, 'running', 'the second is still under way');
  session().emit({ type: 'message.status', id: clientId, status: 'cancelled' });
  assert.is(agents.info(id).state, 'idle');

  await agents.stop(id, 'test');
  const again = randomUUID();
  await agents.send(id, { text: 'three', clientId: again }, 'test');
  session().emit(READY[0]!, { type: 'message.status', id: again, status: 'failed', error: 'No such model.' });
  assert.is(agents.info(id).state, 'error');
  assert.is(agents.info(id).stateText, 'No such model.');
});

test('a message that is cancelled behind a running turn leaves it running', async () => {
  const { id } = await create('one');
  const [first] = agents.messages(id, {}).messages;
  session().emit(...READY, { type: 'message.status', id: first!.id, status: 'sent' }, { type: 'turn.start' });
  const clientId = randomUUID();
  await agents.send(id, { text: 'two', clientId }, 'test');
  session().emit({ type: 'message.status', id: clientId, status: 'cancelled' });
  assert.is(agents.info(id).state, 'running');
});

test('a stop ends the present CLI, also while the leftovers of the one before are swept', async () => {
  const { id } = await create();
  session().emit(...READY);
  const first = session();
  let swept = () => {};
  first.stop = () => {
    first.emit({ type: 'exit', expected: true, code: 0, signal: null, text: '' });
    return new Promise((resolve) => swept = resolve);
  };
  const stopping = agents.stop(id, 'test');
  await agents.send(id, { text: 'go on' }, 'test');
  const second = session();
  await agents.stop(id, 'test');
  assert.ok(second.calls.some(([name]) => name === 'stop'));
  assert.is(agents.info(id).state, 'stopped');
  swept();
  await stopping;
  await agents.send(id, { text: 'once more' }, 'test');
  assert.equal(session().calls.map(([name]) => name), ['send']);
});

test('a message to an agent that is being deleted is refused and starts nothing', async () => {
  const { id } = await create();
  await agents.stop(id, 'test');
  const [early, late] = [agents.send(id, { text: 'do it' }, 'test'), agents.remove(id, { discardWork: true }, 'test')];
  const answers = await Promise.all([early.catch((e) => status(e)), late]);
  assert.is(answers[0], '404 not_found');
  assert.is(claude.sessions.length, 1);
});

test('an agent that was not deleted after all takes messages again', async () => {
  const { id } = await create();
  const { stop } = session();
  session().stop = () => {
    lostWork = ['1 new file.'];
    return stop();
  };
  await agents.remove(id, { discardWork: false }, 'test').catch(() => {});
  await agents.send(id, { text: 'go on' }, 'test');
  assert.is(claude.sessions.length, 2);
});

for (const isOpen of [true, false]) {
  test(`a message that comes as the server closes is refused, and not lost (CLI ${isOpen ? 'open' : 'ended'})`, async () => {
    const { id } = await create();
    session().emit(...READY);
    if (!isOpen) await agents.stop(id, 'test');
    const clientId = randomUUID();
    const send = () => agents.send(id, { text: 'do it', clientId }, 'test');
    const sending = send().catch((e) => status(e));
    while (!agents.message(id, clientId)) await Promise.resolve();
    await agents.close();
    assert.is(await sending, '503 closing');
    assert.is(claude.sessions.length, 1);
    agents = await start();
    assert.is((agents.message(id, clientId) as UserMessage).status, 'failed');
    assert.is((await send()).duplicate, false);
    assert.is((session().calls[0]![1] as { text: string }).text, 'do it');
  });
}

test('agents and their messages are there after a restart; what was open is closed', async () => {
  const { id } = await create('work');
  session().emit(...READY, { type: 'turn.start' }, { type: 'text.start', id: 't', thinking: false }, {
    type: 'text.delta',
    id: 't',
    text: 'so far',
  });
  await agents.close();
  claude = scriptedProvider();
  agents = await start();
  const info = agents.info(id);
  assert.is(info.state, 'stopped');
  assert.is(info.stateReason, 'interrupted');
  assert.is(info.sessionId, 's-1');
  const text = agents.message(id, 't')!;
  assert.ok(text.kind === 'text' && text.done && text.text === 'so far');
});

test('an agent whose record is damaged does not keep the others from being there', async () => {
  const [good, bad] = [await create(), await create()];
  await agents.close();
  writeFileSync(join(directory, 'data/agents', bad.id, 'agent.json'), '{"version":1');
  mkdirSync(join(directory, 'data/agents/empty'));
  agents = await start();
  assert.equal(agents.list().map(({ id }) => id), [good.id]);
  assert.match(context.warnings.get(`record ${bad.id}`)!, 'corrupt');
});

test('a folder in the place of a file, and a clock that goes back a day: all others go on, and it is said', async () => {
  const [good, noRecord, noJournal] = [await create('one'), await create('two'), await create('three')];
  await agents.close();
  for (const [{ id }, name] of [[noRecord, 'agent.json'], [noJournal, 'journal.jsonl']] as const) {
    const path = join(directory, 'data/agents', id, name);
    rmSync(path);
    mkdirSync(join(path, 'inside'), { recursive: true });
  }
  const forward = clock.now;
  context = testContext({ dataDir: join(directory, 'data'), clock: { ...clock, now: () => forward() - 86_400_000 } });
  claude = scriptedProvider();
  agents = await start();
  assert.equal(agents.list().map(({ id }) => id).sort(), [good.id, noJournal.id].sort());
  const before = agents.messages(good.id, {}).messages;
  const sent = await agents.send(good.id, { text: 'go on', clientId: randomUUID() }, 'test');
  assert.ok(sent.message.seq > before.at(-1)!.seq, 'the order is that of the numbers, not of the clock');
  agents.messages(noJournal.id, {});
  assert.match(context.warnings.get(`record ${noRecord.id}`)!, 'could not be read');
  assert.match(context.warnings.get(`journal ${noJournal.id}`)!, 'could not be read');
});

test('work that is not merged is not deleted without being asked', async () => {
  const { id } = await create();
  lostWork = ['2 commits.'];
  const error = await agents.remove(id, { discardWork: false }, 'test').catch((e) => e);
  assert.is(status(error), '409 unmerged_work');
  assert.match(error.message, '2 commits');
  await agents.remove(id, { discardWork: true }, 'test');
  assert.equal(agents.list(), []);
});

test('what an agent writes while it is being stopped is found before it is deleted', async () => {
  const { id } = await create();
  const { stop } = session();
  session().stop = () => {
    lostWork = ['1 new file.'];
    return stop();
  };
  const error = await agents.remove(id, { discardWork: false }, 'test').catch((e) => e);
  assert.is(status(error), '409 unmerged_work');
  assert.is(agents.info(id).state, 'stopped');
});

test('a refusal to delete leaves the agent at its work', async () => {
  const { id } = await create();
  lostWork = ['2 commits.'];
  await agents.remove(id, { discardWork: false }, 'test').catch(() => {});
  assert.not.ok(session().calls.some(([method]) => method === 'stop'));
});

test('a worktree that cannot be removed is refused before the agent is stopped, also when its work may be lost', async () => {
  const { id } = await create();
  for (const code of ['worktree_locked', 'not_removable', 'not_a_worktree'] as const) {
    obstacle = new Failure(code, 'Something is in the way.');
    const error = await agents.remove(id, { discardWork: true }, 'test').catch((e) => e);
    assert.is(status(error), `${ERROR_STATUS[code]} ${code}`);
    assert.not.ok(session().calls.some(([method]) => method === 'stop'), code);
    assert.equal(removed, []);
  }
  obstacle = null;
  await agents.remove(id, { discardWork: true }, 'test');
  assert.equal(removed, ['/w']);
});

test('a title names an agent that nobody named, and no other', async () => {
  const { id } = await create('work');
  session().emit({ type: 'title', title: 'Better' });
  assert.is(agents.info(id).name, 'Better');
  await agents.rename(id, 'Mine');
  session().emit({ type: 'title', title: 'Worse' });
  assert.is(agents.info(id).name, 'Mine');
});

test('passing notices replace each other within a turn', async () => {
  const { id } = await create('work');
  const notice = (text: string): ProviderEvent => ({
    type: 'notice',
    level: 'warning',
    code: 'api_retry',
    text,
    passing: true,
  });
  session().emit(...READY, { type: 'turn.start' }, notice('try 1'), notice('try 2'), DONE, notice('try 1 again'));
  const texts = agents.messages(id, {}).messages.flatMap((m) => m.kind === 'notice' ? [m.text] : []);
  assert.equal(texts, ['try 2', 'try 1 again']);
});

test('results, inputs and texts are bounded', async () => {
  const { id } = await create('work');
  session().emit(
    ...READY,
    {
      type: 'tool.input',
      id: 'x',
      tool: 'Write',
      title: 't'.repeat(5000),
      input: { content: 'y'.repeat(2_000_000), path: '/a' },
    },
    { type: 'tool.end', id: 'x', status: 'done', result: { text: 'z'.repeat(1_000_000), truncated: false } },
  );
  const tool = agents.message(id, 'x')!;
  assert.ok(tool.kind === 'tool');
  assert.is(tool.result!.truncated, true);
  assert.ok(JSON.stringify(tool).length < 200_000);
  assert.is(tool.input!.path, '/a');
});

/** An idle agent whose CLI has been asked to end and has not yet. */
async function reaped(): Promise<{ id: string; end(): void }> {
  const { id } = await create('work');
  const cli = session();
  cli.emit(...READY, { type: 'turn.start' }, { type: 'message.status', id: sentId(cli), status: 'sent' }, DONE);
  let isReaped = false;
  cli.reap = () => void (isReaped = true);
  clock.advance(IDLE_REAP_MS);
  assert.ok(isReaped);
  const end = () => cli.emit({ type: 'exit', expected: true, code: 0, signal: null, text: '' });
  return { id, end };
}

const sentId = ({ calls }: ScriptedProvider['sessions'][number]): string =>
  (calls.find(([method]) => method === 'send')![1] as { id: string }).id;
const sentTo = ({ calls }: ScriptedProvider['sessions'][number]): string[] =>
  calls.filter(([method]) => method === 'send').map(([, message]) => (message as { text: string }).text);

test('a message that is taken back while the CLI is being ended is never sent', async () => {
  const { id, end } = await reaped();
  const [first, second] = [randomUUID(), randomUUID()];
  await agents.send(id, { text: 'pay', clientId: first }, 'test');
  await agents.send(id, { text: 'look', clientId: second }, 'test');
  await agents.cancelQueued(id, first);
  assert.is((agents.message(id, first) as UserMessage).status, 'cancelled');
  end();
  assert.equal(sentTo(session()), ['look']);
  assert.is((agents.message(id, first) as UserMessage).status, 'cancelled');
  assert.is(claude.sessions.length, 2);
});

test('the only message is taken back while the CLI is being ended, or while it is being saved: no CLI is started', async () => {
  const { id, end } = await reaped();
  const waiting = randomUUID();
  await agents.send(id, { text: 'pay', clientId: waiting }, 'test');
  await agents.cancelQueued(id, waiting);
  const saving = randomUUID();
  const sending = agents.send(id, { text: 'pay', clientId: saving }, 'test');
  while (!agents.message(id, saving)) await Promise.resolve();
  await agents.cancelQueued(id, saving);
  assert.is((await sending).message.status, 'cancelled');
  end();
  await agents.cancelQueued(id, saving).catch((error: Failure) => assert.is(error.code, 'already_sent'));
  assert.is(claude.sessions.length, 1);
  assert.is(agents.info(id).state, 'idle');
});

test('a mode that is set while the CLI is being ended is that of the next one', async () => {
  const { id, end } = await reaped();
  await agents.setMode(id, 'plan');
  assert.is(agents.info(id).mode, 'plan');
  end();
  await agents.send(id, { text: 'go on' }, 'test');
  assert.equal([claude.sessions.length, session().options.mode], [2, 'plan']);
});

test.run();
