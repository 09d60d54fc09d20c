import { html } from '../html.ts';
import { deskAgent, type DeskSession } from '../../core/api/handoff.ts';
import { LazyAsk, useShownRequest } from '../chat/lazy-ask.ts';
import { useApp, useMachineName, useStore } from '../app.ts';
import { Icon, TimeAgo } from '../components/mod.ts';
import { shortPath } from '../format.ts';
import { t } from '../i18n/all.ts';
import { at, href, path } from '../route.ts';
import { deskName, DeskPlace, DeskStatusPill, waitingText } from './desk-status.ts';

/** The sessions that run in a terminal of one machine: who waits first, then the newest. */
export default function DeskList() {
  const table = useStore((state) => state.handoff);
  const machine = useMachineName();
  const rank = ({ status, pending }: DeskSession) => (pending || status === 'waiting' ? 0 : 1);
  const sessions = Object.values(table).sort((a, b) => rank(a) - rank(b) || b.startedAt - a.startedAt);
  const rows = sessions.map((session) =>
    html`
      <li key=${session.id}>
        <${DeskRow} session=${session} />
      </li>
    `
  );
  return html`
    <section class="desk-sessions">
      <h2>${t.handoff.title}${machine && ` · ${machine}`}</h2>
      <ul class="session-list">${rows}</ul>
    </section>
  `;
}

function DeskRow({ session }: { session: DeskSession }) {
  const { machine } = useApp();
  const { id, directory, startedAt } = session;
  const waits = waitingText(session);
  const agent = deskAgent(session);
  const request = useShownRequest(agent);
  return html`
    <article class=${`session desk-session ${request ? 'needs-me' : ''}`} aria-label=${deskName(session)}>
      <div class="grow">
        <h3 dir="auto" data-foreign>
          <a class="cover" href=${href(at(machine, path`/desk/${id}`))}>${deskName(session)}</a>
        </h3>
        <div class="row hint">
          ${directory && html`<span class="mono" title=${directory}>${shortPath(directory)}</span>`}
          <${TimeAgo} at=${startedAt} plain />
          <${DeskPlace} session=${session} />
        </div>
        ${waits && !request && html`<p class="desk-waits">${waits}</p>`}
      </div>
      <${DeskStatusPill} session=${session} />
      <${Icon} name="chevron" size=${16} />
      ${request && html`<${LazyAsk} key=${request} agent=${agent} id=${request} />`}
    </article>
  `;
}
