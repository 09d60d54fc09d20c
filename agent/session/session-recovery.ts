/** What a session does after a crash of this server that its CLI did not outlive. */
import { randomUUID } from 'node:crypto';
import { closeOpenMessages } from './close-messages.ts';
import type { EventContext } from './event-context.ts';
import { noteInterruption } from './session-cli.ts';
import type { SessionParts } from './session-parts.ts';

/** Closes on the record what was open. */
export function recoverSession(parts: SessionParts, eventContext: EventContext): void {
  const { hasWork } = parts;
  addPrompt(parts);
  closeOpenMessages(eventContext, {
    requests: 'expired',
    untaken: 'The agent server ended before the agent took this message. Send it again.',
    waiting: new Set(),
  });
  if (hasWork) noteInterruption(parts, 'The agent server ended while this session was open.');
  markLost(parts, hasWork);
  parts.refreshBackground();
}

/** The CLI had not been started: what was saved for it goes to another one. */
export function reopenSession(parts: SessionParts): void {
  addPrompt(parts);
  markLost(parts, false);
  void parts.prompts.repeat(parts.info.queue, null);
}

function markLost(parts: SessionParts, hadWork: boolean): void {
  parts.forgetProcess();
  parts.store.patch({ lastSeq: parts.log.lastSeq });
  parts.status.apply({ type: 'lost', hadWork });
}

/** Killed between the record and the first message: the prompt was taken, and would be gone without a word. */
function addPrompt({ record: { prompt }, log }: SessionParts): void {
  if (log.lastSeq > 0 || !prompt.trim()) return;
  log.add({ kind: 'user', id: randomUUID(), text: prompt, images: [], status: 'accepted', by: '' });
}
