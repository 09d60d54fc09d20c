import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Task } from '../../../core/wire/types.ts';
import { Notifier } from '../../../agent/notify/notifier.ts';
import { Outbox } from '../../../agent/notify/outbox.ts';
import type { Notice, Sender } from '../../../agent/notify/sender.ts';
import { DEFAULT_SETTINGS } from '../../../agent/settings.ts';
import { fakeAgents } from '../../support/fake-agents.ts';
import { temporaryFolder } from '../../support/git.ts';
import { testHouse } from '../../support/house.ts';
import { workshopClock } from '../../support/workshop-clock.ts';

const DELAY = DEFAULT_SETTINGS.notify.delaySeconds * 1000;

async function withNotifier(
  run: (
    room: {
      agents: ReturnType<typeof fakeAgents>;
      clock: ReturnType<typeof workshopClock>;
      sent: (Notice & { to: string })[];
      notifier: Notifier;
      settings: typeof DEFAULT_SETTINGS.notify;
    },
  ) => Promise<void>,
): Promise<void> {
  const { path, remove } = temporaryFolder();
  const clock = workshopClock();
  const house = testHouse({ dataDir: path, clock });
  const agents = fakeAgents(clock.now);
  const sent: (Notice & { to: string })[] = [];
  const sender = (channel: 'email' | 'slack'): Sender => ({
    channel,
    configured: true,
    setup: '',
    send: async (to, notice) => void sent.push({ ...notice, to }),
  });
  const settings = structuredClone(DEFAULT_SETTINGS.notify);
  const outbox = new Outbox({ clock, log: house.log, senders: [sender('email'), sender('slack')] });
  const notifier = new Notifier({
    house,
    agents,
    outbox,
    settings: () => settings,
    pipelineContacts: () => ({ adminEmail: 'boss@example.org', whatsappPhone: '', slackWebhookUrl: '' }),
    address: () => 'https://relay.example',
  });
  try {
    await run({ agents, clock, sent, notifier, settings });
    notifier.close();
    outbox.close();
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
  withNotifier(async ({ agents, clock, sent, settings }) => {
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
    assert.equal(sent.map((one) => `${one.title}: ${one.text}`), ['A failed: no key', 'A is done: ']);
  }));

test('pipeline reports go to its contacts, a stuck agent once', () =>
  withNotifier(async ({ agents, clock, sent, notifier }) => {
    const agent = await agents.create({ name: 'A', directory: '/p' }, 'test');
    const task = { id: 't', name: 'Build', error: 'boom', attempts: 1, status: 'failed' } as Task;
    notifier.report({ type: 'failed', task, agent });
    for (let i = 0; i < 3; i++) notifier.report({ type: 'stuck', task, agent, since: 5 });
    notifier.report({ type: 'complete', tasks: [task, { ...task, status: 'completed' }], startedAt: 1 });
    await clock.advance(0);
    assert.equal(sent.map((one) => [one.to, one.title]), [
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

test.run();
