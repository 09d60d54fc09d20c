/**
 * What a CLI has to know beside the first message: what is left of a conversation whose session it has lost ("Go on" means
 * nothing to a new one without it), or that a copy works elsewhere. Pure.
 */
import { cut, cutStart } from '../../core/api/cut.ts';
import type { Message } from '../../core/api/messages.ts';

/** Characters of what the user wrote, of one of these messages, and of the agent's last answer. */
const MAX_WRITTEN = 12_000;
const MAX_MESSAGE = 4000;
const MAX_ANSWER = 4000;

const INTRODUCTION =
  'The session that this conversation was held in is lost, and a new one begins with this message. Of what ' +
  'came before it only this is left: what the user wrote, and the end of the last answer. Look at the files before you rely on it.';

/**
 * The text that a message is begun with in the new session.
 * @param newest the agent's messages from the newest on
 * @returns '' when nothing had been said
 */
export function lostContext(newest: Iterable<Message>): string {
  const written: string[] = [];
  let answer = '';
  for (const message of newest) {
    if (message.kind === 'user' && message.status === 'sent' && message.text.trim()) written.unshift(message.text);
    if (message.kind === 'text' && !message.parent && !answer) answer = message.text.trim();
  }
  if (!written.length && !answer) return '';
  return [
    '<earlier-conversation>',
    INTRODUCTION,
    ...bounded(written).map((text) => `User: ${text}`),
    ...(answer ? [`Agent, at the end: ${cutStart(answer, MAX_ANSWER)}`] : []),
    '</earlier-conversation>',
  ].join('\n\n');
}

/** The first message says what all is about, the newest ones what was last wanted. */
function bounded([first, ...rest]: string[]): string[] {
  if (first === undefined) return [];
  const newest: string[] = [];
  let room = MAX_WRITTEN - Math.min(first.length, MAX_MESSAGE);
  for (const text of rest.reverse()) {
    const shown = cut(text, MAX_MESSAGE, '…');
    room -= shown.length;
    if (room < 0) return [cut(first, MAX_MESSAGE, '…'), '…', ...newest];
    newest.unshift(shown);
  }
  return [cut(first, MAX_MESSAGE, '…'), ...newest];
}

/**
 * What the first message of a fork begins with that works elsewhere: the conversation names the files of the other agent.
 */
export const movedContext = (from: string, to: string): string =>
  `<moved>\nThis conversation was continued as a copy, and you work in another folder from now on: ${to}\n` +
  `It holds a copy of the files of ${from}, which belongs to another agent: do not read or change anything there.\n</moved>`;
