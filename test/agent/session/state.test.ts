import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type StateEvent, type Status, transition } from '../../../agent/session/state.ts';
import type { AgentState } from '../../../core/wire/types.ts';

const STATES: AgentState[] = ['starting', 'running', 'waiting_input', 'idle', 'stopped', 'error'];
const at = (state: AgentState, text = ''): Status => ({ state, reason: 'done', text });
const go = (state: AgentState, event: StateEvent) => {
  const { state: next, reason } = transition(at(state, 'before'), event);
  return `${next}/${reason}`;
};

test('a session’s usual life', () => {
  let now = at('stopped');
  const steps: [StateEvent, string][] = [
    [{ type: 'open' }, 'starting/created'],
    [{ type: 'ready', busy: true }, 'running/turn'],
    [{ type: 'turn.start' }, 'running/turn'],
    [{ type: 'waiting', request: 'permission', isTurning: true }, 'waiting_input/permission'],
    [{ type: 'waiting', request: 'question', isTurning: true }, 'waiting_input/question'],
    [{ type: 'waiting', request: null, isTurning: true }, 'running/turn'],
    [{ type: 'turn.end', outcome: 'done', text: '' }, 'idle/done'],
    [{ type: 'exit', asked: 'reap', failed: false, text: '' }, 'idle/reaped'],
    [{ type: 'open' }, 'starting/created'],
    [{ type: 'ready', busy: false }, 'idle/done'],
    [{ type: 'exit', asked: 'stop', failed: false, text: '' }, 'stopped/stopped_by_user'],
  ];
  for (const [event, expected] of steps) {
    now = transition(now, event);
    assert.is(`${now.state}/${now.reason}`, expected);
  }
});

test('a ready that comes late changes nothing', () => {
  for (const state of STATES.filter((one) => one !== 'starting')) {
    const now = at(state);
    assert.is(transition(now, { type: 'ready', busy: false }), now);
  }
});

test('a request that is gone puts only a waiting session back to work', () => {
  for (const state of STATES) {
    const now = at(state);
    for (const isTurning of [true, false]) {
      const next = transition(now, { type: 'waiting', request: null, isTurning });
      if (state === 'waiting_input') assert.is(next.state, isTurning ? 'running' : 'idle');
      else assert.is(next, now);
    }
  }
});

test('a turn that does not come to be leaves only a running session', () => {
  for (const state of STATES) {
    const isRunning = state === 'running';
    assert.is(go(state, { type: 'turn.off', text: '' }), isRunning ? 'idle/done' : `${state}/done`);
    assert.is(go(state, { type: 'turn.off', text: 'refused' }), isRunning ? 'error/failed' : `${state}/done`);
  }
});

test('an event of a turn does not hide that somebody is asked', () => {
  assert.is(go('waiting_input', { type: 'turn.start' }), 'waiting_input/done');
});

test('each end of a turn has its state, and failures keep their words', () => {
  const end = (outcome: Extract<StateEvent, { type: 'turn.end' }>['outcome']) =>
    transition(at('running'), { type: 'turn.end', outcome, text: 'why' });
  assert.equal(end('interrupted'), { state: 'idle', reason: 'interrupted_by_user', text: '' });
  for (const outcome of ['error', 'max_turns', 'max_budget'] as const) {
    assert.equal(end(outcome), { state: 'error', reason: 'failed', text: 'why' });
  }
});

test('the end of the process says who wanted it, in every state', () => {
  for (const state of STATES) {
    assert.is(go(state, { type: 'exit', asked: 'stop', failed: true, text: 'x' }), 'stopped/stopped_by_user');
    assert.is(go(state, { type: 'exit', asked: 'shutdown', failed: true, text: 'x' }), 'stopped/interrupted');
    assert.is(go(state, { type: 'exit', asked: null, failed: true, text: 'x' }), 'error/failed');
    assert.is(go(state, { type: 'lost' }), 'stopped/interrupted');
  }
});

test('a failed turn stays on show when the process ends by itself', () => {
  const failed: Status = { state: 'error', reason: 'failed', text: 'no credit' };
  assert.is(transition(failed, { type: 'exit', asked: null, failed: false, text: '' }), failed);
  assert.is(transition(failed, { type: 'exit', asked: 'reap', failed: false, text: '' }), failed);
});

test.run();
