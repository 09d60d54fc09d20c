import { html, useState } from '../html.ts';
import type { DirectoryListing } from '../../core/api/workspace.ts';
import { t } from '../i18n/all.ts';
import { isComposing } from '../keyboard.ts';
import { useResource } from '../hooks/use-resource.ts';
import type { Api } from '../net/api.ts';
import { useApp } from '../app.ts';
import { Button, IconButton } from '../components/button.ts';
import { Dialog } from '../components/dialog.ts';
import { TextField, Toggle } from '../components/field.ts';
import { Icon } from '../components/icon.ts';
import { Note } from '../components/note.ts';
import { Pill } from '../components/card.ts';
import { Skeleton } from '../components/spinner.ts';

interface Props {
  /** Where to begin; empty: the server's choice. */
  start: string;
  onPick: (path: string) => void;
  onClose: () => void;
}

const fetchListing = (api: Api, path: string, hidden: boolean) =>
  api.get<DirectoryListing>(`/api/directories?${new URLSearchParams({ path, hidden: hidden ? '1' : '' })}`);

/** A dialog to choose a directory of the agent machine. */
export function DirectoryPicker({ start, onPick, onClose }: Props) {
  const { api } = useApp();
  const [path, setPath] = useState(start.trim());
  const [hidden, setHidden] = useState(false);
  const [filter, setFilter] = useState('');
  const [naming, setNaming] = useState(false);
  // A directory that is not there (any more) must not end the search for another one.
  const load = () =>
    fetchListing(api, path, hidden).catch((error) =>
      path && path === start.trim() ? fetchListing(api, '', hidden) : Promise.reject(error)
    );
  const { value: listing, error, loading } = useResource(load, [path, hidden]);
  function open(to: string) {
    setFilter('');
    setNaming(false);
    setPath(to);
  }
  function use() {
    onPick(listing!.path);
    onClose();
  }
  const wanted = filter.trim().toLowerCase();
  const entries = listing?.entries.filter((entry) => entry.name.toLowerCase().includes(wanted)) ?? [];
  const first = wanted ? entries[0] : undefined;
  const isUsable = listing !== null && !error;
  const footer = html`
    <${Button} tone="primary" icon="check" class="wide" disabled=${!isUsable} onClick=${use}>
      ${t.directory.use}
    <//>
  `;
  return html`
    <${Dialog} title=${t.directory.title} size="wide" onClose=${onClose} footer=${footer}>
      <div class="directory-picker">
        <${PathLine} path=${path} listing=${listing} open=${open} onNew=${() => setNaming(true)} />
        ${naming && listing && html`<${NewDirectory} path=${listing.path} open=${open} />`}
        ${listing && html`<${Places} listing=${listing} open=${open} />`}
        <div class="directory-tools">
          <${FilterField} value=${filter} onInput=${setFilter} onEnter=${() => first && open(first.path)} />
          <${Toggle} label=${t.directory.hidden} checked=${hidden} onChange=${setHidden} />
        </div>
        ${error && html`<${Note} tone="bad" alert>${error}<//>`}
        ${!listing && !error && html`<${Skeleton} lines=${5} />`}
        ${listing && html`<${Entries} entries=${entries} loading=${loading} open=${open} />`}
        ${listing?.truncated && html`<p class="hint">${t.directory.truncated}</p>`}
      </div>
      <//>
  `;
}

type Open = (path: string) => void;

const Repository = () => html`<${Pill} tone="info">${t.directory.repository}<//>`;

interface PathProps {
  path: string;
  listing: DirectoryListing | null;
  open: Open;
  onNew: () => void;
}

function PathLine({ path, listing, open, onNew }: PathProps) {
  const parent = listing?.parent;
  return html`
    <div class="directory-path">
      <${IconButton} icon="up" label=${t.directory.up} disabled=${!parent} onClick=${() => open(parent!)} />
      <span class="mono" title=${listing?.path}><bdi>${listing?.path ?? path}</bdi></span>
      ${listing?.repository && html`<${Repository} />`}
      <${IconButton} icon="plus" label=${t.directory.create} disabled=${!listing} onClick=${onNew} />
    </div>
  `;
}

/** Names a directory and makes it; it is opened then. */
function NewDirectory({ path, open }: { path: string; open: Open }) {
  const { api } = useApp();
  const [name, setName] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  async function create() {
    setBusy(true);
    await api.post<{ path: string }>('/api/directories', { path, name }).then(
      (result) => open(result.path),
      (refusal: Error) => setError(refusal.message),
    );
    setBusy(false);
  }
  // No form of its own: it would stand inside that from which the dialog was opened.
  function onKey(event: KeyboardEvent) {
    if (event.key !== 'Enter' || isComposing(event)) return;
    event.preventDefault();
    if (name.trim()) void create();
  }
  const field = { label: t.directory.name, value: name, error, onInput: setName, onKeyDown: onKey };
  return html`
    <div class="directory-new">
      <${TextField} autofocus autocapitalize="off" ...${field} />
      <${Button} busy=${busy} disabled=${!name.trim()} onClick=${() => void create()}>${t.directory.make}<//>
    </div>
  `;
}

interface FilterProps {
  value: string;
  onInput: (value: string) => void;
  onEnter: () => void;
}

function FilterField({ value, onInput, onEnter }: FilterProps) {
  // The dialog stands inside the form that it was opened from: Enter must not submit that one with the directory of before.
  function onKey(event: KeyboardEvent) {
    if (event.key !== 'Enter' || isComposing(event)) return;
    event.preventDefault();
    onEnter();
  }
  return html`
    <input
      class="input"
      type="search"
      aria-label=${t.directory.filter}
      placeholder=${t.directory.filter}
      value=${value}
      onInput=${(event: Event) => onInput((event.target as HTMLInputElement).value)}
      onKeyDown=${onKey}
    />
  `;
}

function Entries(props: { entries: DirectoryListing['entries']; loading: boolean; open: Open }) {
  const items = props.entries.map((entry) =>
    html`
      <li key=${entry.path}>
        <button type="button" onClick=${() => props.open(entry.path)}>
          <${Icon} name="folder" size=${18} />
          <span class="ellipsis">${entry.name}</span>
          ${entry.repository && html`<${Repository} />`}
          <${Icon} name="chevron" size=${16} />
        </button>
      </li>
    `
  );
  return html`
    <ul class="directory-list" aria-busy=${props.loading}>
      ${items.length ? items : html`<li class="hint">${t.directory.empty}</li>`}
    </ul>
  `;
}

const lastPart = (path: string) => path.split('/').filter(Boolean).at(-1) ?? '/';

function Places({ listing, open }: { listing: DirectoryListing; open: Open }) {
  const current = listing.path;
  const recent = listing.recent.filter((path) => !listing.roots.includes(path));
  return html`
    <${Chips} label=${t.directory.places} paths=${listing.roots} current=${current} open=${open} />
    <${Chips} label=${t.directory.recent} paths=${recent} current=${current} open=${open} />
  `;
}

function Chips(props: { label: string; paths: readonly string[]; current: string; open: Open }) {
  if (!props.paths.length) return null;
  const chips = props.paths.map((path) =>
    html`
      <button
        key=${path}
        type="button"
        class="chip"
        title=${path}
        aria-current=${path === props.current}
        onClick=${() => props.open(path)}
      >
        ${lastPart(path)}
      </button>
    `
  );
  return html`
    <div class="directory-places">
      <span class="hint">${props.label}</span>
      ${chips}
    </div>
  `;
}

/** The button beside a directory's text field, with its dialog. */
export function BrowseButton({ value, onPick }: { value: string; onPick: (path: string) => void }) {
  const [open, setOpen] = useState(false);
  return html`
    <${IconButton} icon="folder" tone="plain" label=${t.directory.browse} onClick=${() => setOpen(true)} />
    ${open && html`<${DirectoryPicker} start=${value} onPick=${onPick} onClose=${() => setOpen(false)} />`}
  `;
}
