/** The message that the address names (`/agents/<id>/chat/<seq>`): brought into view when it is loaded, once for each visit. */
import type { Message } from '../../core/api/messages.ts';
import { useApp } from '../app.ts';
import { toast, toastError } from '../components/mod.ts';
import { useEffect, useLayoutEffect, useRef } from '../html.ts';
import { t } from '../i18n/all.ts';
import { matchPath, usePath } from '../route.ts';
import type { Chat } from '../state/store.ts';

/** @param show brings a part of the conversation into view. @returns whether the message is still looked for */
export function useTarget(
  agent: string,
  { messages, ready, stale, more }: Chat,
  box: { current: HTMLElement | null },
  show: (element: Element) => void,
): boolean {
  const { chats } = useApp();
  const path = usePath();
  const wanted = Number(matchPath('/agents/:id/chat/:seq', path)?.seq) || 0;
  const found = useRef({ seq: 0, row: '' });
  const first = messages[0]?.seq ?? Infinity;
  useEffect(() => {
    if (!wanted || !ready || stale || found.current.seq === wanted) return;
    if (wanted < first && more) return void chats.loadBack(agent, wanted).catch(toastError);
    const row = wanted < first ? null : rowOf(box.current, messages, wanted);
    found.current = { seq: wanted, row: row?.id ?? '' };
    if (!row) return toast(t.search.gone);
    mark(row.element);
    show(row.element);
  }, [wanted, ready, stale, first, more]);
  // A row is made again when older messages come in front.
  useLayoutEffect(() => {
    const { seq, row } = found.current;
    if (seq && row) mark(seq === wanted ? box.current?.querySelector(`[data-id="${CSS.escape(row)}"]`) : null);
  });
  return wanted !== 0 && found.current.seq !== wanted;
}

interface Row {
  id: string;
  element: Element;
}

/** The message's row; one within a run or a subagent's is part of an earlier row. */
function rowOf(box: HTMLElement | null, messages: readonly Message[], seq: number): Row | null {
  const rows = new Map([...box?.querySelectorAll('[data-id]') ?? []].map((row) => [row.getAttribute('data-id'), row]));
  const id = messages.findLast((message) => message.seq <= seq && rows.has(message.id))?.id;
  return id === undefined ? null : { id, element: rows.get(id)! };
}

const MARK = 'is-target';

/** Marks this row and no other, for as long as the address names it. */
function mark(element: Element | null | undefined): void {
  for (const other of document.querySelectorAll(`.${MARK}`)) if (other !== element) other.classList.remove(MARK);
  element?.classList.add(MARK);
}
