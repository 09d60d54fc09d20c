/** What sessions at the desk ask and say is told as what agents do, under their own names and addresses. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deskChat, type DeskSession } from '../../../core/api/handoff.ts';
import type { RequestMessage } from '../../../core/api/messages.ts';
import { withDesk } from '../../../agent/handoff/with-desk.ts';
import type { DeliveryQueue } from '../../../agent/notify/delivery-queue.ts';
import { Notifier } from '../../../agent/notify/notifier.ts';
import { DEFAULT_SETTINGS } from '../../../agent/settings/settings.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { testContext } from '../../support/fakes/test-context.ts';

const session: DeskSession = {
  ...{
    id: 's1',
    provider: 'claude',
    pid: 7,
    attach: null,
    isHere: false,
    name: 'fix-rounding',
    directory: '/home/dev/shop',
  },
  ...{ startedAt: 1, status: 'waiting', waitingFor: 'permission prompt', statusAt: 2, version: '1', others: 0 },
};
const request = {
  ...{ kind: 'request', id: 'r1', seq: 1, at: 1, request: 'permission', toolId: null, tool: 'Bash', title: 'npm test' },
  ...{
    description: '',
    input: { command: 'npm test' },
    diffs: [],
    questions: [],
    plan: '',
    status: 'pending',
    decision: null,
  },
  choices: [
    { id: 'allow', label: 'Allow once', detail: '', tone: 'allow' },
    { id: 'deny', label: 'Deny', detail: '', tone: 'deny' },
  ],
} as RequestMessage;

test('a request is told after the delay and taken back; the end of a turn and a wait are told; no agent is asked', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'desk-notices-'));
  const clock = fakeClock();
  const context = testContext({ dataDir: join(dataDir, 'data'), clock });
  const desk = { sessions: [{ ...session, pending: ['r1'] }] };
  let message = request;
  const nobody = () => assert.unreachable('an agent was asked');
  const agents = withDesk({ list: () => [], info: nobody, message: nobody, decide: nobody } as never, {
    desk,
    requests: { message: () => message, decide: (() => Promise.resolve('decided')) as never },
  });
  const sent: string[] = [];
  const listened: string[] = [];
  const deliveries = {
    deliver: (key: string, { title, link, approval }: { title: string; link: string; approval?: string }) =>
      sent.push([key.split(' ')[0], title, link, approval ?? ''].join(' | ')),
    withdraw: (key: string) => sent.push(`withdraw ${key}`),
    requests: () => [],
  } as unknown as DeliveryQueue;
  const settings = { ...DEFAULT_SETTINGS.notify, events: { ...DEFAULT_SETTINGS.notify.events, agent_finished: true } };
  const notifier = new Notifier({
    ...{ context, agents, deliveries, settings: () => settings, isReported: () => false },
    listeners: [{
      request: ({ id, name }, { id: asked }) => listened.push(`request ${id} ${name} ${asked}`),
      notice: ({ agent, title, text }) => listened.push(`notice ${agent} ${title}: ${text}`),
      settled: (id, asked, text) => listened.push(`settled ${id} ${asked} ${text}`),
      shown: () => [],
    }],
    pipelineContacts: () => settings,
    linkBase: () => 'https://relay.example/#',
  });
  context.publish({ type: 'handoff', session: desk.sessions[0]! });
  clock.advance(settings.delaySeconds * 1000);
  const chat = deskChat('s1');
  assert.equal(listened.splice(0), [`request ${chat} fix-rounding r1`]);
  assert.equal(sent.splice(0), [
    'request | fix-rounding asks for permission | https://relay.example/#/desk/s1 | Bash: npm test',
  ]);
  message = { ...request, status: 'answered', decision: { decision: 'answer', clientId: '', by: 'the desk', at: 3 } };
  desk.sessions = [session as typeof desk.sessions[0]];
  context.publish({ type: 'handoff', session });
  assert.equal(listened.splice(0), [`settled ${chat} r1 Answered by the desk`]);
  assert.equal(sent.splice(0), [`withdraw request ${chat} r1`]);
  notifier.deskNews({ session: 's1', event: 'finished', text: 'All tests pass.' });
  notifier.deskNews({ session: 's1', event: 'waits', text: '' });
  notifier.deskNews({ session: 'gone', event: 'waits', text: '' });
  assert.equal(listened, [
    `notice ${chat} fix-rounding is done: All tests pass.`,
    `notice ${chat} fix-rounding waits for you: `,
  ]);
  assert.is(await agents.decide(chat, 'r1', { decision: 'allow', clientId: 'c' }, 'x') as unknown, 'decided');
  notifier.close();
  assert.is(clock.pending, 0);
  rmSync(dataDir, { recursive: true });
});

test.run();
