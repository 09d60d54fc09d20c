import { html, useState } from '../html.ts';
import type { ChangedFile, Changes } from '../../core/api/workspace.ts';
import { Button, EmptyState, Icon, Menu, Skeleton, Spinner, toastError } from '../components/mod.ts';
import { LoadFailed } from '../components/load-failed.ts';
import type { MenuItem } from '../components/menu.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { serverText } from '../i18n/t.ts';
import { lazy, LazyView } from '../hooks/lazy.ts';
import { type Resource, useResource } from '../hooks/use-resource.ts';
import { useApp } from '../app.ts';
import { ChangedFileRow } from './changed-file.ts';
import { baseName, changesUrl, confirmMerge, discard, download, merge } from './changes-actions.ts';
import { CommitDialog } from './commit-dialog.ts';
import { MergeFailed, NoChanges } from './merge-result.ts';
import type { TabProps } from './tab-props.ts';

const commentBar = lazy<TabProps>(() => import('./comment-bar.ts'));

/** What the agent changed: read it, commit it, merge it, or throw it away. */
export default function ChangesTab({ agent }: TabProps) {
  const { api } = useApp();
  // A turn that ended has changed something: look again.
  const loaded = useResource(() => api.get<Changes>(changesUrl(agent)), [agent.id, agent.state, agent.stateSince]);
  const { value: changes, error } = loaded;
  return html`
    <div class="page changes">
      ${!changes && error && html`<${LoadFailed} error=${error} reload=${loaded.reload} />`}
      ${!changes && !error && html`<${Skeleton} lines=${6} />`}
      ${changes?.repository && html`<${ChangesView} agent=${agent} changes=${changes} loaded=${loaded} />`}
      ${changes && !changes.repository && html`<${NoRepository} text=${serverText(changes.text)} />`}
    </div>
  `;
}

const NoRepository = ({ text }: { text: string }) =>
  html`<${EmptyState} icon="branch" title=${t.changes.noRepository} text=${text} />`;

interface Props extends TabProps {
  changes: Changes;
  loaded: Resource<Changes>;
}

function ChangesView({ agent, changes, loaded }: Props) {
  const { files, text, truncated } = changes;
  const [failure, setFailure] = useState<Error | null>(null);
  const isMixed = new Set(files.map(({ committed }) => committed)).size > 1;
  const rows = files.map((file) =>
    html`<${ChangedFileRow} key=${file.path} agent=${agent} file=${file} loaded=${loaded} isMixed=${isMixed} />`
  );
  return html`
    <${Head} agent=${agent} changes=${changes} loaded=${loaded} onMerge=${setFailure} />
    ${failure && html`<${MergeFailed} agent=${agent} changes=${changes} failure=${failure} />`}
    ${agent.state === 'running' && html`<${Note}>${t.changes.busy}<//>`}
    ${text && html`<${Note}>${text}<//>`}
    ${!files.length && html`<${NoChanges} agent=${agent} />`}
    <div class="diffs">${rows}</div>
    ${truncated && html`<p class="hint">${t.changes.truncated}</p>`}
    <${LazyView} source=${commentBar} agent=${agent} />
  `;
}

function Head({ agent, changes, loaded, onMerge }: Props & { onMerge: (failure: Error | null) => void }) {
  const [committing, setCommitting] = useState(false);
  const pending = changes.files.filter((file) => !file.committed && !file.placed);
  const commit = html`
    <${Button} tone="primary" icon="check" onClick=${() => setCommitting(true)}>${t.changes.commit}<//>
  `;
  const dialog = html`
    <${CommitDialog} agent=${agent} files=${pending} loaded=${loaded} onClose=${() => setCommitting(false)} />
  `;
  const shared = { agent, changes, loaded, pending };
  const canMerge = agent.worktree !== null && (changes.ahead > 0 || pending.length > 0);
  return html`
    <header class="changes-head">
      <${BranchLine} ...${shared} />
      <div class="changes-do">
        <p class="hint">${facts(changes)}</p>
        <div class="row">
          ${pending.length > 0 && commit}
          ${canMerge && html`<${MergeButton} ...${shared} onMerge=${onMerge} />`}
        </div>
      </div>
      ${committing && dialog}
    </header>
  `;
}

interface PartProps extends Props {
  /** Files that are not committed yet. */
  pending: readonly ChangedFile[];
}

function BranchLine(props: PartProps) {
  const { changes, loaded } = props;
  const into = html`
    <span class="hint">${t.changes.into}</span>
    <span class="mono ellipsis">${baseName(changes)}</span>
  `;
  return html`
    <div class="changes-branch">
      <${Icon} name="branch" size=${18} />
      <span class="mono ellipsis">${changes.branch || '—'}</span>
      ${changes.base && into}
      ${loaded.loading && html`<${Spinner} />`}
      <span class="grow"></span>
      <${ChangesMenu} ...${props} />
    </div>
  `;
}

function ChangesMenu({ agent, changes, loaded, pending }: PartProps) {
  const { api } = useApp();
  const discardAll: MenuItem = {
    label: t.changes.discardAll,
    icon: 'trash',
    tone: 'danger',
    disabled: !pending.length,
    onSelect: () => void discard(api, agent, null, pending.length, loaded),
  };
  const items: MenuItem[] = [
    { label: t.changes.refresh, icon: 'retry', onSelect: loaded.reload },
    {
      label: t.changes.patch,
      icon: 'file',
      disabled: !changes.files.length,
      onSelect: () => void download(api, agent, changes).catch(toastError),
    },
    ...(agent.worktree ? [discardAll] : []),
  ];
  return html`<${Menu} label=${t.changes.menu} items=${items} />`;
}

interface MergeProps extends PartProps {
  /** Called with why it was not merged; null when it was. */
  onMerge: (failure: Error | null) => void;
}

function MergeButton({ agent, changes, loaded, pending, onMerge }: MergeProps) {
  const { api } = useApp();
  const [busy, setBusy] = useState(false);
  const isMergeable = changes.ahead > 0 && pending.length === 0;
  async function click() {
    if (!(await confirmMerge(changes))) return;
    setBusy(true);
    onMerge(await merge(api, agent, loaded));
    setBusy(false);
  }
  const tone = isMergeable ? 'primary' : 'plain';
  return html`
    <${Button} tone=${tone} busy=${busy} disabled=${!isMergeable} onClick=${() => void click()}>
      ${t.changes.merge(baseName(changes))}
    <//>
  `;
}

function facts({ files, ahead, behind }: Changes): string {
  const parts = files.length ? [t.changes.files(files.length)] : [];
  if (files.length && files.every(({ committed }) => !committed)) parts.push(t.changes.uncommitted);
  if (ahead) parts.push(t.changes.ahead(ahead));
  if (behind) parts.push(t.changes.behind(behind));
  return parts.join(' · ');
}
