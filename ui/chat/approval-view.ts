import { html, useLayoutEffect, useRef } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import type { Approval, ApprovalField } from '../../core/api/approval.ts';
import type { FileDiff } from '../../core/api/messages.ts';
import { Note } from '../components/note.ts';
import { countLines } from '../components/diff.ts';
import { t } from '../i18n/t.ts';
import { useRelativePath } from './agent-context.ts';
import { CopyButton } from './copy.ts';
import { VisibleText } from './visible-text.ts';

interface Props {
  approval: Approval;
  /** Called with whether all of it can be seen where it stands: only then may it be allowed there. */
  onSeen: (isSeen: boolean) => void;
  /** What is shown above it and must be seen too. */
  children?: ComponentChildren;
}

/** Everything that would be allowed: wrapped, whole, in the order in which a program gets it. */
export function ApprovalView({ approval, onSeen, children }: Props) {
  const { title, command, diffs, fields, isWhole } = approval;
  const box = useRef<HTMLDivElement>(null);
  useIsSeen(box, approval, onSeen);
  const changes = diffs.map((diff, i) => html`<${ApprovalDiff} key=${i} diff=${diff} />`);
  return html`
    <div class="approval" ref=${box}>
      ${children}
      <${Warnings} approval=${approval} />
      ${title && html`
        <p class="approval-text mono">
          <${VisibleText} text=${title} />
        </p>
      `}
      ${command && html`<${Command} text=${command} />`}
      ${changes}
      ${fields.length > 0 && html`<${Fields} fields=${fields} />`}
      ${!isWhole && html`<${Note} tone="bad">${t.request.notWhole}<//>`}
    </div>
  `;
}

/** Measured, so that no style can hide a part of it: nothing in the box is clipped, scrolled away or wider than the box. */
function useIsSeen(box: { current: HTMLElement | null }, approval: Approval, onSeen: (isSeen: boolean) => void): void {
  useLayoutEffect(() => {
    const element = box.current!;
    const measure = () => onSeen([element, ...element.querySelectorAll<HTMLElement>(TEXTS)].every(isUncut));
    measure();
    const follow = new ResizeObserver(measure);
    follow.observe(element);
    return () => follow.disconnect();
  }, [approval]);
}

/** What may scroll or be clipped by itself. */
const TEXTS = '.approval-text, .markdown, .markdown pre, .table-scroll';
const isUncut = ({ scrollWidth, clientWidth, scrollHeight, clientHeight }: HTMLElement): boolean =>
  scrollWidth <= clientWidth + 1 && scrollHeight <= clientHeight + 1;

function Warnings({ approval: { warnings } }: { approval: Approval }) {
  return warnings.map((warning) => html`<${Note} key=${warning} tone="warn">${t.request.warnings[warning]}<//>`);
}

function Command({ text }: { text: string }) {
  return html`
    <figure class="code">
      <figcaption>
        <span>${t.request.command}</span>
        <${CopyButton} text=${text} />
      </figcaption>
      <pre class="approval-text"><${VisibleText} text=${text} /></pre>
    </figure>
  `;
}

function Fields({ fields }: { fields: readonly ApprovalField[] }) {
  const rows = fields.map(({ name, text }, i) =>
    html`
      <div key=${i} class=${isBlock(text) ? 'is-block' : ''}>
        <dt class="approval-text">
          <${VisibleText} text=${name} />
        </dt>
        <dd class="approval-text">
          <${VisibleText} text=${text} />
        </dd>
      </div>
    `
  );
  return html`<dl class="approval-fields">${rows}</dl>`;
}

/** Longer values stand below their name. */
const MAX_INLINE = 60;
const isBlock = (text: string): boolean => text.length > MAX_INLINE || text.includes('\n');

/** A change without line numbers: of a planned one they are not known. */
function ApprovalDiff({ diff }: { diff: FileDiff }) {
  const { added, removed } = countLines(diff);
  // Without hunks its text stands below, as it is.
  const counts = diff.hunks.length > 0 && html`
    <span class="added">+${added}</span>
    <span class="removed">−${removed}</span>
  `;
  const relative = useRelativePath();
  const hunks = diff.hunks.map((hunk, i) => html`<${Hunk} key=${i} lines=${hunk.lines} />`);
  return html`
    <figure class="code approval-diff">
      <figcaption>
        <span class="approval-text mono" title=${diff.path}><${VisibleText} text=${relative(diff.path)} /></span>
        <span class="row">
          ${diff.kind !== 'update' && html`<span>${t.request.changes[diff.kind]}</span>`}
          ${counts}
        </span>
      </figcaption>
      ${hunks}
    </figure>
  `;
}

const LINE_CLASS: Record<string, string> = { '+': 'add', '-': 'del', '\\': 'gap' };

function Hunk({ lines }: { lines: readonly string[] }) {
  const rows = lines.map((line, i) =>
    html`
      <div key=${i} class=${`approval-text ${LINE_CLASS[line[0]!] ?? ''}`}>
        <${VisibleText} text=${line} />
      </div>
    `
  );
  return html`<div class="approval-hunk">${rows}</div>`;
}
