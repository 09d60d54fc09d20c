import { html, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Changes, PullRequestTarget } from '../../core/api/workspace.ts';
import { useApp } from '../app.ts';
import { Button, Dialog, Spinner, TextArea, TextField, Toggle } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { type Resource, useResource } from '../hooks/use-resource.ts';
import { t } from '../i18n/all.ts';
import { type Api, ApiError } from '../net/api.ts';
import { baseName, changesUrl, SLOW } from './changes-actions.ts';
import type { RemoteState } from './remote-actions.ts';

interface Props {
  agent: AgentInfo;
  changes: Changes;
  remote: RemoteState;
  /** Files that would not be in it. */
  pending: number;
  onClose: () => void;
}

/** An older server says nothing of where it would go. */
const targetOf = (api: Api, agent: AgentInfo): Promise<{ target: PullRequestTarget | null }> =>
  api.get<PullRequestTarget>(`${changesUrl(agent)}/pull-request`, SLOW).then(
    (target) => ({ target }),
    (error) => {
      if (error instanceof ApiError && error.code === 'not_found') return { target: null };
      throw error;
    },
  );

/** From where it goes into what; or why it goes nowhere. */
function Way({ value, error, loading, reload }: Resource<{ target: PullRequestTarget | null }>) {
  if (error && !loading) {
    return html`
      <${Note} tone="bad" alert>
        <span class="stack tight">
          <span>${error}</span>
          <span class="row">
            <${Button} icon="retry" onClick=${reload}>${t.common.retry}<//>
          </span>
        </span>
      <//>
    `;
  }
  if (!value) return html`<p class="hint row" role="status"><${Spinner} /> ${t.remote.looking}</p>`;
  if (!value.target) return null;
  const { head, repository, base, isFork, remote } = value.target;
  return html`
    <p class="pull-request-way">
      <bdi class="mono">${head}</bdi> → <bdi class="mono">${repository}:${base}</bdi>
      ${isFork && html`<br /><span class="hint">${t.remote.fork(remote, repository)}</span>`}
    </p>
  `;
}

/** Asks for the words of a pull request, then pushes the branch and opens it. */
export default function PullRequestDialog({ agent, changes, remote, pending, onClose }: Props) {
  const [title, setTitle] = useState(agent.name || changes.branch);
  const [body, setBody] = useState('');
  const [draft, setDraft] = useState(false);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const { api } = useApp();
  const target = useResource(() => targetOf(api, agent), [agent.id]);
  async function submit(event: Event) {
    event.preventDefault();
    if (!title.trim()) return setError(t.remote.needTitle);
    setBusy(true);
    try {
      const repository = target.value?.target?.repository ?? '';
      await remote.openPullRequest({
        title: title.trim(),
        body: body.trim(),
        draft,
        repository,
      });
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
        <${Way} ...${target} />
        ${pending > 0 && html`<p class="hint">${t.remote.pending(pending)}</p>`}
        <${TextField} autofocus ...${titleField} />
        <${TextArea} rows=${5} ...${bodyField} />
        <${Toggle} label=${t.remote.draft} checked=${draft} onChange=${setDraft} />
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
          <${Button} type="submit" tone="primary" busy=${busy} disabled=${!target.value}>
            ${t.remote.create}
          <//>
        </div>
      </form>
    <//>
  `;
}
