import { html, useState } from '../html.ts';
import type { AgentInfo, DiskSession } from '../../core/api/agents.ts';
import {
  Button,
  EmptyState,
  Icon,
  LinkButton,
  PageHead,
  Pill,
  Skeleton,
  TimeAgo,
  toastError,
} from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { newId } from '../net/api.ts';
import { money, shortPath } from '../format.ts';
import { useResource } from '../hooks/use-resource.ts';
import { useProviderLabel } from '../hooks/use-providers.ts';
import { serverText, t } from '../i18n/t.ts';
import { go, path } from '../route.ts';
import { useApp } from '../app.ts';

interface Listing {
  sessions: DiskSession[];
  notes: string[];
}

/** From so many sessions on there is a search field. */
const SEARCH_FROM = 6;

/** Sessions that the CLIs keep on disk, started in a terminal or here: continue one. */
export default function Sessions() {
  const { api } = useApp();
  const { value: listing, error, reload } = useResource(() => api.get<Listing>('/api/sessions'), []);
  const notes = listing?.notes.map((note) => html`<${Note} key=${note} tone="warn">${serverText(note)}<//>`);
  return html`
    <div class="page">
      <${PageHead} title=${t.sessions.title} />
      <p class="soft">${t.sessions.intro}</p>
      ${notes}
      ${error && html`<${Failure} error=${error} reload=${reload} />`}
      ${!listing && !error && html`<${Skeleton} lines=${6} />`}
      ${listing && html`<${SessionList} sessions=${listing.sessions} />`}
    </div>
  `;
}

function Failure({ error, reload }: { error: string; reload: () => void }) {
  return html`
    <${Note} tone="bad" alert>
      ${error}${' '}
      <button type="button" class="link-button" onClick=${reload}>${t.common.retry}</button>
    <//>
  `;
}

function SessionList({ sessions }: { sessions: readonly DiskSession[] }) {
  const [search, setSearch] = useState('');
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = sessions.filter(({ title, directory }) =>
    words.every((word) => `${title} ${directory}`.toLowerCase().includes(word))
  );
  const rows = shown.map((session) =>
    html`
      <li key=${`${session.provider}/${session.id}`}>
        <${SessionRow} session=${session} />
      </li>
    `
  );
  return html`
    ${sessions.length >= SEARCH_FROM && html`<${SearchField} value=${search} onInput=${setSearch} />`}
    ${!rows.length && html`<${EmptyState} icon="history" title=${t.sessions.empty} text=${t.sessions.emptyText} />`}
    ${rows.length > 0 && html`<ul class="session-list">${rows}</ul>`}
  `;
}

function SearchField({ value, onInput }: { value: string; onInput: (value: string) => void }) {
  return html`
    <label class="search wide">
      <${Icon} name="search" size=${18} />
      <input
        class="input"
        type="search"
        aria-label=${t.sessions.search}
        placeholder=${t.sessions.search}
        value=${value}
        onInput=${(event: Event) => onInput((event.target as HTMLInputElement).value)}
      />
    </label>
  `;
}

function SessionRow({ session }: { session: DiskSession }) {
  const { title, provider, directory, updatedAt, costUsd, inUse, live, agentId } = session;
  return html`
    <article class="session">
      <div class="grow">
        <h2>${title || t.sessions.untitled}</h2>
        <div class="row hint">
          <span>${useProviderLabel(provider)}</span>
          ${directory && html`<span class="mono" title=${directory}>${shortPath(directory)}</span>`}
          <${TimeAgo} at=${updatedAt} />
          ${costUsd !== null && html`<span>${money(costUsd)}</span>`}
          ${inUse && html`<${Pill} tone="warn">${t.sessions.inUse}<//>`}
          ${live && html`<${Pill} tone="info">${t.sessions.live}<//>`}
        </div>
        ${inUse && !agentId && html`<p class="hint">${t.sessions.inUseHint}</p>`}
        ${live && !agentId && html`<p class="hint">${t.sessions.liveHint}</p>`}
      </div>
      <div class="row">
        <${ResumeButton} session=${session} />
      </div>
    </article>
  `;
}

function ResumeButton({ session }: { session: DiskSession }) {
  const { api, store } = useApp();
  const [busy, setBusy] = useState(false);
  async function resume(fork: boolean) {
    setBusy(true);
    try {
      const agent = await api.command<AgentInfo>('/api/agents', resumeBody(session, fork));
      store.change({ type: 'agent', agent });
      go(path`/agents/${agent.id}`);
    } catch (error) {
      setBusy(false);
      toastError(error);
    }
  }
  if (session.agentId) return html`<${LinkButton} to=${path`/agents/${session.agentId}`}>${t.dashboard.open}<//>`;
  if (session.inUse) return html`<${Button} busy=${busy} onClick=${() => void resume(true)}>${t.sessions.fork}<//>`;
  return html`
    <${Button} busy=${busy} disabled=${!session.directory} onClick=${() => void resume(false)}>
      ${session.live ? t.sessions.join : t.sessions.resume}
    <//>
  `;
}

const resumeBody = ({ id, directory, provider, title }: DiskSession, fork: boolean) => ({
  directory,
  provider,
  name: title.slice(0, 80),
  flags: { resume: id, worktree: false, ...(fork ? { forkSession: true } : {}) },
  clientId: newId(),
});
