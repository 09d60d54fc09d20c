import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { outcomeOf } from '../../../cli/client/settled.ts';
import type { AgentInfo, AgentState } from '../../../core/api/agents.ts';
import type { Message, UserMessage } from '../../../core/api/messages.ts';

const info = (state: AgentState, more: Partial<AgentInfo> = {}) =>
  ({ state, queue: [], pending: [], cli: { running: true }, ...more }) as unknown as AgentInfo;
const prompt = (seq: number, status: UserMessage['status']) => ({ kind: 'user', seq, status }) as Message;
const end = (seq: number) => ({ kind: 'turn', seq }) as Message;

test('a rest after the end of the last prompt is one', () => {
  assert.equal(outcomeOf(info('idle'), [prompt(1, 'sent'), end(2)]), { outcome: 'done', isSure: true });
  assert.equal(outcomeOf(info('idle'), []), { outcome: 'done', isSure: true });
  assert.equal(outcomeOf(info('error'), [prompt(1, 'sent'), end(2)]), { outcome: 'failed', isSure: true });
  assert.equal(outcomeOf(info('stopped'), [prompt(1, 'cancelled')]), { outcome: 'stopped', isSure: true });
});

test('the state of the turn before says nothing while a message is on its way', () => {
  for (const state of ['idle', 'error', 'stopped'] as const) {
    for (const status of ['accepted', 'queued'] as const) {
      const messages = [prompt(1, 'sent'), end(2), prompt(3, status)];
      assert.equal(outcomeOf(info(state), messages), { outcome: 'busy', isSure: true });
    }
    const begun = [end(2), prompt(3, 'sent')];
    assert.not(outcomeOf(info(state), begun).isSure);
  }
  assert.is(outcomeOf(info('idle', { queue: [{ id: 'a', text: '', at: 0 }] }), []).outcome, 'busy');
});

test('without a process a rest is one, also when no turn has ended', () => {
  const gone = { cli: { running: false, pid: null, version: '', seenAt: null } };
  assert.equal(outcomeOf(info('error', gone), [prompt(1, 'sent')]), { outcome: 'failed', isSure: true });
  assert.equal(outcomeOf(info('stopped', gone), [prompt(1, 'sent')]), { outcome: 'stopped', isSure: true });
  assert.equal(outcomeOf(info('stopped', gone), [prompt(1, 'accepted')]), { outcome: 'busy', isSure: true });
});

test('a request that waits is one at once; one that was just decided is none', () => {
  assert.equal(outcomeOf(info('waiting_input', { pending: ['r'] }), [prompt(1, 'queued')]), {
    outcome: 'needs_you',
    isSure: true,
  });
  assert.is(outcomeOf(info('waiting_input'), []).outcome, 'busy');
  assert.is(outcomeOf(info('running'), []).outcome, 'busy');
  assert.is(outcomeOf(info('starting'), []).outcome, 'busy');
});

test.run();
