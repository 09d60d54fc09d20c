import { html, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Changes } from '../../core/api/workspace.ts';
import { Button, Dialog, TextArea, TextField, Toggle } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { baseName } from './changes-actions.ts';
import type { RemoteState } from './remote-actions.ts';

interface Props {
  agent: AgentInfo;
  changes: Changes;
  remote: RemoteState;
  /** Files that would not be in it. */
  pending: number;
  onClose: () => void;
}

/** Asks for the words of a pull request, then pushes the branch and opens it. */
export default function PullRequestDialog({ agent, changes, remote, pending, onClose }: Props) {
  const [title, setTitle] = useState(agent.name || changes.branch);
  const [body, setBody] = useState('');
  const [draft, setDraft] = useState(false);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  async function submit(event: Event) {
    event.preventDefault();
    if (!title.trim()) return setError(t.remote.needTitle);
    setBusy(true);
    try {
      await remote.openPullRequest({ title: title.trim(), body: body.trim(), draft });
      onClose();
    } catch (refused) {
      setBusy(false);
      setError((refused as Error).message);
    }
  }
  const titleField = { label: t.remote.title, value: title, error, maxlength: 200, onInput: setTitle };
  const bodyField = { label: t.remote.body, value: body, maxlength: 20_000, onInput: setBody };
  return html`
    <${Dialog} title=${t.remote.dialogTitle(baseName(changes))} onClose=${onClose}>
      <form class="stack" onSubmit=${submit}>
        <p class="hint">${t.remote.dialogText(changes.branch)}</p>
        ${pending > 0 && html`<p class="hint">${t.remote.pending(pending)}</p>`}
        <${TextField} autofocus ...${titleField} />
        <${TextArea} rows=${5} ...${bodyField} />
        <${Toggle} label=${t.remote.draft} checked=${draft} onChange=${setDraft} />
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
          <${Button} type="submit" tone="primary" busy=${busy}>${t.remote.create}<//>
        </div>
      </form>
    <//>
  `;
}
