/** Keeping the reader where they are: at the end while they are at the end, on their line when older messages come in front. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from '../html.ts';

/** So near the end counts as the end, and so near the beginning loads older messages; px. */
const END_SLACK = 48;
const LOAD_AHEAD = 900;
/** Left free above a request that is scrolled to, px. */
const CARD_GAP = 8;

/**
 * @param first the oldest shown message: when it changes, older ones came in front
 * @param onNearTop more of the past is wanted
 */
export function useScroll(first: string | undefined, onNearTop: () => void) {
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  const shown = useRef<string | undefined>(undefined);
  const anchor = useRef<Anchor | null>(null);
  const nearTop = useRef(onNearTop);
  nearTop.current = onNearTop;
  const [atEnd, setAtEnd] = useState(true);

  const toEnd = useCallback(() => {
    stuck.current = true;
    setAtEnd(true);
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, []);

  const toElement = useCallback((element: Element) => {
    stuck.current = false;
    element.scrollIntoView({ block: 'center' });
    // Its place is held while what is above it gets its real height.
    const { top } = element.getBoundingClientRect();
    anchor.current = { element, top };
    setAtEnd(false);
  }, []);

  const look = useCallback(() => {
    const view = box.current;
    if (!view || view.clientHeight === 0) return;
    stuck.current = view.scrollHeight - view.scrollTop - view.clientHeight < END_SLACK;
    setAtEnd(stuck.current);
    if (view.scrollTop < LOAD_AHEAD) nearTop.current();
    anchor.current = stuck.current ? null : anchorOf(view);
  }, []);

  useLayoutEffect(() => {
    const view = box.current;
    const retained = anchor.current;
    if (!view) return;
    if (stuck.current) toNews(view, shown);
    else hold(view, retained);
    look();
  }, [first]);

  useEffect(() => {
    // What is out of view has an estimated height until it is scrolled to: then everything below it would move.
    const follow = new ResizeObserver(() => {
      if (!box.current) return;
      if (stuck.current) toNews(box.current, shown);
      else hold(box.current, anchor.current);
    });
    follow.observe(box.current!);
    follow.observe(content.current!);
    return () => follow.disconnect();
  }, []);

  return { box, content, atEnd, toEnd, toElement, onScroll: look };
}

/** To the end; to its beginning when what is asked there is new and higher than the view: one reads before one answers. */
function toNews(view: HTMLElement, shown: { current: string | undefined }): void {
  const card = view.querySelector<HTMLElement>('.request-card');
  const isNew = card?.dataset.request !== undefined && card.dataset.request !== shown.current;
  shown.current = card?.dataset.request;
  const end = view.scrollHeight - view.clientHeight;
  const above = isNew ? card.getBoundingClientRect().top - view.getBoundingClientRect().top - CARD_GAP : Infinity;
  view.scrollTop = Math.min(end, view.scrollTop + above);
}

/** A message, and where it stands. */
interface Anchor {
  element: Element;
  top: number;
}

function hold(view: HTMLElement, anchor: Anchor | null): void {
  if (!anchor?.element.isConnected) return;
  const moved = anchor.element.getBoundingClientRect().top - anchor.top;
  if (moved !== 0) view.scrollTop += moved;
}

/** The first message in view. */
function anchorOf(view: HTMLElement): Anchor | null {
  const edge = view.getBoundingClientRect().top;
  for (const chunk of view.querySelectorAll('.chunk')) {
    if (chunk.getBoundingClientRect().bottom <= edge) continue;
    for (const element of chunk.children) {
      const { top, bottom } = element.getBoundingClientRect();
      if (bottom > edge) return { element, top };
    }
  }
  return null;
}

/** Whether any of these elements is seen in the box. @param which changes when there are others */
export function useInView(box: { current: HTMLElement | null }, selector: string, which: string): boolean {
  const [isInView, setInView] = useState(false);
  useEffect(() => {
    const seen = new Set<Element>();
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) isIntersecting ? seen.add(target) : seen.delete(target);
      setInView(seen.size > 0);
    }, { root: box.current });
    for (const element of box.current!.querySelectorAll(selector)) watch.observe(element);
    return () => {
      watch.disconnect();
      setInView(false);
    };
  }, [which]);
  return isInView;
}
