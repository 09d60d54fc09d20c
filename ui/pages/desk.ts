import { html, useState } from '../html.ts';
import type { DeskDetail, DeskSession } from '../../core/api/handoff.ts';
import { useApp, useStore } from '../app.ts';
import { Button, EmptyState, IconButton, LinkButton, Skeleton, TimeAgo } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { shortPath } from '../format.ts';
import { deskName, DeskPlace, DeskStatusPill, waitingText } from '../handoff/desk-status.ts';
import { DeskRequest } from '../handoff/desk-request.ts';
import { ReadAlong } from '../handoff/read-along.ts';
import TakeOverDialog from '../handoff/take-over-dialog.ts';
import { useResource } from '../hooks/use-resource.ts';
import { t } from '../i18n/all.ts';
import { go, path } from '../route.ts';
import type { PageProps } from '../route.ts';
import { find } from '../state/store.ts';

/** One session that runs in a terminal, read along. */
export default function DeskPage({ params }: PageProps) {
  const id = params.id ?? '';
  const { api } = useApp();
  const session = useStore((state) => find(state.handoff, id));
  const { value: detail, error } = useResource(() => api.get<DeskDetail>(path`/api/handoff/${id}`), [id]);
  // Shown to its end, also when it ends while one reads.
  const shown = session ?? detail?.session;
  if (shown && (detail || session)) {
    return html`<${SessionView} session=${shown} isLive=${session !== undefined} isRead=${detail !== null} />`;
  }
  return html`
    <div class="page">
      ${error ? html`<${Gone} />` : html`<${Skeleton} lines=${6} />`}
    </div>
  `;
}

function Gone() {
  return html`
    <${EmptyState} isPage icon="terminal" title=${t.handoff.gone} text=${t.handoff.goneText}>
      <${LinkButton} to="/sessions" tone="primary">${t.handoff.sessions}<//>
    <//>
  `;
}

interface ViewProps {
  session: DeskSession;
  isLive: boolean;
  isRead: boolean;
}

function SessionView({ session, isLive, isRead }: ViewProps) {
  const name = deskName(session);
  return html`
    <div class="agent-page">
      <header class="agent-head">
        <div class="agent-head-row">
          <${IconButton} icon="back" label=${t.nav.back} class="back" onClick=${() => go('/')} />
          <div class="agent-title">
            <h1 class="ellipsis" dir="auto" title=${name}>${name}</h1>
            <${Facts} session=${session} />
          </div>
          ${isLive && session.attach === null && html`<${TakeOver} session=${session} />`}
        </div>
      </header>
      <div class="desk-notes">
        ${isLive ? html`<${LiveNotes} session=${session} />` : html`<${Note} tone="warn">${t.handoff.gone}<//>`}
      </div>
      <section class="tab-panel chat">
        <div class="chat">${isRead && html`<${ReadAlong} session=${session} />`}</div>
      </section>
    </div>
  `;
}

function TakeOver({ session }: { session: DeskSession }) {
  const [isOpen, setOpen] = useState(false);
  return html`
    <${Button} tone="primary" onClick=${() => setOpen(true)}>${t.handoff.takeOver}<//>
    ${isOpen && html`<${TakeOverDialog} session=${session} onClose=${() => setOpen(false)} />`}
  `;
}

function Facts({ session }: { session: DeskSession }) {
  const { directory, startedAt } = session;
  return html`
    <div class="facts">
      <${DeskStatusPill} session=${session} />
      <${DeskPlace} session=${session} />
      ${directory && html`<span class="hint mono ellipsis" title=${directory}>${shortPath(directory)}</span>`}
      <span class="hint">${t.handoff.since} <${TimeAgo} at=${startedAt} /></span>
    </div>
  `;
}

/** That it is read-only, what it waits for, and who else has it open. */
function LiveNotes({ session }: { session: DeskSession }) {
  const waits = waitingText(session);
  const { attach, others, pending } = session;
  const command = attach !== null && html`<code>${attach}</code>`;
  return html`
    ${waits && !pending && html`<${Note} tone="warn">${waits}<//>`}
    <${DeskRequest} session=${session} />
    <${Note}>
      ${attach !== null ? t.handoff.readOnlyBackground : t.handoff.readOnly} ${command}
    <//>
    ${others > 0 && html`<${Note} tone="warn">${t.handoff.others(others)}<//>`}
  `;
}
