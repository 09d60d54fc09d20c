import { useRef } from '../html.ts';
import { useApp } from '../app.ts';
import { find } from '../state/store.ts';

/**
 * Earlier messages with the arrow keys, as in a shell: up in an empty field, or in one that shows an earlier message.
 * @returns takes a key; true when it was one of these
 */
export function useHistory(
  agent: string,
  text: string,
  setText: (text: string) => void,
): (event: KeyboardEvent) => boolean {
  const { store } = useApp();
  /** How far back, 1 is the last message; 0: none is shown. */
  const back = useRef(0);
  return (event) => {
    const step = event.key === 'ArrowUp' ? 1 : event.key === 'ArrowDown' ? -1 : 0;
    if (!step || event.shiftKey || event.altKey || event.metaKey || event.ctrlKey) return false;
    const earlier = (find(store.value.chats, agent)?.messages ?? [])
      .flatMap((message) => message.kind === 'user' && message.text ? [message.text] : []).reverse();
    const isShown = back.current > 0 && text === earlier[back.current - 1];
    if (!isShown && text !== '') return false;
    const next = Math.max(0, Math.min(earlier.length, (isShown ? back.current : 0) + step));
    if (next === (isShown ? back.current : 0)) return false;
    event.preventDefault();
    back.current = next;
    setText(next ? earlier[next - 1]! : '');
    return true;
  };
}
