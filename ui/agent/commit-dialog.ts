import { html, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { ChangedFile, Changes } from '../../core/api/workspace.ts';
import { Button, Dialog, TextArea, toast } from '../components/mod.ts';
import { useApp } from '../app.ts';
import type { Resource } from '../hooks/use-resource.ts';
import { t } from '../i18n/all.ts';
import { changesUrl, SLOW } from './changes-actions.ts';

interface Props {
  agent: AgentInfo;
  /** What is not committed yet. */
  files: readonly ChangedFile[];
  loaded: Resource<Changes>;
  onClose: () => void;
}

/** Commits the chosen files. */
export function CommitDialog({ agent, files, loaded, onClose }: Props) {
  const { api } = useApp();
  const [message, setMessage] = useState(() => suggestion(agent, files));
  const [excluded, setExcluded] = useState<ReadonlySet<string>>(new Set());
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const chosen = files.filter((file) => !excluded.has(file.path));
  const toggle = (name: string) =>
    setExcluded((old) => new Set(old.has(name) ? [...old].filter((entry) => entry !== name) : [...old, name]));
  async function commit(event: Event) {
    event.preventDefault();
    if (!message.trim()) return setError(t.changes.needMessage);
    setBusy(true);
    try {
      const body = { message: message.trim(), ...(excluded.size ? { paths: chosen.map((file) => file.path) } : {}) };
      loaded.set((await api.post<{ changes: Changes }>(`${changesUrl(agent)}/commit`, body, SLOW)).changes);
      toast(t.changes.committed);
      onClose();
    } catch (refused) {
      setBusy(false);
      setError((refused as Error).message);
    }
  }
  const items = files.map((file) => {
    const isChosen = !excluded.has(file.path);
    return html`<${FileCheck} key=${file.path} file=${file} checked=${isChosen} onChange=${() => toggle(file.path)} />`;
  });
  const field = { label: t.changes.message, value: message, error, onInput: setMessage };
  return html`
    <${Dialog} title=${t.changes.commitTitle(chosen.length)} onClose=${onClose}>
      <form class="stack" onSubmit=${commit}>
        <${TextArea} rows=${2} autofocus ...${field} />
        <ul class="check-list">${items}</ul>
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
          <${Button} type="submit" tone="primary" busy=${busy} disabled=${!chosen.length}>${t.changes.commit}<//>
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

function FileCheck({ file, checked, onChange }: { file: ChangedFile; checked: boolean; onChange: () => void }) {
  return html`
    <li>
      <label>
        <input type="checkbox" checked=${checked} disabled=${!file.addressable} onChange=${onChange} />
        <span class="mono"><bdi>${file.path}</bdi></span>
      </label>
    </li>
  `;
}
