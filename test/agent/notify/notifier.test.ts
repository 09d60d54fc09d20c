import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LiveChange } from '../../../core/api/live.ts';
import type { NotifyLevel } from '../../../core/api/notify.ts';
import type { Task } from '../../../core/api/tasks.ts';
import { type NoticeListener, Notifier } from '../../../agent/notify/notifier.ts';
import { activeTaskOf } from '../../../agent/pipeline/board.ts';
import { DeliveryQueue } from '../../../agent/notify/delivery-queue.ts';
import { EMPTY_STATE } from '../../../agent/notify/delivery-state.ts';
import type { Notice, Sender } from '../../../agent/notify/sender.ts';
import { DEFAULT_SETTINGS } from '../../../agent/settings/settings.ts';
import { fakeAgents } from '../../support/fakes/fake-agents.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { memoryDocument } from '../../support/fakes/memory-document.ts';
import { pipelineClock } from '../../support/fakes/pipeline-clock.ts';

const DELAY = DEFAULT_SETTINGS.notify.delaySeconds * 1000;

async function withNotifier(
  run: (
    room: {
      agents: ReturnType<typeof fakeAgents>;
      clock: ReturnType<typeof pipelineClock>;
      sent: (Notice & { to: string })[];
      notifier: Notifier;
      /** The server ends, and another one starts. */
      restart(): void;
      publish(change: LiveChange): void;
      settings: typeof DEFAULT_SETTINGS.notify;
      levels: Record<string, NotifyLevel>;
      /** What a listener was published, in short. */
      published: string[];
      tasks: Task[];
    },
  ) => Promise<void>,
): Promise<void> {
  const { path, remove } = temporaryDirectory();
  const clock = pipelineClock();
  const context = testContext({ dataDir: path, clock });
  const agents = fakeAgents(clock.now, context.publish);
  const sent: (Notice & { to: string })[] = [];
  const sender = (channel: 'email' | 'slack'): Sender => ({
    channel,
    configured: true,
    setup: '',
    send: async (to, notice) => void sent.push({ ...notice, to }),
  });
  const settings = structuredClone(DEFAULT_SETTINGS.notify);
  const deliveries = new DeliveryQueue({
    clock,
    log: context.log,
    senders: [sender('email'), sender('slack')],
    document: memoryDocument(EMPTY_STATE),
  });
  const levels: Record<string, NotifyLevel> = {};
  const published: string[] = [];
  const tasks: Task[] = [];
  const shown: { agent: string; request: string }[] = [];
  const listener: NoticeListener = {
    request(agent, message, isQuiet) {
      published.push(`${isQuiet ? 'quiet ' : ''}request ${agent.id} ${message.id}`);
      shown.push({ agent: agent.id, request: message.id });
    },
    notice: ({ title }, isQuiet) => void published.push(`${isQuiet ? 'quiet ' : ''}${title}`),
    settled: (agent, request, text) => void published.push(`settled ${agent} ${request}: ${text}`),
    shown: () => [{ agent: 'gone', request: 'of-an-earlier-run' }, ...shown],
  };
  const start = () =>
    new Notifier({
      context,
      agents,
      deliveries,
      listeners: [listener],
      level: (agent) => levels[agent] ?? 'default',
      settings: () => settings,
      pipelineContacts: () => ({ adminEmail: 'boss@example.org', whatsappPhone: '', slackWebhookUrl: '' }),
      linkBase: () => 'https://relay.example/#',
      isReported: (agent) => activeTaskOf(tasks, agent) !== undefined,
    });
  let notifier = start();
  const restart = () => {
    notifier.close();
    notifier = start();
  };
  try {
    const { publish } = context;
    await run({ ...{ agents, clock, sent, notifier, settings, levels, published, publish, tasks }, restart });
    notifier.close();
    await deliveries.close();
    assert.is(clock.pending, 0);
  } finally {
    remove();
  }
}

test('a request is told with what is asked and a link, to the contacts of the agent', () =>
  withNotifier(async ({ agents, clock, sent }) => {
    await agents.create({ name: 'Fix', directory: '/p', adminEmail: 'me@example.org' }, 'test');
    agents.ask('agent-1', { tool: 'Bash', title: 'rm -rf build', description: 'Clean up' });
    await clock.advance(DELAY - 1);
    assert.equal(sent, []);
    await clock.advance(1);
    await clock.advance(0);
    assert.equal(sent, [{
      event: 'needs_input',
      agent: 'agent-1',
      request: 'request-1',
      to: 'me@example.org',
      title: 'Fix asks for permission',
      text: 'Bash: rm -rf build\nClean up',
      link: 'https://relay.example/#/agents/agent-1',
    }]);
  }));

test('what is answered in time is told nobody, and each request is told once', () =>
  withNotifier(async ({ agents, clock, sent, settings }) => {
    settings.adminEmail = 'default@example.org';
    await agents.create({ name: 'Fix', directory: '/p' }, 'test');
    agents.ask('agent-1', {});
    await clock.advance(DELAY / 2);
    agents.set('agent-1', { pending: [], state: 'running', stateReason: 'turn' });
    await clock.advance(DELAY);
    assert.equal(sent, []);
    const id = agents.ask('agent-1', {
      request: 'question',
      questions: [{
        id: 'q',
        header: '',
        question: 'Which?',
        options: [{ label: 'Red', description: '' }],
        multiSelect: false,
        other: false,
        secret: false,
      }],
    });
    await clock.advance(DELAY);
    agents.set('agent-1', { pending: [id], preview: 'x' });
    await clock.advance(DELAY * 2);
    assert.equal(sent.map(({ to, title, text }) => [to, title, text]), [[
      'default@example.org',
      'Fix has a question',
      'Which?\n• Red',
    ]]);
  }));

test('a failure is told at once; the end of a turn only when that is wanted; a task is told by its pipeline', () =>
  withNotifier(async ({ agents, clock, sent, settings, tasks }) => {
    tasks.push({ id: 't', status: 'running', agentId: 'agent-2' } as Task);
    settings.slackWebhookUrl = 'https://hooks.example/x';
    await agents.create({ name: 'A', directory: '/p' }, 'test');
    await agents.create({ name: 'B', directory: '/p', taskId: 't' }, 'test');
    agents.set('agent-1', { state: 'idle', stateReason: 'done' });
    agents.set('agent-2', { state: 'error', stateReason: 'failed' });
    await clock.advance(0);
    assert.equal(sent, []);
    agents.set('agent-1', { state: 'error', stateReason: 'failed', stateText: 'no key' });
    await clock.advance(1);
    settings.events.agent_finished = true;
    agents.set('agent-1', { state: 'idle', stateReason: 'done' });
    await clock.advance(1);
    assert.equal(sent.map((entry) => `${entry.title}: ${entry.text}`), ['A failed: no key', 'A is done: ']);
  }));

const OVER: [string, Partial<Task>[]][] = [
  ['is completed', [{ id: 't', status: 'completed', agentId: 'agent-1' }]],
  ['is tried again by another agent', [{ id: 't', status: 'running', agentId: 'agent-9' }]],
  ['was deleted', []],
];
for (const [what, list] of OVER) {
  test(`an agent whose task ${what} and that fails later is told as any other`, () =>
    withNotifier(async ({ agents, clock, sent, tasks }) => {
      tasks.push(...list as Task[]);
      await agents.create({ name: 'A', directory: '/p', taskId: 't', adminEmail: 'me@example.org' }, 'test');
      agents.set('agent-1', { state: 'error', stateReason: 'failed', stateText: 'no credit' });
      await clock.advance(1);
      assert.equal(sent.map(({ to, title }) => `${to} ${title}`), ['me@example.org A failed']);
    }));
}

test('pipeline reports go to its contacts, a stuck agent once', () =>
  withNotifier(async ({ agents, clock, sent, notifier }) => {
    const agent = await agents.create({ name: 'A', directory: '/p' }, 'test');
    const task = { id: 't', name: 'Build', error: 'boom', attempts: 1, status: 'failed' } as Task;
    notifier.report({ type: 'failed', task, agent });
    for (let i = 0; i < 3; i++) notifier.report({ type: 'stuck', task, agent, since: 5 });
    notifier.report({ type: 'complete', tasks: [task, { ...task, status: 'completed' }], startedAt: 1 });
    await clock.advance(0);
    assert.equal(sent.map((entry) => [entry.to, entry.title]), [
      ['boss@example.org', 'Task "Build" failed'],
      ['boss@example.org', 'Task "Build" is stuck'],
      ['boss@example.org', 'The pipeline ended with failures'],
    ]);
    assert.is(sent[2]!.text, '1 completed, 1 failed');
  }));

test('an agent that is deleted leaves no timer', () =>
  withNotifier(async ({ agents, clock, sent }) => {
    await agents.create({ name: 'A', directory: '/p', adminEmail: 'me@example.org' }, 'test');
    agents.ask('agent-1', {});
    await agents.remove('agent-1', { discardWork: false }, 'test');
    assert.is(clock.pending, 0);
    await clock.advance(DELAY);
    assert.equal(sent, []);
  }));

for (
  const [level, expected] of [
    ['requests', ['A asks for permission']],
    ['all', ['A asks for permission', 'A is done', 'A failed']],
    ['nothing', []],
    ['default', ['A failed']],
  ] as const
) {
  test(`an agent's own choice goes before the settings: ${level}`, () =>
    withNotifier(async ({ agents, clock, sent, settings, levels }) => {
      Object.assign(settings.events, { needs_input: false, failed: true, agent_finished: false });
      await agents.create({ name: 'A', directory: '/p', adminEmail: 'me@example.org' }, 'test');
      levels['agent-1'] = level;
      agents.ask('agent-1', {});
      await clock.advance(DELAY);
      agents.set('agent-1', { state: 'idle', stateReason: 'done', pending: [] });
      await clock.advance(1);
      agents.set('agent-1', { state: 'error', stateReason: 'failed' });
      await clock.advance(1);
      assert.equal(sent.map(({ title }) => title), expected);
    }));
}

test('in the quiet hours nothing rings; what still waits then is told when they are over', () =>
  withNotifier(async ({ agents, clock, sent, settings, published }) => {
    // The clock begins at 22:13:20 UTC.
    settings.quietHours = { on: true, from: '22:00', to: '23:00', timeZone: 'UTC' };
    await agents.create({ name: 'A', directory: '/p', adminEmail: 'me@example.org' }, 'test');
    const first = agents.ask('agent-1', {});
    const second = agents.ask('agent-1', {});
    await clock.advance(DELAY);
    agents.set('agent-1', { pending: [second] });
    agents.set('agent-1', { state: 'error', stateReason: 'failed' });
    const untilEleven = 46 * 60_000 + 40_000 - DELAY;
    await clock.advance(untilEleven - 1);
    assert.equal(sent, []);
    assert.equal(published.slice(1), [
      `quiet request agent-1 ${first}`,
      `quiet request agent-1 ${second}`,
      `settled agent-1 ${first}: No longer asked`,
      'quiet A failed',
    ]);
    await clock.advance(1);
    await clock.advance(0);
    assert.equal(sent.map(({ title }) => title).sort(), ['A asks for permission', 'A failed']);
    assert.is(published.at(-1), `request agent-1 ${second}`);
  }));

test('a limit is told once for all agents of its provider, and once when it is over', () =>
  withNotifier(async ({ agents, clock, sent, settings, publish }) => {
    settings.adminEmail = 'me@example.org';
    for (const name of ['A', 'B']) await agents.create({ name, directory: '/p' }, 'test');
    const resetsAt = clock.now() + 3_600_000;
    const notice = (agent: string, isReached: boolean): LiveChange => ({
      type: 'message',
      agent,
      message: {
        kind: 'notice',
        id: 'n',
        seq: 1,
        at: 0,
        level: 'warning',
        code: 'rate_limit',
        text: 'The five-hour limit is reached.',
        passing: true,
        limit: { isReached, resetsAt },
      },
    });
    publish(notice('agent-1', false));
    await clock.advance(0);
    assert.equal(sent, []);
    publish(notice('agent-1', true));
    const patch = { text: 'The five-hour limit is reached.', limit: { isReached: true, resetsAt } };
    publish({ type: 'message.patch', agent: 'agent-2', id: 'n', patch });
    await clock.advance(3_600_000 - 1);
    assert.equal(sent.map(({ title }) => title), ['A: a limit of claude is reached']);
    await clock.advance(1);
    await clock.advance(0);
    assert.is(sent.at(-1)!.title, 'The limit of claude is over');
  }));

test('what an earlier run showed and is not asked now is taken back at the start', () =>
  withNotifier(async ({ published }) => {
    await Promise.resolve();
    assert.equal(published, ['settled gone of-an-earlier-run: No longer asked']);
  }));

test('a request that was open at the end of the server is told by the next one, and shown nobody twice', () =>
  withNotifier(async ({ agents, clock, sent, published, restart, settings }) => {
    settings.adminEmail = 'me@example.org';
    await agents.create({ name: 'Fix', directory: '/p' }, 'test');
    agents.ask('agent-1', { tool: 'Bash', title: 'ls' });
    await clock.advance(DELAY / 2);
    published.length = 0;
    restart();
    await clock.advance(DELAY);
    await clock.advance(0);
    const asked = () => published.filter((line) => !line.startsWith('settled'));
    assert.equal(
      [asked(), sent.length],
      [['request agent-1 request-1'], 1],
      'nothing else has changed, and it is told',
    );
    restart();
    agents.set('agent-1', { stateSince: 5 });
    await clock.advance(DELAY);
    await clock.advance(0);
    assert.equal([asked(), sent.length], [['request agent-1 request-1'], 1]);
    agents.set('agent-1', { pending: [], state: 'running', stateReason: 'turn' });
    assert.match(published.at(-1)!, 'settled agent-1 request-1');
  }));

test.run();
