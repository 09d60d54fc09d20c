/** When an agent has done what it was told: pure rules over what the live feed says. */
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message } from '../../core/api/messages.ts';

/** `busy`: works, or is about to. Everything else ends a wait. */
export type Outcome = 'busy' | 'done' | 'needs_you' | 'failed' | 'stopped';

/**
 * @param messages the newest ones. A message that was sent a moment ago has not begun a turn: the agent's state is then still
 * that of the turn before
 * @returns `isSure`: false where only time will tell: the agent rests, but the last message has no turn that ended after it
 */
export function outcomeOf(info: AgentInfo, messages: readonly Message[]): { outcome: Outcome; isSure: boolean } {
  const outcome = outcomeOfState(info);
  if (outcome === 'busy' || outcome === 'needs_you') return { outcome, isSure: true };
  if (messages.some((message) => isUnread(message)) || info.queue.length > 0) return { outcome: 'busy', isSure: true };
  // Without a process nothing begins that is not seen first: a message that waits, the state `starting`.
  return { outcome, isSure: !info.cli.running || hasTurnAfterLastPrompt(messages) };
}

function outcomeOfState({ state, pending, goOn }: AgentInfo): Outcome {
  switch (state) {
    case 'starting':
    case 'running':
      return 'busy';
    case 'waiting_limit':
      return goOn ? 'busy' : 'failed';
    case 'waiting_input':
      return pending.length ? 'needs_you' : 'busy';
    case 'idle':
      return 'done';
    case 'stopped':
      return 'stopped';
    case 'error':
      return 'failed';
  }
}

/** The CLI has not begun with it. */
const isUnread = (message: Message): boolean =>
  message.kind === 'user' && (message.status === 'accepted' || message.status === 'queued');

function hasTurnAfterLastPrompt(messages: readonly Message[]): boolean {
  let isEnded = true;
  for (const message of [...messages].sort((a, b) => a.seq - b.seq)) {
    if (message.kind === 'user' && message.status === 'sent') isEnded = false;
    if (message.kind === 'turn') isEnded = true;
  }
  return isEnded;
}
