/** Files by name, or lines that hold a text. */
import { html, useEffect, useState } from '../html.ts';
import type { VNode } from '../html.ts';
import type { ContentSearch, FileSearch, FoundLine } from '../../core/api/files.ts';
import { Icon, Skeleton } from '../components/mod.ts';
import { LoadFailed } from '../components/load-failed.ts';
import { WindowList } from '../components/window-list.ts';
import { useResource } from '../hooks/use-resource.ts';
import { useApp } from '../app.ts';
import { filePage, href } from '../route.ts';
import { t } from '../i18n/all.ts';
import { filesUrl, nameOf, parentOf } from './file-address.ts';

export type SearchKind = 'names' | 'text';

/** Typing pauses for so long before the machine is asked, ms. */
const PAUSE_MS = { names: 120, text: 350 };
const ROW_HEIGHT = 52;

interface Props {
  agent: string;
  query: string;
  kind: SearchKind;
  onOpen: () => void;
}

export function SearchResult({ agent, query, kind, onOpen }: Props) {
  const { api } = useApp();
  const settled = useSettled(query, PAUSE_MS[kind]);
  const about = new URLSearchParams(kind === 'names' ? { q: settled } : { text: settled });
  const load = () => api.get<FileSearch & ContentSearch>(`${filesUrl(agent)}/search?${about}`);
  const { value, error, reload } = useResource(load, [agent, kind, settled]);
  if (!value) return error ? html`<${LoadFailed} error=${error} reload=${reload} />` : html`<${Skeleton} lines=${4} />`;
  const rows: FoundLine[] = value.found ?? value.paths?.map((path) => ({ path, line: 0, text: '' })) ?? [];
  if (!rows.length) {
    const text = value.truncated ? t.files.notAll : t.files.noMatch;
    return html`<p class="hint files-note" role="status">${text}</p>`;
  }
  const draw = (i: number) => foundRow(agent, rows[i]!, onOpen, i);
  return html`
    ${value.truncated && html`<p class="hint files-note">${t.files.someFound}</p>`}
    <${WindowList} count=${rows.length} rowHeight=${ROW_HEIGHT} label=${t.files.found} draw=${draw} about=${settled} />
  `;
}

function foundRow(agent: string, { path, line, text }: FoundLine, onOpen: () => void, key: number): VNode {
  const second = line ? text : parentOf(path);
  return html`
    <a key=${key} class="found-row" href=${href(filePage(agent, path, line))} onClick=${onOpen}>
      <${Icon} name="file" size=${18} />
      <span class="found-text">
        <span class="ellipsis"><bdi>${line ? path : nameOf(path)}</bdi>${line > 0 && html`<b>:${line}</b>`}</span>
        <span class=${`ellipsis hint ${line ? 'mono' : ''}`}><bdi>${second}</bdi></span>
      </span>
    </a>
  ` as VNode;
}

/** The value as it was when it last stood still for a while. */
function useSettled(value: string, ms: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
