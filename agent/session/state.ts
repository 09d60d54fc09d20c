import type { AgentState, StateReason } from '../../core/api/agents.ts';
import type { RequestMessage } from '../../core/api/messages.ts';

export interface Status {
  state: AgentState;
  reason: StateReason;
  /** A sentence where the reason does not say enough. */
  text: string;
}

/** Who asked the CLI to end. */
export type StopReason = 'stop' | 'budget' | 'reap' | 'shutdown';

export type RequestKind = RequestMessage['request'];

export type StateEvent =
  /** The CLI is being started, for the first time or again. */
  | { type: 'open' }
  /** The CLI has answered. `busy`: it holds a message that it has not begun with. */
  | { type: 'ready'; busy: boolean }
  /** No turn has begun and none will: every message for it failed (`text` says why) or was cancelled (empty). */
  | { type: 'turn.off'; text: string }
  | { type: 'turn.start' }
  /** `limit`: the account's limit ended it. */
  | { type: 'turn.end'; outcome: 'done' | 'interrupted' | 'error' | 'max_turns' | 'max_budget' | 'limit'; text: string }
  /** Kind of the oldest request that waits for a user; null: none waits. Background work asks between turns, too. */
  | { type: 'waiting'; request: RequestKind | null; isTurning: boolean }
  /** The process has ended. `stopReason`: who asked for it; null: nobody did. `hadWork`: it was at something when it was asked. */
  | { type: 'exit'; stopReason: StopReason | null; failed: boolean; hadWork: boolean; text: string }
  /** Its session goes on in a terminal of somebody else's. */
  | { type: 'desk' }
  /** A person stops it while no process runs. */
  | { type: 'stop' }
  /** The session was open when the agent server crashed. */
  | { type: 'lost'; hadWork: boolean };

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
      // A request that is still open then comes from background work, which waits for its answer.
      if (now.state === 'waiting_input' && event.outcome === 'done') return now;
      return endOfTurn(event.outcome, event.text);
    case 'waiting':
      if (event.request) return to('waiting_input', event.request);
      if (now.state !== 'waiting_input') return now;
      return event.isTurning ? to('running', 'turn') : to('idle', 'done');
    case 'exit':
      return endOfProcess(now, event);
    case 'desk':
      return to('stopped', 'at_desk');
    case 'stop':
      return now.state === 'waiting_limit' ? to('stopped', 'stopped_by_user') : now;
    case 'lost':
      return event.hadWork ? to('stopped', 'interrupted') : withoutProcess(now);
  }
}

const to = (state: AgentState, reason: StateReason, text = ''): Status => ({ state, reason, text });

function endOfTurn(outcome: Extract<StateEvent, { type: 'turn.end' }>['outcome'], text: string): Status {
  switch (outcome) {
    case 'done':
      return to('idle', 'done');
    case 'interrupted':
      return to('idle', 'interrupted_by_user');
    case 'limit':
      return to('waiting_limit', 'limit', text);
    case 'error':
    case 'max_turns':
    case 'max_budget':
      return to('error', 'failed', text);
  }
}

function endOfProcess(now: Status, event: Extract<StateEvent, { type: 'exit' }>): Status {
  switch (event.stopReason) {
    case 'stop':
      return to('stopped', 'stopped_by_user');
    case 'budget':
      return to('stopped', 'budget', event.text);
    case 'shutdown':
      return event.hadWork ? to('stopped', 'interrupted') : withoutProcess(now);
    case 'reap':
      return withoutProcess(now);
    case null:
      if (event.failed) return to('error', 'failed', event.text);
      return isStill(now) ? now : to('stopped', 'exited', event.text);
  }
}

/** The end of the process adds nothing to it. */
const isStill = ({ state }: Status): boolean => state === 'error' || state === 'waiting_limit';

/** Nothing was cut off: a failure, a stop and an interruption by the user stay visible, and all else is done. */
function withoutProcess(now: Status): Status {
  const isVisible = isStill(now) || now.state === 'stopped' || now.reason === 'interrupted_by_user';
  return isVisible ? now : to('idle', 'reaped');
}
