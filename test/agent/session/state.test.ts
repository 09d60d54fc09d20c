import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type StateEvent, type Status, transition } from '../../../agent/session/state.ts';
import type { AgentState } from '../../../core/api/agents.ts';

const STATES: AgentState[] = ['starting', 'running', 'waiting_input', 'waiting_limit', 'idle', 'stopped', 'error'];
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
    [{ type: 'exit', stopReason: 'reap', failed: false, hadWork: false, text: '' }, 'idle/reaped'],
    [{ type: 'open' }, 'starting/created'],
    [{ type: 'ready', busy: false }, 'idle/done'],
    [{ type: 'exit', stopReason: 'stop', failed: false, hadWork: false, text: '' }, 'stopped/stopped_by_user'],
  ];
  for (const [event, expected] of steps) {
    now = transition(now, event);
    assert.is(`${now.state}/${now.reason}`, expected);
  }
});

test('a limit is waited for without a process, until a person stops the wait or a turn begins', () => {
  const limited = transition(at('running'), { type: 'turn.end', outcome: 'limit', text: 'Until 14:00.' });
  assert.equal(limited, { state: 'waiting_limit', reason: 'limit', text: 'Until 14:00.' });
  for (const stopReason of ['reap', 'shutdown', null] as const) {
    const exit: StateEvent = { type: 'exit', stopReason, failed: false, hadWork: false, text: '' };
    assert.equal(transition(limited, exit), limited);
  }
  assert.equal(transition(limited, { type: 'lost', hadWork: false }), limited);
  assert.is(transition(limited, { type: 'stop' }).reason, 'stopped_by_user');
  assert.is(transition(limited, { type: 'open' }).state, 'starting');
  assert.is(transition(limited, { type: 'turn.start' }).state, 'running');
  for (const state of STATES.filter((entry) => entry !== 'waiting_limit')) {
    assert.is(transition(at(state), { type: 'stop' }).state, state);
  }
});

test('the end for a budget says which', () => {
  const exit: StateEvent = { type: 'exit', stopReason: 'budget', failed: false, hadWork: true, text: 'Used up.' };
  for (const state of STATES) {
    assert.equal(transition(at(state), exit), { state: 'stopped', reason: 'budget', text: 'Used up.' });
  }
});

test('a ready that comes late changes nothing', () => {
  for (const state of STATES.filter((entry) => entry !== 'starting')) {
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

test('a turn that never begins ends only a running state', () => {
  for (const state of STATES) {
    const isRunning = state === 'running';
    assert.is(go(state, { type: 'turn.off', text: '' }), isRunning ? 'idle/done' : `${state}/done`);
    assert.is(go(state, { type: 'turn.off', text: 'refused' }), isRunning ? 'error/failed' : `${state}/done`);
  }
});

test('an event of a turn does not hide an open request', () => {
  assert.is(go('waiting_input', { type: 'turn.start' }), 'waiting_input/done');
});

test('each outcome of a turn has its state, and failures keep their text', () => {
  const end = (outcome: Extract<StateEvent, { type: 'turn.end' }>['outcome']) =>
    transition(at('running'), { type: 'turn.end', outcome, text: 'why' });
  assert.equal(end('interrupted'), { state: 'idle', reason: 'interrupted_by_user', text: '' });
  for (const outcome of ['error', 'max_turns', 'max_budget'] as const) {
    assert.equal(end(outcome), { state: 'error', reason: 'failed', text: 'why' });
  }
});

test('the exit of the process names who asked for it, in every state', () => {
  for (const state of STATES) {
    const exit = { type: 'exit', failed: true, hadWork: true, text: 'x' } as const;
    assert.is(go(state, { ...exit, stopReason: 'stop' }), 'stopped/stopped_by_user');
    assert.is(go(state, { ...exit, stopReason: 'shutdown' }), 'stopped/interrupted');
    assert.is(go(state, { ...exit, stopReason: null }), 'error/failed');
    assert.is(go(state, { type: 'lost', hadWork: true }), 'stopped/interrupted');
  }
});

test('what was at nothing is not interrupted by the end of the server, nor of its process', () => {
  const ends: StateEvent[] = [
    { type: 'lost', hadWork: false },
    { type: 'exit', stopReason: 'shutdown', failed: false, hadWork: false, text: '' },
    { type: 'exit', stopReason: 'reap', failed: false, hadWork: false, text: '' },
  ];
  for (const end of ends) {
    assert.equal(transition(at('idle'), end), { state: 'idle', reason: 'reaped', text: '' });
    for (const state of ['error', 'stopped'] as const) assert.is(go(state, end), `${state}/done`);
    const interrupted: Status = { state: 'idle', reason: 'interrupted_by_user', text: '' };
    assert.is(transition(interrupted, end), interrupted, 'the user has taken over: the task is not done');
  }
});

test('a failed turn stays visible when the process ends by itself', () => {
  const failed: Status = { state: 'error', reason: 'failed', text: 'no credit' };
  for (const stopReason of [null, 'reap'] as const) {
    assert.is(transition(failed, { type: 'exit', stopReason, failed: false, hadWork: false, text: '' }), failed);
  }
});

test.run();
