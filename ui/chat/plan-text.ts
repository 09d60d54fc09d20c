import { html, useLayoutEffect, useRef, useState } from '../html.ts';
import { isReordered, markedText } from '../../core/api/visible.ts';
import { MarkdownView } from './markdown-view.ts';
import { VisibleText } from './visible-text.ts';

/**
 * A plan that is to be approved. It is drawn as Markdown with the addresses of its links beside them; where a part of the text
 * would not be drawn (a cell without a column, a word behind a fence, …) or would be drawn in another order, as it was written.
 */
export function PlanText({ plan }: { plan: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [source, setSource] = useState('');
  const isSource = isReordered(plan) || source === plan;
  const text = markedText(plan);
  useLayoutEffect(() => {
    if (!isSource && letters(drawnText(box.current!)) !== letters(text)) setSource(plan);
  }, [plan]);
  const content = isSource
    ? html`
      <p class="approval-text">
        <${VisibleText} text=${plan} />
      </p>
    `
    : html`<${MarkdownView} text=${text} isWhole=${true} />`;
  return html`<div class="plan-text" ref=${box}>${content}</div>`;
}

const letters = (text: string): string => text.replace(/[^\p{L}\p{N}]+/gu, '');

/** What a reader sees of an element: its texts, the numbers of its lists, the marks of its boxes. */
function drawnText(node: Node): string {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent!;
  if (node.nodeName === 'BUTTON') return '';
  const texts = Array.from(node.childNodes, drawnText).join('');
  if (node.nodeName === 'INPUT') return (node as HTMLInputElement).checked ? 'x' : '';
  return node.nodeName === 'LI' && node.parentNode!.nodeName === 'OL' ? `${numberOf(node)} ${texts}` : texts;
}

function numberOf(item: Node): number {
  const list = item.parentNode as HTMLOListElement;
  return list.start + Array.prototype.indexOf.call(list.children, item);
}
