/** A file that may be committed: as a whole, or once it is opened, some of its hunks. */
import { html, useEffect, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { FileDiff } from '../../core/api/messages.ts';
import type { ChangedFile } from '../../core/api/workspace.ts';
import { DiffView, IconButton, Skeleton } from '../components/mod.ts';
import type { LineExtras } from '../components/diff.ts';
import { LoadFailed } from '../components/load-failed.ts';
import { useApp } from '../app.ts';
import { useResource } from '../hooks/use-resource.ts';
import { t } from '../i18n/all.ts';
import { changesUrl } from './changes-actions.ts';
import { type FileChoice, isChosen, keepShown, toggleHunk } from './commit-choice.ts';

interface Props {
  agent: AgentInfo;
  file: ChangedFile;
  choice: FileChoice;
  onChange: (next: (choice: FileChoice) => FileChoice) => void;
  /** Why its hunks are looked at: another reason, again. */
  reason: string;
}

export function CommitFile(props: Props) {
  const { file, choice, onChange } = props;
  const [open, setOpen] = useState(false);
  const canOpen = file.addressable && !file.binary;
  const isPart = typeof choice !== 'string';
  const toggle = () => onChange((old) => old === 'all' ? 'none' : 'all');
  const box = { checked: choice === 'all', indeterminate: isPart, onChange: toggle };
  const button = { label: open ? t.changes.hideHunks(file.path) : t.changes.chooseHunks(file.path) };
  return html`
    <li class="commit-file">
      <div class="row nowrap">
        <label class="grow">
          <input type="checkbox" ...${box} />
          <span class="mono"><bdi>${file.path}</bdi></span>
          ${isPart && html`<span class="hint">${t.changes.hunks(choice.ids.size, choice.total)}</span>`}
        </label>
        ${canOpen && html`
          <${IconButton} icon="chevron" aria-expanded=${open} ...${button} onClick=${() => setOpen(!open)} />
        `}
      </div>
      ${open && html`<${Hunks} ...${props} />`}
    </li>
  `;
}

function Hunks({ agent, file, choice, onChange, reason }: Props) {
  const { api } = useApp();
  const query = new URLSearchParams({ path: file.path, from: 'commit' });
  const load = () => api.get<FileDiff>(`${changesUrl(agent)}/file?${query}`);
  const { value: diff, error, reload } = useResource(load, [agent.id, file.path, reason]);
  const ids = diff?.hunks.flatMap(({ id }) => id ?? []) ?? [];
  useEffect(() => {
    if (diff) onChange((old) => keepShown(old, ids));
  }, [diff]);
  if (!diff) return error ? html`<${LoadFailed} error=${error} reload=${reload} />` : html`<${Skeleton} lines=${3} />`;
  if (!ids.length) return html`<p class="hint">${t.changes.wholeOnly}</p>`;
  const extras: LineExtras = {
    head(hunk) {
      const { id = '' } = hunk;
      const lines = t.changes.hunkLines(hunk.newStart, hunk.newStart + Math.max(0, hunk.newLines - 1));
      const click = () => onChange((old) => toggleHunk(old, ids, id));
      return html`
        <label class="hunk-choice">
          <input type="checkbox" checked=${isChosen(choice, id)} onChange=${click} />
          <span>${lines}</span>
        </label>
      `;
    },
  };
  return html`<${DiffView} diff=${diff} extras=${extras} />`;
}
