import { html, useEffect, useState } from '../html.ts';
import type { AgentInfo, DiskSession } from '../../core/wire/types.ts';
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
import { newId } from '../api.ts';
import { money, shortPath } from '../format.ts';
import { t } from '../i18n/en.ts';
import { go, path } from '../route.ts';
import { api, store } from '../services.ts';
import { change } from '../store.ts';

interface Listing {
  sessions: DiskSession[];
  notes: string[];
}

/** Sessions that the CLIs keep on disk, started in a terminal or here: continue one. */
export default function Sessions() {
  const [listing, setListing] = useState<Listing | null>(null);
  const [error, setError] = useState('');
  const [search, setSearch] = useState('');
  function load() {
    setError('');
    api.get<Listing>('/api/sessions').then(setListing, (failed: Error) => setError(failed.message));
  }
  useEffect(load, []);
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = (listing?.sessions ?? []).filter((session) =>
    words.every((word) => `${session.title} ${session.directory}`.toLowerCase().includes(word))
  );
  return html`<div class="page"><${PageHead} title=${t.sessions.title} />
    <p class="soft">${t.sessions.intro}</p>
    ${
    listing?.notes.map((note) =>
      html`<p key=${note} class="note warn"><${Icon} name="warning" size=${18} /><span>${note}</span></p>`
    )
  }
    ${
    error && html`
      <p class="note bad"
        role="alert"><${Icon} name="error" size=${18} /><span class="grow">${error}</span><button type="button" class="link-button" onClick=${load}>${t
          .common.retry}</button></p>
    `
  }
    ${!listing && !error && html`<${Skeleton} lines=${6} />`}
    ${
    (listing?.sessions.length ?? 0) > 5 && html`
      <label
        class="search wide"><${Icon} name="search" size=${18} /><input class="input" type="search" aria-label=${t
          .sessions.search} placeholder=${t.sessions.search} value=${search}
            onInput=${(e: Event) => setSearch((e.target as HTMLInputElement).value)} /></label>
    `
  }
    ${
    listing && !shown.length &&
    html`<${EmptyState} icon="history" title=${t.sessions.empty} text=${t.sessions.emptyText} />`
  }
    ${
    shown.length > 0 && html`<ul class="session-list">${
      shown.map((session) =>
        html`
          <li key=${`${session.provider}/${session.id}`}>
            <${SessionRow} session=${session} />
          </li>
        `
      )
    }</ul>`
  }
  </div>`;
}

function SessionRow({ session }: { session: DiskSession }) {
  const [busy, setBusy] = useState(false);
  async function resume(fork: boolean) {
    setBusy(true);
    const flags = { resume: session.id, worktree: false, ...(fork ? { forkSession: true } : {}) };
    const body = {
      directory: session.directory,
      provider: session.provider,
      name: session.title.slice(0, 80),
      flags,
      clientId: newId(),
    };
    try {
      const made = await api.command<AgentInfo>('/api/agents', body);
      store.set(change(store.get(), { type: 'agent', agent: made }));
      go(path`/agents/${made.id}`);
    } catch (error) {
      setBusy(false);
      toastError(error);
    }
  }
  return html`
    <article class="session">
      <div class="grow"><h2>${session.title || t.sessions.untitled}</h2>
          <div class="row hint"><span>${t.provider[session.provider]}</span>
            ${session.directory &&
              html`<span class="mono" title=${session.directory}>${shortPath(session.directory)}</span>`}
            <${TimeAgo} at=${session.updatedAt} />
            ${session.costUsd !== null && html`<span>${money(session.costUsd)}</span>`}
            ${session.inUse && html`<${Pill} tone="warn">${t.sessions.inUse}<//>`}</div>
          ${session.inUse && !session.agentId && html`<p class="hint">${t.sessions.inUseHint}</p>`}</div>
      <div class="row">${session.agentId
        ? html`<${LinkButton} to=${path`/agents/${session.agentId}`}>${t.dashboard.open}<//>`
        : session.inUse
        ? html`<${Button} busy=${busy} onClick=${() => void resume(true)}>${t.sessions.fork}<//>`
        : html`<${Button} busy=${busy} disabled=${!session.directory} onClick=${() =>
          void resume(false)}>${t.sessions.resume}<//>`}</div>
    </article>
  `;
}
