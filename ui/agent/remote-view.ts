/** What a push or a pull request does, and what the remote said: it stays on the page until it is dismissed. */
import { html } from '../html.ts';
import type { RemoteWork } from '../../core/api/workspace.ts';
import { Button, Spinner } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { errorText } from '../i18n/t.ts';
import type { RemoteState } from './remote-actions.ts';

export function RemoteView({ work, cancel, dismiss }: RemoteState) {
  if (!work) return null;
  if (work.state === 'running') return html`<${Running} work=${work} onCancel=${cancel} />`;
  const text = work.error ? errorText(work.error.code, work.error.error, work.error.params ?? {}) : doneText(work);
  return html`
    <${Note} tone=${work.error ? 'bad' : 'info'} alert>
      <span class="stack tight">
        <span>${text}</span>
        ${!work.error && work.answer && html`<${Answer} text=${work.answer} />`}
        <span class="row">
          ${work.url && html`<a class="button primary" href=${work.url} ...${ELSEWHERE}>${t.remote.open}</a>`}
          <${Button} onClick=${dismiss}>${t.remote.dismiss}<//>
        </span>
      </span>
    <//>
  `;
}

const ELSEWHERE = { target: '_blank', rel: 'noopener noreferrer' };

const doneText = ({ kind, branch, remote, address }: RemoteWork) =>
  kind === 'push' ? t.remote.pushed(branch, address ? `${remote} (${address})` : remote) : t.remote.opened(branch);

function Running({ work, onCancel }: { work: RemoteWork; onCancel: () => void }) {
  return html`
    <div class="remote-running" role="status">
      <${Spinner} />
      <span class="grow">${work.kind === 'push' ? t.remote.pushing(work.branch) : t.remote.opening(work.branch)}</span>
      <${Button} onClick=${onCancel}>${t.common.cancel}<//>
    </div>
  `;
}

/** The remote's words, with its addresses as links. */
function Answer({ text }: { text: string }) {
  const parts = text.split(/(https?:\/\/[^\s<>"']+)/).map((part, i) =>
    i % 2 ? html`<a key=${i} href=${part} ...${ELSEWHERE}>${part}</a>` : part
  );
  return html`<pre class="remote-answer" aria-label=${t.remote.answer}>${parts}</pre>`;
}
