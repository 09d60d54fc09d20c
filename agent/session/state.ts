/**
 * The state machine of a session: every transition, in one pure function.
 *
 *   starting ──ready──▶ idle ⇄ running ⇄ waiting_input
 *      any ──exit──▶ stopped | error | idle(reaped) ──open──▶ starting
 */
import type { AgentState, RequestMessage, StateReason } from '../../core/wire/types.ts';

export interface Status {
  state: AgentState;
  reason: StateReason;
  /** A sentence where the reason does not say enough. */
  text: string;
}

export type RequestKind = RequestMessage['request'];

export type StateEvent =
  /** The CLI is being started (again). */
  | { type: 'open' }
  /** The CLI has answered. `busy`: a message is on its way to it. */
  | { type: 'ready'; busy: boolean }
  /** No turn has begun, and none will: every message for it failed (`text`: why) or was cancelled (empty). */
  | { type: 'turn.off'; text: string }
  | { type: 'turn.start' }
  | { type: 'turn.end'; outcome: 'done' | 'interrupted' | 'error' | 'max_turns' | 'max_budget'; text: string }
  /** The oldest request that waits for a user is now of this kind; null: none waits. Work in the background asks also between turns. */
  | { type: 'waiting'; request: RequestKind | null; isTurning: boolean }
  /** The process is gone. `asked`: who asked for it, null if nobody did. */
  | { type: 'exit'; asked: 'stop' | 'reap' | 'shutdown' | null; failed: boolean; text: string }
  /** Found after a crash of the agent server. */
  | { type: 'lost' };

export function transition(now: Status, event: StateEvent): Status {
  switch (event.type) {
    case 'open':
      return to('starting', 'created');
    case 'ready':
      if (now.state !== 'starting') return now;
      return event.busy ? to('running', 'turn') : to('idle', 'done');
    case 'turn.off':
      if (now.state !== 'running') return now;
      return event.text ? to('error', 'failed', event.text) : to('idle', 'done');
    case 'turn.start':
      return now.state === 'waiting_input' ? now : to('running', 'turn');
    case 'turn.end':
      // What still asks then is work in the background, and it waits for its answer.
      if (now.state === 'waiting_input' && event.outcome === 'done') return now;
      return endOfTurn(event.outcome, event.text);
    case 'waiting':
      if (event.request) return to('waiting_input', event.request);
      if (now.state !== 'waiting_input') return now;
      return event.isTurning ? to('running', 'turn') : to('idle', 'done');
    case 'exit':
      return endOfProcess(now, event);
    case 'lost':
      return to('stopped', 'interrupted');
  }
}

const to = (state: AgentState, reason: StateReason, text = ''): Status => ({ state, reason, text });

function endOfTurn(outcome: Extract<StateEvent, { type: 'turn.end' }>['outcome'], text: string): Status {
  switch (outcome) {
    case 'done':
      return to('idle', 'done');
    case 'interrupted':
      return to('idle', 'interrupted_by_user');
    case 'error':
    case 'max_turns':
    case 'max_budget':
      return to('error', 'failed', text);
  }
}

function endOfProcess(now: Status, event: Extract<StateEvent, { type: 'exit' }>): Status {
  switch (event.asked) {
    case 'stop':
      return to('stopped', 'stopped_by_user');
    case 'shutdown':
      return to('stopped', 'interrupted');
    case 'reap':
      // The failure of the last turn stays on show.
      return now.state === 'error' ? now : to('idle', 'reaped');
    case null:
      if (event.failed) return to('error', 'failed', event.text);
      return now.state === 'error' ? now : to('stopped', 'exited', event.text);
  }
}
