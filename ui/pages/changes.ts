import { html, useEffect, useState } from '../html.ts';
import type { AgentInfo, FileDiff } from '../../core/wire/types.ts';
import type { ChangedFile, Changes } from '../../core/wire/workshop.ts';
import {
  Button,
  confirm,
  Dialog,
  DiffView,
  EmptyState,
  Icon,
  IconButton,
  Menu,
  Pill,
  Skeleton,
  Spinner,
  TextArea,
  toast,
  toastError,
} from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { w } from '../i18n/en-workshop.ts';
import { type Loaded, useLoaded } from '../loaded.ts';
import { path } from '../route.ts';
import { api } from '../services.ts';
import type { TabProps } from './agent-tabs.ts';

const base = (agent: AgentInfo) => `${path`/api/agents/${agent.id}`}/changes`;
/** Merging and discarding in a large repository take their time, ms. */
const SLOW = { timeout: 120_000 };

/** What the agent changed: read it, commit it, merge it, or throw it away. */
export default function ChangesTab({ agent }: TabProps) {
  // A turn that ended has changed something: look again.
  const loaded = useLoaded(() => api.get<Changes>(base(agent)), [agent.id, agent.state, agent.stateSince]);
  const { value: changes, error } = loaded;
  if (!changes) {
    return html`<div class="page">${
      error
        ? html`
          <${EmptyState} icon="warning" title=${w.loadFailed} text=${error}>
            <${Button} icon="retry" onClick=${loaded.reload}>${t.common.retry}<//><//>
        `
        : html`<${Skeleton} lines=${6} />`
    }</div>`;
  }
  if (!changes.repository) {
    return html`
      <div class="page">
        <${EmptyState} icon="branch" title=${w.changes.noRepository} text=${changes.text} />
      </div>
    `;
  }
  return html`<div class="page changes">
    <${Head} agent=${agent} changes=${changes} loaded=${loaded} />
    ${
    agent.state === 'running' &&
    html`<p class="note"><${Icon} name="info" size=${18} /><span>${w.changes.busy}</span></p>`
  }
    ${changes.text && html`<p class="note"><${Icon} name="info" size=${18} /><span>${changes.text}</span></p>`}
    ${!changes.files.length && html`<${EmptyState} icon="branch" title=${w.changes.none} text=${w.changes.noneText} />`}
    <div class="diffs">${
    changes.files.map((file) => html`<${FileRow} key=${file.path} agent=${agent} file=${file} loaded=${loaded} />`)
  }</div>
    ${changes.truncated && html`<p class="hint">${w.changes.truncated}</p>`}
  </div>`;
}

interface HeadProps {
  agent: AgentInfo;
  changes: Changes;
  loaded: Loaded<Changes>;
}

function Head({ agent, changes, loaded }: HeadProps) {
  const [committing, setCommitting] = useState(false);
  const [busy, setBusy] = useState(false);
  const pending = changes.files.filter((file) => !file.committed && !file.placed);
  const name = changes.base.replace(/^([0-9a-f]{8})[0-9a-f]{32,}$/, '$1');
  async function merge() {
    const { mergeTitle, mergeText, merge: action } = w.changes;
    if (!(await confirm({ title: mergeTitle(name), text: mergeText(changes.ahead, name), action: action(name) }))) {
      return;
    }
    setBusy(true);
    try {
      const done = await api.post<{ commits: number; changes: Changes }>(`${base(agent)}/merge`, {}, SLOW);
      loaded.set(done.changes);
      toast(w.changes.merged(done.commits, name));
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  }
  const items = [
    { label: w.changes.refresh, icon: 'retry' as const, onSelect: loaded.reload },
    {
      label: w.changes.patch,
      icon: 'file' as const,
      disabled: !changes.files.length,
      onSelect: () => void download(agent, changes).catch(toastError),
    },
    ...(agent.worktree
      ? [{
        label: w.changes.discardAll,
        icon: 'trash' as const,
        tone: 'danger' as const,
        disabled: !pending.length,
        onSelect: () => void discard(agent, null, pending.length, loaded),
      }]
      : []),
  ];
  const commit = pending.length > 0 &&
    html`<${Button} tone="primary" icon="check" onClick=${() => setCommitting(true)}>${w.changes.commit}<//>`;
  const isMergeable = changes.ahead > 0 && pending.length === 0;
  const mergeButton = agent.worktree && html`
    <${Button} tone=${isMergeable ? 'primary' : 'plain'} busy=${busy} disabled=${!isMergeable}
      onClick=${merge}>${w.changes.merge(name)}<//>
  `;
  return html`<header class="changes-head">
    <div class="changes-branch"><${Icon} name="branch" size=${18} /><span class="mono ellipsis">${
    changes.branch || '—'
  }</span>
      ${changes.base && html`<span class="hint">${w.changes.into}</span><span class="mono ellipsis">${name}</span>`}
      ${
    loaded.loading && html`<${Spinner} />`
  }<span class="grow"></span><${Menu} label=${w.changes.menu} items=${items} /></div>
    <div class="changes-do"><p class="hint">${facts(changes)}</p><div class="row">${commit}${mergeButton}</div></div>
    ${
    committing && html`<${CommitDialog} agent=${agent} files=${pending} loaded=${loaded} onClose=${() =>
      setCommitting(false)} />`
  }
  </header>`;
}

function facts({ files, ahead, behind }: Changes): string {
  const parts = [w.changes.files(files.length)];
  if (ahead) parts.push(w.changes.ahead(ahead));
  if (behind) parts.push(w.changes.behind(behind));
  return parts.join(' · ');
}

/** Fetched here: a link to it would leave the dashboard for the error when the machine is away. */
async function download(agent: AgentInfo, { branch }: Changes): Promise<void> {
  const url = URL.createObjectURL(await api.file(`${base(agent)}/patch`, SLOW));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${branch || 'changes'}.patch`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), SLOW.timeout);
}

async function discard(agent: AgentInfo, file: string | null, count: number, loaded: Loaded<Changes>): Promise<void> {
  const { discardTitle: title, discardAllText, discardFileText, discard: action } = w.changes;
  const text = file === null ? discardAllText(count) : discardFileText(file);
  if (!(await confirm({ title, text, action, tone: 'danger' }))) return;
  try {
    const body = file === null ? { all: true } : { paths: [file] };
    loaded.set((await api.post<{ changes: Changes }>(`${base(agent)}/discard`, body, SLOW)).changes);
  } catch (error) {
    toastError(error);
  }
}

/** One file: its line, and its diff once it is opened. */
function FileRow({ agent, file, loaded }: { agent: AgentInfo; file: ChangedFile; loaded: Loaded<Changes> }) {
  const [diff, setDiff] = useState<FileDiff | null>(null);
  const [open, setOpen] = useState(false);
  const canOpen = file.addressable && !file.binary;
  const load = () =>
    api.get<FileDiff>(`${base(agent)}/file?${new URLSearchParams({ path: file.path })}`).then(setDiff, (error) => {
      setOpen(false);
      toastError(error);
    });
  useEffect(() => {
    if (open) void load();
  }, [open, file.added, file.removed, file.committed, agent.stateSince]);
  const tags = html`${!file.committed && html`<${Pill} tone="warn">${w.changes.uncommitted}<//>`}
    ${file.placed && html`<${Pill}>${w.changes.placed}<//>`}${file.binary && html`<${Pill}>${w.changes.binary}<//>`}`;
  return html`<div class="changed-file"><div class="changed-row">
      <button type="button" class="changed-main" aria-expanded=${
    canOpen ? open : undefined
  } disabled=${!canOpen} onClick=${() => setOpen(!open)}>
        <${Icon} name="chevron" size=${16} /><span class="diff-path" title=${file.path}><bdi>${file.path}</bdi></span>
        ${file.kind !== 'update' && html`<span class="faint">${t.diff[file.kind]}</span>`}
        ${file.added > 0 && html`<span class="added">+${file.added}</span>`}${
    file.removed > 0 && html`<span class="removed">−${file.removed}</span>`
  }
      </button>
      ${
    agent.worktree && !file.committed && file.addressable && html`
      <${IconButton} icon="trash" label=${w.changes.discardFile}
        onClick=${() => void discard(agent, file.path, 1, loaded)} />
    `
  }</div>
    ${(!file.committed || file.placed || file.binary) && html`<div class="changed-tags">${tags}</div>`}
    ${
    open && (diff
      ? diff.hunks.length
        ? html`<${DiffView} diff=${diff} />`
        : html`<p class="hint changed-tags">${w.changes.noText}</p>`
      : html`<${Skeleton} lines=${3} />`)
  }</div>`;
}

interface CommitProps {
  agent: AgentInfo;
  files: readonly ChangedFile[];
  loaded: Loaded<Changes>;
  onClose: () => void;
}

function CommitDialog({ agent, files, loaded, onClose }: CommitProps) {
  const [message, setMessage] = useState('');
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const chosen = files.filter((file) => !left.has(file.path));
  const toggle = (name: string) =>
    setLeft((old) => new Set(old.has(name) ? [...old].filter((one) => one !== name) : [...old, name]));
  async function commit(event: Event) {
    event.preventDefault();
    if (!message.trim()) return setError(w.changes.needMessage);
    setBusy(true);
    try {
      const body = { message: message.trim(), ...(left.size ? { paths: chosen.map((file) => file.path) } : {}) };
      loaded.set((await api.post<{ changes: Changes }>(`${base(agent)}/commit`, body, SLOW)).changes);
      toast(w.changes.committed);
      onClose();
    } catch (refused) {
      setBusy(false);
      setError((refused as Error).message);
    }
  }
  return html`
    <${Dialog} title=${w.changes.commitTitle(chosen.length)} onClose=${onClose}>
      <form class="stack" onSubmit=${commit}>
        <${TextArea} label=${w.changes
          .message} rows=${2} value=${message} error=${error} onInput=${setMessage} autofocus />
        <ul class="check-list">${files.map((file) =>
          html`<li key=${file.path}><label><input type="checkbox" checked=${!left.has(file.path)}
        disabled=${!file.addressable} onChange=${() =>
            toggle(file.path)} /><span class="mono"><bdi>${file.path}</bdi></span></label></li>`
        )}</ul>
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
            <${Button} type="submit" tone="primary" busy=${busy} disabled=${!chosen.length}>${w.changes
              .commit}<//></div>
        </form><//>
  `;
}
