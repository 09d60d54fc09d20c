import { html, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { ChangedFile, Changes } from '../../core/api/workspace.ts';
import { Button, Dialog, TextArea, toast } from '../components/mod.ts';
import { useApp } from '../app.ts';
import type { Resource } from '../hooks/use-resource.ts';
import { t } from '../i18n/all.ts';
import { ApiError } from '../net/api.ts';
import { changesUrl, SLOW } from './changes-actions.ts';
import { choiceOf, type Choices, chosenParts, type FileChoice, withChoice } from './commit-choice.ts';
import { CommitFile } from './commit-file.ts';

interface Props {
  agent: AgentInfo;
  /** What is not committed yet. */
  files: readonly ChangedFile[];
  loaded: Resource<Changes>;
  onClose: () => void;
}

/** Commits the chosen files, or of some only the chosen hunks. */
export default function CommitDialog({ agent, files, loaded, onClose }: Props) {
  const { api } = useApp();
  const [message, setMessage] = useState(() => suggestion(agent, files));
  const [choices, setChoices] = useState<Choices>(new Map());
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const [refusals, setRefusals] = useState(0);
  const count = files.filter((file) => choiceOf(choices, file.path) !== 'none').length;
  async function commit(event: Event) {
    event.preventDefault();
    if (!message.trim()) return setError(t.changes.needMessage);
    setBusy(true);
    try {
      const body = { message: message.trim(), ...chosenParts(files, choices) };
      loaded.set((await api.post<{ changes: Changes }>(`${changesUrl(agent)}/commit`, body, SLOW)).changes);
      toast(t.changes.committed);
      onClose();
    } catch (refused) {
      setBusy(false);
      setError((refused as Error).message);
      // What is shown is old then.
      if (refused instanceof ApiError && refused.code === 'changed') setRefusals(refusals + 1);
    }
  }
  const items = files.map((file) => {
    const onChange = (next: (choice: FileChoice) => FileChoice) =>
      setChoices((old) => withChoice(old, file.path, next(choiceOf(old, file.path))));
    const choice = choiceOf(choices, file.path);
    const props = { agent, file, choice, onChange, reason: `${agent.stateSince} ${refusals}` };
    return html`<${CommitFile} key=${file.path} ...${props} />`;
  });
  const field = { label: t.changes.message, value: message, error, onInput: setMessage };
  return html`
    <${Dialog} title=${t.changes.commitTitle(count)} size="wide" onClose=${onClose}>
      <form class="stack" onSubmit=${commit}>
        <${TextArea} rows=${2} autofocus ...${field} />
        <ul class="check-list">${items}</ul>
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
          <${Button} type="submit" tone="primary" busy=${busy} disabled=${!count}>${t.changes.commit}<//>
        </div>
      </form>
    <//>
  `;
}

/** Names that a suggested message says. */
const MAX_NAMES = 3;

/** What was asked for last, when the user named the agent after it; else the files. Meant to be changed. */
function suggestion({ name, directory }: AgentInfo, files: readonly ChangedFile[]): string {
  if (name && !directory.endsWith(`/${name}`)) return name;
  const names = files.slice(0, MAX_NAMES).map((file) => file.path.split('/').at(-1)!);
  return t.changes.suggestion(names, files.length - names.length);
}
