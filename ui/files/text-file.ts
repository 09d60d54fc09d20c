/** A file of text, window by window; of bytes where it is none. Its lines have addresses. */
import { html, useEffect, useMemo, useState } from '../html.ts';
import type { ComponentChildren, VNode } from '../html.ts';
import { Button, IconButton, Segments, Skeleton } from '../components/mod.ts';
import { useColoredLines } from '../components/colored.ts';
import { LoadFailed } from '../components/load-failed.ts';
import { WindowList } from '../components/window-list.ts';
import { useResource } from '../hooks/use-resource.ts';
import { useApp } from '../app.ts';
import type { Api } from '../net/api.ts';
import { bytes as sizeText } from '../format.ts';
import { filePage, href } from '../route.ts';
import { MarkdownView } from '../chat/markdown-view.ts';
import { t } from '../i18n/all.ts';
import { contentUrl, nameOf } from './file-address.ts';
import { Editor } from './editor.ts';
import {
  BYTES_PER_ROW,
  editable,
  hexRow,
  isBinary,
  MAX_LINE_CHARACTERS,
  TAIL,
  textWindow,
  WINDOW,
  windowBytes,
} from './text-window.ts';
import { FileBar, type FileViewProps } from './file-bar.ts';

const LINE_HEIGHT = 20;
/** Larger markdown is shown as its source. */
const MAX_RENDERED = 512 * 1024;
/** Windows that are loaded to find a line that is linked to. */
const MAX_SEEK = 16;

/** What is known of a file while it is paged through: the first line's number of each window that was reached in order. */
interface Loaded {
  index: number;
  bytes: Uint8Array;
  starts: readonly number[];
}

export function TextFile(props: FileViewProps & { isBinary?: boolean }) {
  const { agent, file, head, line } = props;
  const { api } = useApp();
  const [index, setIndex] = useState(-1);
  const load = (old: Loaded | null) => loadWindow(api, props, index, old);
  const { value, error, reload } = useResource<Loaded>(load, [agent, file, head.etag, index, line]);
  // A link to another line begins to look for it.
  useEffect(() => setIndex(-1), [line]);
  if (!value) return error ? html`<${LoadFailed} error=${error} reload=${reload} />` : html`<${Skeleton} lines=${8} />`;
  return html`<${TextView} ...${props} loaded=${value} onWindow=${setIndex} />`;
}

/** @param index -1: the window that has the line of the address */
async function loadWindow(api: Api, props: FileViewProps, index: number, old: Loaded | null): Promise<Loaded> {
  const { agent, file, head, line } = props;
  const starts = [...(old?.starts ?? [1])];
  const fetchWindow = async (at: number): Promise<Uint8Array> => {
    if (head.size === 0) return new Uint8Array();
    const headers = { range: `bytes=${at * WINDOW}-${Math.min(head.size, (at + 1) * WINDOW + TAIL) - 1}` };
    const { content } = await api.raw('GET', contentUrl(agent, file), { headers });
    const bytes = windowBytes(new Uint8Array(await content.arrayBuffer()), at);
    if (starts[at] !== undefined) starts[at + 1] = starts[at] + textWindow(bytes).breaks;
    return bytes;
  };
  if (index >= 0) return { bytes: await fetchWindow(index), index, starts };
  let at = 0;
  let bytes = await fetchWindow(0);
  while (line >= starts[at + 1]! && (at + 1) * WINDOW < head.size && at < MAX_SEEK) bytes = await fetchWindow(++at);
  return { bytes, index: at, starts };
}

interface TextViewProps extends FileViewProps {
  isBinary?: boolean;
  loaded: Loaded;
  onWindow: (index: number) => void;
}

function TextView(props: TextViewProps) {
  const { file, head, loaded, onWindow, isBinary: isKnownBinary = false } = props;
  const [mode, setMode] = useState<'rendered' | 'source'>(props.line ? 'source' : 'rendered');
  const [isEditing, setEditing] = useState(false);
  const isBytes = isKnownBinary || isBinary(loaded.bytes);
  const isWhole = head.size <= WINDOW;
  const draft = useMemo(() => isWhole && !isBytes ? editable(loaded.bytes) : null, [loaded.bytes]);
  const canRender = /\.(md|markdown)$/i.test(file) && draft !== null && head.size <= MAX_RENDERED;
  if (isEditing && draft) {
    return html`<${Editor} ...${props} original=${draft} onClose=${() => setEditing(false)} />`;
  }
  const modes = [{ value: 'rendered', label: t.files.rendered }, { value: 'source', label: t.files.source }];
  const content = isBytes ? html`<${Bytes} loaded=${loaded} />` : canRender && mode === 'rendered'
    ? html`
      <div class="files-page">
        <${MarkdownView} text=${draft.text} />
      </div>
    `
    : html`<${Lines} ...${props} />`;
  if (isKnownBinary) return content;
  return html`
    <div class="files-body">
      <${FileBar} agent=${props.agent} file=${file} head=${head}>
        ${canRender && html`<${Segments} label=${t.files.view} value=${mode} options=${modes} onChange=${setMode} />`}
        ${draft && html`<${Button} icon="edit" class="small" onClick=${() => setEditing(true)}>${t.files.edit}<//>`}
      <//>
      ${!isWhole && html`<${Pager} size=${head.size} index=${loaded.index} onWindow=${onWindow} />`}
      ${head.size === 0 ? html`<p class="hint files-note">${t.files.emptyFile}</p>` : content}
    </div>
  `;
}

function Pager({ size, index, onWindow }: { size: number; index: number; onWindow: (index: number) => void }) {
  const from = index * WINDOW;
  const to = Math.min(size, from + WINDOW);
  return html`
    <div class="files-bar" role="group" aria-label=${t.files.lines}>
      <${IconButton}
        icon="back"
        label=${t.files.previous}
        disabled=${index === 0}
        onClick=${() => onWindow(index - 1)}
      />
      <span class="hint" role="status">${t.files.part(sizeText(from), sizeText(to), sizeText(size))}</span>
      <${IconButton}
        icon="chevron"
        label=${t.files.next}
        disabled=${to >= size}
        onClick=${() => onWindow(index + 1)}
      />
    </div>
  `;
}

function Lines({ agent, file, line, loaded }: TextViewProps) {
  const { lines } = useMemo(() => textWindow(loaded.bytes), [loaded.bytes]);
  const first = loaded.starts[loaded.index];
  const shown = useMemo(() => lines.map((text) => text.slice(0, MAX_LINE_CHARACTERS).replace(/\r$/, '')), [lines]);
  const colored = useColoredLines(file, shown);
  const draw = (i: number) =>
    textLine(agent, file, colored?.(i) ?? shown[i]!, first === undefined ? 0 : first + i, line);
  const start = first === undefined || !line ? -1 : line - first;
  return html`
    <${WindowList}
      class="text-lines"
      count=${lines.length}
      rowHeight=${LINE_HEIGHT}
      label=${t.files.content(nameOf(file))}
      draw=${draw}
      start=${start}
      about=${`${file} ${loaded.index}`}
    />
  `;
}

/** @param number 0: not known; @param marked the line that is linked to */
function textLine(agent: string, file: string, text: ComponentChildren, number: number, marked: number): VNode {
  const isMarked = number > 0 && number === marked;
  const link = number > 0 &&
    html`<a class="n" href=${href(filePage(agent, file, number))} aria-label=${t.files.line(number)}>${number}</a>`;
  return html`
    <div key=${number} class=${`text-line ${isMarked ? 'marked' : ''}`}>${link ||
      html`<span class="n"></span>`}<code>${text}</code></div>
  ` as VNode;
}

function Bytes({ loaded }: { loaded: Loaded }) {
  const { bytes, index } = loaded;
  const draw = (row: number) =>
    html`<div key=${row} class="text-line"><code>${hexRow(bytes, row, index * WINDOW)}</code></div>` as VNode;
  return html`
    <${WindowList}
      class="text-lines"
      count=${Math.ceil(bytes.length / BYTES_PER_ROW)}
      rowHeight=${LINE_HEIGHT}
      label=${t.files.bytes}
      draw=${draw}
      about=${String(index)}
    />
  `;
}
