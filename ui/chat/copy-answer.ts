import { html, useContext } from '../html.ts';
import type { Message } from '../../core/api/messages.ts';
import { useApp } from '../app.ts';
import { t } from '../i18n/all.ts';
import { AgentContext } from './agent-context.ts';
import { CopyButton } from './copy.ts';

/** Copies all that was said in one turn, as it was written. @param turn id of the turn's end */
export function CopyAnswer({ turn }: { turn: string }) {
  const { store } = useApp();
  const agent = useContext(AgentContext);
  const read = () => answerOf(store.value.chats[agent]?.messages ?? [], turn);
  return html`<${CopyButton} text=${read} label=${t.chat.copyAnswer} />`;
}

/** What was said in the newest turn that said anything; empty: nothing was. */
export function lastAnswer(messages: readonly Message[]): string {
  const running = textsOf(messages.slice(messages.findLastIndex(({ kind }) => kind === 'turn') + 1));
  if (running) return running;
  const turns = messages.filter(({ kind }) => kind === 'turn').reverse();
  for (const { id } of turns) {
    const answer = answerOf(messages, id);
    if (answer) return answer;
  }
  return '';
}

/** The texts of a turn, each a paragraph of its own; those of subagents are not part of the answer. */
export function answerOf(messages: readonly Message[], turn: string): string {
  const end = messages.findIndex(({ id }) => id === turn);
  const before = messages.slice(0, Math.max(0, end));
  const start = before.findLastIndex(({ kind }) => kind === 'turn') + 1;
  return textsOf(before.slice(start));
}

const textsOf = (messages: readonly Message[]): string =>
  messages.flatMap((message) => message.kind === 'text' && !message.parent ? [message.text.trim()] : [])
    .filter(Boolean).join('\n\n');
