/** A list of which only what is in view is drawn: ten thousand rows cost as much as fifty. */
import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.ts';
import type { VNode } from '../html.ts';

/** Rows that are drawn beyond what is seen, on each side. */
const OVERSCAN = 20;
/** Rows above the one that is brought into view. */
const ABOVE = 4;

interface Props {
  count: number;
  /** Of every row, px. */
  rowHeight: number;
  label: string;
  draw: (index: number) => VNode;
  /** A row to bring into view, when this or `about` changes; -1: none. */
  start?: number;
  /** What is listed: another one begins at its top. */
  about?: string;
  class?: string;
  /** Role of the box; its rows have to fit. */
  role?: string;
}

export function WindowList({ count, rowHeight, label, draw, start = -1, about = '', class: extra = '', role }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 1000 });
  const read = () => {
    // The observer may report once more when the list is gone.
    if (box.current) setView({ top: box.current.scrollTop, height: box.current.clientHeight });
  };
  useLayoutEffect(() => {
    box.current!.scrollTop = Math.max(0, (start - ABOVE) * rowHeight);
    read();
  }, [start, about]);
  useEffect(() => {
    const observer = new ResizeObserver(read);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const from = Math.max(0, Math.min(count, Math.floor(view.top / rowHeight)) - OVERSCAN);
  const to = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + OVERSCAN);
  const rows = Array.from({ length: Math.max(0, to - from) }, (_, i) => draw(from + i));
  const space = { height: `${count * rowHeight}px` };
  const shift = { transform: `translateY(${from * rowHeight}px)` };
  return html`
    <div ref=${box} class=${`window-list ${extra}`} tabindex="0" role="region" aria-label=${label} onScroll=${read}>
      <div class="window-space" style=${space}>
        <div class="window-rows" role=${role} style=${shift}>${rows}</div>
      </div>
    </div>
  `;
}
