/** The diff of one file on whose lines one can comment: by the number of a line, or on a touch screen by the line itself. */
import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.ts';
import type { FileDiff } from '../../core/api/messages.ts';
import { Button, DiffView, grow } from '../components/mod.ts';
import type { DiffRow, LineExtras } from '../components/diff.ts';
import { t } from '../i18n/all.ts';
import { useSignalValue } from '../state/signal.ts';
import { commentsOf, isAt, type LineComment, type LinePlace, setComment } from './line-comments.ts';

interface Props {
  agent: string;
  diff: FileDiff;
  /** Undoes a hunk that has an id. */
  onUndo: (hunk: FileDiff['hunks'][number]) => void;
}

export default function CommentedDiff({ agent, diff, onUndo }: Props) {
  const comments = useSignalValue(commentsOf(agent));
  const [open, setOpen] = useState<LinePlace | null>(null);
  const begin = (row: DiffRow) => {
    const place = placeOf(diff.path, row);
    if (!place) return;
    if (!comments.some((comment) => isAt(comment, place))) {
      setComment(agent, place, { ...place, code: row.text, text: '' });
    }
    setOpen(place);
  };
  const extras: LineExtras = {
    number: (row) => html`<${LineButton} row=${row} onOpen=${begin} />`,
    onPress: (row) => matchMedia('(pointer: coarse)').matches && getSelection()?.isCollapsed !== false && begin(row),
    head: (hunk) =>
      hunk.id
        ? html`<button type="button" class="link-button hunk-undo" onClick=${() =>
          onUndo(hunk)}>${t.review.undo}</button>`
        : null,
    below(row) {
      const place = placeOf(diff.path, row);
      const comment = place && comments.find((other) => isAt(other, place));
      if (!comment) return null;
      const isOpen = open !== null && isAt(open, comment);
      const close = () => {
        if (!commentsOf(agent).value.find((other) => isAt(other, comment))?.text.trim()) {
          setComment(agent, comment, null);
        }
        setOpen(null);
      };
      return html`
        <${CommentBox} agent=${agent} comment=${comment} isOpen=${isOpen} onOpen=${() =>
          setOpen(comment)} onClose=${close} />
      `;
    },
  };
  return html`<${DiffView} diff=${diff} extras=${extras} />`;
}

/** null: no line of the file. */
function placeOf(path: string, row: DiffRow): LinePlace | null {
  if (row.kind === 'gap') return null;
  return row.kind === 'del'
    ? { path, side: 'old', line: Number(row.old) }
    : { path, side: 'new', line: Number(row.new) };
}

function LineButton({ row, onOpen }: { row: DiffRow; onOpen: (row: DiffRow) => void }) {
  const number = row.new || row.old;
  const label = row.kind === 'del' ? t.review.commentOld(number) : t.review.comment(number);
  return html`
    <button type="button" class="line-number" aria-label=${label} title=${label} onClick=${() => onOpen(row)}>
      ${row.new || '+'}
    </button>
  `;
}

interface BoxProps {
  agent: string;
  comment: LineComment;
  isOpen: boolean;
  onOpen: () => void;
  onClose: () => void;
}

function CommentBox({ agent, comment, isOpen, onOpen, onClose }: BoxProps) {
  const box = useRef<HTMLDivElement>(null);
  /** The focus goes back to the line that it is about. */
  const toLine = () => lineAbove(box.current)?.focus({ preventScroll: true });
  const close = () => {
    toLine();
    onClose();
  };
  const remove = () => {
    toLine();
    setComment(agent, comment, null);
  };
  if (isOpen) {
    return html`
      <div class="line-comment" ref=${box}>
        <${CommentForm} agent=${agent} comment=${comment} onClose=${close} onRemove=${remove} />
      </div>
    `;
  }
  return html`
    <div class="line-comment" ref=${box}>
      <p dir="auto">${comment.text}</p>
      <div class="row">
        <${Button} class="small" onClick=${onOpen}>${t.review.edit}<//>
        <${Button} class="small" tone="quiet" onClick=${remove}>${t.review.remove}<//>
      </div>
    </div>
  `;
}

const lineAbove = (box: Element | null): HTMLElement | null =>
  box?.closest('tr')?.previousElementSibling?.querySelector<HTMLElement>('.line-number') ?? null;

interface FormProps {
  agent: string;
  comment: LineComment;
  onClose: () => void;
  onRemove: () => void;
}

/** What is typed is kept from the first key on. */
function CommentForm({ agent, comment, onClose, onRemove }: FormProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  // At once: the next key is meant for it. The browser would scroll the long lines too.
  useLayoutEffect(() => {
    area.current?.focus({ preventScroll: true });
    area.current?.closest('tr')?.scrollIntoView({ block: 'nearest' });
  }, []);
  useEffect(() => area.current ? grow(area.current) : undefined, [comment.text]);
  const type = (event: Event) =>
    setComment(agent, comment, { ...comment, text: (event.target as HTMLTextAreaElement).value });
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    onClose();
  };
  const { line, side } = comment;
  const label = side === 'old' ? t.review.commentOld(String(line)) : t.review.comment(String(line));
  const buttons = html`
    <div class="row">
      <${Button} class="small" tone="primary" onClick=${onClose}>${t.review.done}<//>
      <${Button} class="small" tone="quiet" onClick=${onRemove}>${t.review.remove}<//>
    </div>
  `;
  return html`
    <textarea
      ref=${area}
      class="input"
      rows="2"
      maxlength="4000"
      aria-label=${label}
      placeholder=${t.review.placeholder}
      value=${comment.text}
      onInput=${type}
      onKeyDown=${onKey}
    ></textarea>
    ${buttons}
  `;
}
