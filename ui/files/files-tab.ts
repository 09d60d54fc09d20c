/** What lies in the agent's folder: directories, a search, and one file at a time. */
import { html, useState } from '../html.ts';
import { Icon, Segments } from '../components/mod.ts';
import { filePage, href, usePath } from '../route.ts';
import { t } from '../i18n/all.ts';
import { isComposing } from '../keyboard.ts';
import type { TabProps } from '../agent/tab-props.ts';
import { DirectoryView } from './directory-view.ts';
import { type Place, placeOf } from './file-address.ts';
import { type SearchKind, SearchResult } from './search-result.ts';
import { Viewer } from './viewer.ts';

export default function FilesTab({ agent }: TabProps) {
  const place = placeOf(usePath());
  const [query, setQuery] = useState('');
  const [kind, setKind] = useState<SearchKind>('names');
  // Known only once it was opened: a link of a conversation may name a directory.
  const [directory, setDirectory] = useState('');
  const isDirectory = place.isDirectory || directory === place.file;
  const shown = isDirectory
    ? html`<${DirectoryView} key=${place.file} agent=${agent} directory=${place.file} />`
    : html`
      <${Viewer} key=${place.file} agent=${agent} file=${place.file} line=${place.line} onDirectory=${setDirectory} />
    `;
  const leave = () => setQuery('');
  return html`
    <div class="file-browser">
      <div class="files-search">
        <${SearchBox} query=${query} onInput=${setQuery} />
        ${query && html`<${KindChoice} kind=${kind} onChange=${setKind} />`}
      </div>
      ${!query && html`<${Crumbs} agent=${agent.id} place=${place} />`}
      ${query ? html`<${SearchResult} agent=${agent.id} query=${query} kind=${kind} onOpen=${leave} />` : shown}
    </div>
  `;
}

function SearchBox({ query, onInput }: { query: string; onInput: (query: string) => void }) {
  const read = (event: Event) => onInput((event.target as HTMLInputElement).value);
  const onKey = (event: KeyboardEvent) => event.key === 'Escape' && !isComposing(event) && onInput('');
  return html`
    <label class="files-query">
      <${Icon} name="search" size=${18} />
      <input
        class="input"
        type="search"
        value=${query}
        placeholder=${t.files.search}
        aria-label=${t.files.search}
        maxlength="200"
        autocomplete="off"
        spellcheck=${false}
        onInput=${read}
        onKeyDown=${onKey}
      />
    </label>
  `;
}

function KindChoice({ kind, onChange }: { kind: SearchKind; onChange: (kind: SearchKind) => void }) {
  const options = [{ value: 'names', label: t.files.inNames }, { value: 'text', label: t.files.inText }];
  return html`<${Segments} label=${t.files.searchIn} value=${kind} options=${options} onChange=${onChange} />`;
}

/** The way from the agent's folder to what is shown. */
function Crumbs({ agent, place }: { agent: string; place: Place }) {
  const parts = place.file ? place.file.split('/') : [];
  const links = parts.map((part, i) => {
    const isLast = i === parts.length - 1;
    const to = `${parts.slice(0, i + 1).join('/')}/`;
    return html`
      <span class="crumb-gap" aria-hidden="true">/</span>
      ${isLast
        ? html`<span class="crumb" aria-current="page" title=${part}><bdi>${part}</bdi></span>`
        : html`<a class="crumb" href=${href(filePage(agent, to))}><bdi>${part}</bdi></a>`}
    `;
  });
  return html`
    <nav class="crumbs" aria-label=${t.files.path}>
      <a class="crumb" href=${href(filePage(agent, ''))} aria-label=${t.files.top} title=${t.files.top}>
        <${Icon} name="folder" size=${18} />
      </a>
      ${links}
    </nav>
  `;
}
