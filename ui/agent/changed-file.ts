import { html, useEffect, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { FileDiff } from '../../core/api/messages.ts';
import type { ChangedFile, Changes } from '../../core/api/workspace.ts';
import { DiffView, Icon, IconButton, Pill, Skeleton, toastError } from '../components/mod.ts';
import { useApp } from '../app.ts';
import type { Resource } from '../hooks/use-resource.ts';
import { lazy, useLazy } from '../hooks/lazy.ts';
import { t } from '../i18n/all.ts';
import { changesUrl, discard, undoHunk } from './changes-actions.ts';

const commentedDiff = lazy<{ agent: string; diff: FileDiff; onUndo: (hunk: FileDiff['hunks'][number]) => void }>(
  () => import('./commented-diff.ts'),
);

interface Props {
  agent: AgentInfo;
  file: ChangedFile;
  loaded: Resource<Changes>;
}

/**
 * One file: its line, and its diff once it is opened.
 * @param isMixed some files are committed and some are not: each says which it is
 */
export function ChangedFileRow({ agent, file, loaded, isMixed }: Props & { isMixed: boolean }) {
  const [open, setOpen] = useState(false);
  const canDiscard = agent.worktree !== null && !file.committed && file.addressable;
  const toggle = () => setOpen(!open);
  return html`
    <div class="changed-file">
      <div class="changed-row">
        <${FileHead} file=${file} open=${open} onToggle=${toggle} />
        ${canDiscard && html`<${DiscardButton} agent=${agent} file=${file} loaded=${loaded} />`}
      </div>
      <${Tags} file=${file} isMixed=${isMixed} />
      ${open && html`<${FileDiffView} agent=${agent} file=${file} loaded=${loaded} onFail=${() => setOpen(false)} />`}
    </div>
  `;
}

function FileHead({ file, open, onToggle }: { file: ChangedFile; open: boolean; onToggle: () => void }) {
  const { path, kind, added, removed } = file;
  const canOpen = file.addressable && !file.binary;
  const expanded = canOpen ? open : undefined;
  return html`
    <button type="button" class="changed-main" aria-expanded=${expanded} disabled=${!canOpen} onClick=${onToggle}>
      <${Icon} name="chevron" size=${16} />
      <span class="diff-path" title=${path}><bdi>${path}</bdi></span>
      ${kind !== 'update' && html`<span class="faint">${t.diff[kind]}</span>`}
      ${added > 0 && html`<span class="added">+${added}</span>`}
      ${removed > 0 && html`<span class="removed">−${removed}</span>`}
    </button>
  `;
}

function DiscardButton({ agent, file, loaded }: Props) {
  const { api } = useApp();
  const click = () => void discard(api, agent, file.path, 1, loaded);
  return html`<${IconButton} icon="trash" label=${t.changes.discardFile} onClick=${click} />`;
}

function Tags({ file: { committed, placed, binary }, isMixed }: { file: ChangedFile; isMixed: boolean }) {
  const isPending = !committed && isMixed;
  if (!isPending && !placed && !binary) return null;
  return html`
    <div class="changed-tags">
      ${isPending && html`<${Pill} tone="warn">${t.changes.uncommitted}<//>`}
      ${placed && html`<${Pill}>${t.changes.placed}<//>`}
      ${binary && html`<${Pill}>${t.changes.binary}<//>`}
    </div>
  `;
}

function FileDiffView({ agent, file, loaded, onFail }: Props & { onFail: () => void }) {
  const { api } = useApp();
  const [diff, setDiff] = useState<FileDiff | null>(null);
  const commented = useLazy(commentedDiff);
  const [looked, lookAgain] = useState(0);
  // What was shown is old now: also when it was refused for that.
  const undo = (hunk: FileDiff['hunks'][number]) =>
    void undoHunk(api, agent, file.path, hunk, loaded).finally(() => lookAgain(looked + 1));
  useEffect(() => {
    const query = new URLSearchParams({ path: file.path });
    void api.get<FileDiff>(`${changesUrl(agent)}/file?${query}`).then(setDiff, (error) => {
      onFail();
      toastError(error);
    });
  }, [file.added, file.removed, file.committed, agent.stateSince, looked]);
  if (!diff) return html`<${Skeleton} lines=${3} />`;
  if (!diff.hunks.length) return html`<p class="hint changed-tags">${t.changes.noText}</p>`;
  const { View } = commented;
  return View ? html`<${View} agent=${agent.id} diff=${diff} onUndo=${undo} />` : html`<${DiffView} diff=${diff} />`;
}
