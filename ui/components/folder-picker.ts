import { html, useState } from '../html.ts';
import type { DirectoryListing } from '../../core/wire/workshop.ts';
import { w } from '../i18n/en-workshop.ts';
import { useLoaded } from '../loaded.ts';
import { api } from '../services.ts';
import { Button, IconButton } from './button.ts';
import { Dialog } from './dialog.ts';
import { Toggle } from './field.ts';
import { Icon } from './icon.ts';
import { Pill } from './card.ts';
import { Skeleton } from './spinner.ts';

interface Props {
  /** Where to begin; empty: the server's choice. */
  start: string;
  onPick: (path: string) => void;
  onClose: () => void;
}

const ask = (path: string, hidden: boolean) =>
  api.get<DirectoryListing>(`/api/directories?${new URLSearchParams({ path, hidden: hidden ? '1' : '' })}`);

/** A dialog to choose a folder of the agent machine. */
export function FolderPicker({ start, onPick, onClose }: Props) {
  const [path, setPath] = useState(start.trim());
  const [hidden, setHidden] = useState(false);
  const [filter, setFilter] = useState('');
  // A folder that is not there (any more) must not end the search for another one.
  const load = () =>
    ask(path, hidden).catch((error) => (path && path === start.trim() ? ask('', hidden) : Promise.reject(error)));
  const { value: listing, error, loading } = useLoaded(load, [path, hidden]);
  const open = (to: string) => {
    setFilter('');
    setPath(to);
  };
  const wanted = filter.trim().toLowerCase();
  const entries = listing?.entries.filter((entry) => entry.name.toLowerCase().includes(wanted)) ?? [];
  // The dialog stands inside the form that it was opened from: Enter must not submit that one with the folder of before.
  function onKey(event: KeyboardEvent) {
    if (event.key !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    if (wanted && entries[0]) open(entries[0].path);
  }
  const footer = html`<${Button} tone="primary" icon="check" class="wide" disabled=${
    !listing || !!error
  } onClick=${() => {
    onPick(listing!.path);
    onClose();
  }}>${w.folder.use}<//>`;
  return html`
    <${Dialog} title=${w.folder.title} size="wide" onClose=${onClose} footer=${footer}>
      <div class="folder-picker">
          <div class="folder-path">
            <${IconButton} icon="up" label=${w.folder.up} disabled=${!listing?.parent} onClick=${() =>
              open(listing!.parent!)} />
            <span class="mono" title=${listing?.path}><bdi>${listing?.path ?? path}</bdi></span>
            ${listing?.repository && html`<${Pill} tone="info">${w.folder.repository}<//>`}
          </div>
          ${listing && html`<${Places} listing=${listing} open=${open} />`}
          <div class="folder-tools" onKeyDown=${onKey}><input class="input" type="search" aria-label=${w.folder
            .filter} placeholder=${w
            .folder.filter}
            value=${filter} onInput=${(event: Event) => setFilter((event.target as HTMLInputElement).value)} />
            <${Toggle} label=${w.folder.hidden} checked=${hidden} onChange=${setHidden} /></div>
          ${error &&
            html`<p class="note bad" role="alert"><${Icon} name="error" size=${18} /><span>${error}</span></p>`}
          ${!listing && !error && html`<${Skeleton} lines=${5} />`}
          ${listing && html`<ul class="folder-list" aria-busy=${loading}>${
            entries.map((entry) =>
              html`
                <li key=${entry.path}><button type="button" onClick=${() =>
                  open(entry.path)}><${Icon} name="folder" size=${18} />
                  <span class="ellipsis">${entry.name}</span>${entry.repository &&
                    html`<${Pill} tone="info">${w.folder.repository}<//>`}
                  <${Icon} name="chevron" size=${16} /></button></li>
              `
            )
          }
        ${!entries.length && html`<li class="hint">${w.folder.empty}</li>`}</ul>`}
          ${listing?.truncated && html`<p class="hint">${w.folder.truncated}</p>`}
        </div>
      <//>
  `;
}

const lastPart = (path: string) => path.split('/').filter(Boolean).at(-1) ?? '/';

function Places({ listing, open }: { listing: DirectoryListing; open: (path: string) => void }) {
  const chips = (label: string, paths: readonly string[]) =>
    paths.length > 0 && html`<div class="folder-places">
    <span class="hint">${label}</span>${
      paths.map((path) =>
        html`
          <button key=${path} type="button" class="chip" title=${path}
            aria-current=${path === listing.path} onClick=${() => open(path)}>${lastPart(path)}</button>
        `
      )
    }</div>`;
  return html`${chips(w.folder.places, listing.roots)}${chips(w.folder.recent, listing.recent)}`;
}

/** The button beside a folder's text field, with its dialog. */
export function BrowseButton({ value, onPick }: { value: string; onPick: (path: string) => void }) {
  const [open, setOpen] = useState(false);
  return html`<${IconButton} icon="folder" tone="plain" label=${w.folder.browse} onClick=${() => setOpen(true)} />
    ${open && html`<${FolderPicker} start=${value} onPick=${onPick} onClose=${() => setOpen(false)} />`}`;
}
