import { html } from '../html.ts';
import type { DeskSession } from '../../core/api/handoff.ts';
import { LinkButton } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';

/** An agent's session is open in a terminal: nothing can be said here meanwhile. */
export default function AtDeskNote({ session }: { session: DeskSession }) {
  return html`
    <div class="archived-note">
      <${Note} tone="warn">
        <span class="row between">
          ${t.handoff.openAtDesk}
          <${LinkButton} class="small" to=${path`/desk/${session.id}`}>${t.handoff.open}<//>
        </span>
      <//>
    </div>
  `;
}
