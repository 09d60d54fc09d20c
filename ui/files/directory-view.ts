/** What is in one directory; files come into it by the button or by dropping them. */
import { html, useEffect, useRef } from '../html.ts';
import type { VNode } from '../html.ts';
import type { FileEntry, FileListing } from '../../core/api/files.ts';
import { Button, Icon, Menu, Skeleton, TimeAgo } from '../components/mod.ts';
import { LoadFailed } from '../components/load-failed.ts';
import { WindowList } from '../components/window-list.ts';
import { type Resource, useResource } from '../hooks/use-resource.ts';
import { useApp } from '../app.ts';
import type { Api } from '../net/api.ts';
import { bytes } from '../format.ts';
import { at, filePage, href } from '../route.ts';
import { t } from '../i18n/all.ts';
import type { TabProps } from '../agent/tab-props.ts';
import { archiveUrl, filesUrl } from './file-address.ts';
import { saveAs } from '../components/save-as.ts';
import { uploadsOf } from './upload-queue.ts';
import { UploadList, useArrivals } from './uploads.ts';

const ROW_HEIGHT = 44;
/** Entries that are asked for first: more than any screen shows, and there at once also where there are thousands. */
const FIRST = 200;

/** A listing, or its beginning. */
interface Shown extends FileListing {
  isBeginning: boolean;
}

async function loadListing(api: Api, agent: string, directory: string, old: Shown | null): Promise<Shown> {
  const ask = (limit: Record<string, string>) =>
    api.get<FileListing>(`${filesUrl(agent)}?${new URLSearchParams({ path: directory, ...limit })}`);
  if (old) return { ...await ask({}), isBeginning: false };
  const first = await ask({ limit: String(FIRST) });
  return { ...first, isBeginning: first.truncated };
}

interface Props extends TabProps {
  directory: string;
}

export function DirectoryView({ agent, directory }: Props) {
  const app = useApp();
  const load = (old: Shown | null) => loadListing(app.api, agent.id, directory, old);
  const key = `files.${agent.id}.${directory}`;
  // A turn that ended may have made files.
  const listing = useResource(load, [agent.id, directory, agent.state], key);
  useArrivals(agent.id, directory, listing.reload);
  // The rest, once the beginning is seen.
  useEffect(() => {
    if (listing.value?.isBeginning && !listing.loading) listing.reload();
  }, [listing.value]);
  const add = (files: readonly File[]) => uploadsOf(app).add(agent.id, directory, files);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    add([...(event.dataTransfer?.files ?? [])]);
  };
  const allow = (event: DragEvent) => event.preventDefault();
  return html`
    <div class="files-body" onDragOver=${allow} onDrop=${drop}>
      <${DirectoryBar} agent=${agent.id} directory=${directory} listing=${listing} onFiles=${add} />
      <${UploadList} agent=${agent.id} directory=${directory} />
      <${Listing} agent=${agent.id} listing=${listing} />
    </div>
  `;
}

interface BarProps {
  agent: string;
  directory: string;
  listing: Resource<Shown>;
  onFiles: (files: readonly File[]) => void;
}

function DirectoryBar({ agent, directory, listing, onFiles }: BarProps) {
  const { machine } = useApp();
  const input = useRef<HTMLInputElement>(null);
  const choose = () => {
    onFiles([...(input.current!.files ?? [])]);
    input.current!.value = '';
  };
  const items = [
    { label: t.files.refresh, icon: 'retry' as const, onSelect: listing.reload },
    {
      label: t.files.downloadFolder,
      icon: 'arrowDown' as const,
      onSelect: () => saveAs(at(machine, archiveUrl(agent, directory))),
    },
  ];
  return html`
    <div class="files-bar">
      <input ref=${input} type="file" multiple hidden onChange=${choose} />
      <${Button} icon="up" class="small" onClick=${() => input.current?.click()}>${t.files.upload}<//>
      <span class="grow"></span>
      <${Menu} label=${t.files.menu} items=${items} />
    </div>
  `;
}

function Listing({ agent, listing: { value, error, reload } }: { agent: string; listing: Resource<Shown> }) {
  if (!value) return error ? html`<${LoadFailed} error=${error} reload=${reload} />` : html`<${Skeleton} lines=${6} />`;
  const { entries, path, truncated, isBeginning } = value;
  if (!entries.length) return html`<p class="hint files-note">${t.files.empty}</p>`;
  const draw = (i: number) => entryRow(agent, entries[i]!);
  return html`
    ${truncated && !isBeginning && html`<p class="hint files-note">${t.files.truncated(entries.length)}</p>`}
    <${WindowList}
      count=${entries.length}
      rowHeight=${ROW_HEIGHT}
      label=${t.files.list}
      draw=${draw}
      about=${path}
    />
  `;
}

/** A function and no component: thousands are scrolled through. */
function entryRow(agent: string, entry: FileEntry): VNode {
  const { name, path, kind, size, modifiedAt, addressable } = entry;
  const isDirectory = kind === 'directory';
  const canOpen = addressable && kind !== 'other';
  const reason = addressable ? t.files.special : t.files.notReachable;
  const note = canOpen ? kind === 'file' && bytes(size) : reason;
  const content = html`
    <${Icon} name=${isDirectory ? 'folder' : 'file'} size=${18} />
    <span class="ellipsis grow"><bdi>${name}</bdi></span>
    ${note && html`<span class="hint">${note}</span>`}
    <span class="hint file-time"><${TimeAgo} at=${modifiedAt} /></span>
  `;
  if (!canOpen) return html`<div key=${path} class="file-row closed">${content}</div>` as VNode;
  const to = filePage(agent, isDirectory ? `${path}/` : path);
  return html`<a key=${path} class="file-row" href=${href(to)}>${content}</a>` as VNode;
}
