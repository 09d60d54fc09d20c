/** The way back to what one said last, above a long answer. */
import { html, useEffect, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { useApp } from '../app.ts';
import { Icon, toastError } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import type { Chat } from '../state/store.ts';

interface OwnProps {
  agent: AgentInfo;
  chat: Chat;
  box: { current: HTMLElement | null };
  /** Brings a part of the conversation into view. */
  show: (element: Element) => void;
}

const rowOf = (box: HTMLElement | null, id: string): Element | null =>
  box?.querySelector(`[data-id="${CSS.escape(id)}"]`) ?? null;

/** A button while the own last message is above what is seen; it may not be loaded yet. */
export function ToOwnMessage({ agent, chat, box, show }: OwnProps) {
  const { chats } = useApp();
  const { messages, ready, stale, more } = chat;
  const id = messages.findLast(({ kind }) => kind === 'user')?.id;
  const [isSeeking, setSeeking] = useState(false);
  const isAbove = useIsAbove(box, id, messages[0]?.id);
  useEffect(() => {
    if (!isSeeking || !ready || stale) return;
    if (id === undefined && more) return void chats.loadOlder(agent.id).catch(toastError);
    setSeeking(false);
    const row = id === undefined ? null : rowOf(box.current, id);
    if (row) show(row);
  }, [isSeeking, id, messages[0]?.id, ready, stale]);
  const isThere = id === undefined ? ready && more : isAbove;
  return isThere && html`
    <button type="button" class="jump" onClick=${() => setSeeking(true)}>
      <${Icon} name="arrowUp" size=${16} />
      ${t.chat.toOwn}
    </button>
  `;
}

/** Whether the row of a message is above what is seen. @param first changes when rows are made again */
function useIsAbove(box: { current: HTMLElement | null }, id: string | undefined, first: string | undefined): boolean {
  const [isAbove, setAbove] = useState(false);
  useEffect(() => {
    const row = id === undefined ? null : rowOf(box.current, id);
    if (!row) return setAbove(false);
    const watch = new IntersectionObserver((entries) => {
      const { isIntersecting, boundingClientRect, rootBounds } = entries.at(-1)!;
      setAbove(!isIntersecting && boundingClientRect.top < (rootBounds?.top ?? 0));
    }, { root: box.current });
    watch.observe(row);
    return () => watch.disconnect();
  }, [id, first]);
  return isAbove;
}
