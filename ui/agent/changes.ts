import { html, useState } from '../html.ts';
import type { ChangedFile, Changes } from '../../core/api/workspace.ts';
import { Button, EmptyState, Icon, Menu, Skeleton, Spinner, toast, toastError } from '../components/mod.ts';
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
import { MergeFailed, NoChanges } from './merge-result.ts';
import { type RemoteState, update, useRemoteWork } from './remote-actions.ts';
import { RemoteView } from './remote-view.ts';
import type { TabProps } from './tab-props.ts';

const pullRequestDialog = lazy<{
  agent: TabProps['agent'];
  changes: Changes;
  remote: RemoteState;
  pending: number;
  onClose: () => void;
}>(() => import('./pull-request-dialog.ts'));
const commitDialog = lazy<{
  agent: TabProps['agent'];
  files: readonly ChangedFile[];
  loaded: Resource<Changes>;
  onClose: () => void;
}>(() => import('./commit-dialog.ts'));
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
  const remote = useRemoteWork(agent);
  const isMixed = new Set(files.map(({ committed }) => committed)).size > 1;
  const rows = files.map((file) =>
    html`<${ChangedFileRow} key=${file.path} agent=${agent} file=${file} loaded=${loaded} isMixed=${isMixed} />`
  );
  return html`
    <${Head} agent=${agent} changes=${changes} loaded=${loaded} remote=${remote} onMerge=${setFailure} />
    <${RemoteView} ...${remote} />
    ${failure && html`<${MergeFailed} agent=${agent} changes=${changes} failure=${failure} />`}
    ${agent.state === 'running' && html`<${Note}>${t.changes.busy}<//>`}
    ${text && html`<${Note}>${text}<//>`}
    ${!files.length && html`<${NoChanges} agent=${agent} />`}
    <div class="diffs">${rows}</div>
    ${truncated && html`<p class="hint">${t.changes.truncated}</p>`}
    <${LazyView} source=${commentBar} agent=${agent} />
  `;
}

interface HeadProps extends Props {
  remote: RemoteState;
  onMerge: (failure: Error | null) => void;
}

function Head({ agent, changes, loaded, remote, onMerge }: HeadProps) {
  const [committing, setCommitting] = useState(false);
  const pending = changes.files.filter((file) => !file.committed && !file.placed);
  const commit = html`
    <${Button} tone="primary" icon="check" onClick=${() => setCommitting(true)}>${t.changes.commit}<//>
  `;
  const dialog = { agent, files: pending, loaded, onClose: () => setCommitting(false) };
  const shared = { agent, changes, loaded, pending, remote };
  const canUpdate = agent.worktree !== null && changes.behind > 0;
  const why = html`<p class="hint" id=${NOT_MERGEABLE}>${t.changes.commitFirst(baseName(changes))}</p>`;
  const canMerge = agent.worktree !== null && (changes.ahead > 0 || pending.length > 0);
  return html`
    <header class="changes-head">
      <${BranchLine} ...${shared} />
      <div class="changes-do">
        <p class="hint">${facts(changes)}</p>
        <div class="row">
          ${canUpdate && html`<${UpdateButton} ...${shared} onMerge=${onMerge} />`}
          ${pending.length > 0 && commit}
          ${canMerge && html`<${MergeButton} ...${shared} onMerge=${onMerge} />`}
        </div>
        ${canMerge && pending.length > 0 && why}
      </div>
      ${committing && html`<${LazyView} source=${commitDialog} ...${dialog} />`}
    </header>
  `;
}

interface PartProps extends Props {
  /** Files that are not committed yet. */
  pending: readonly ChangedFile[];
  remote: RemoteState;
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

function ChangesMenu({ agent, changes, loaded, pending, remote }: PartProps) {
  const { api } = useApp();
  const [asking, setAsking] = useState(false);
  const isBusy = remote.work?.state === 'running';
  const canPush = !isBusy && changes.branch !== '';
  const remoteItems: MenuItem[] = [
    { label: t.remote.push, icon: 'send', disabled: !canPush, onSelect: remote.push },
    { label: t.remote.pullRequest, icon: 'branch', disabled: !canPush, onSelect: () => setAsking(true) },
  ];
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
    ...(agent.worktree ? [...remoteItems, discardAll] : []),
  ];
  const dialog = { agent, changes, remote, pending: pending.length, onClose: () => setAsking(false) };
  return html`
    <${Menu} label=${t.changes.menu} items=${items} />
    ${asking && html`<${LazyView} source=${pullRequestDialog} ...${dialog} />`}
  `;
}

/** Of the sentence that says why it cannot be merged now. */
const NOT_MERGEABLE = 'not-mergeable';

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
  const why = isMergeable ? undefined : NOT_MERGEABLE;
  return html`
    <${Button}
      tone=${tone}
      busy=${busy}
      disabled=${!isMergeable}
      aria-describedby=${why}
      onClick=${() => void click()}
    >
      ${t.changes.merge(baseName(changes))}
    <//>
  `;
}

/** Brings the base's commits into the branch. */
function UpdateButton({ agent, changes, loaded, onMerge }: MergeProps) {
  const { api } = useApp();
  const [busy, setBusy] = useState(false);
  async function click() {
    setBusy(true);
    const failure = await update(api, agent, loaded);
    onMerge(failure);
    setBusy(false);
    if (!failure) toast(t.remote.updated(baseName(changes)));
  }
  return html`
    <${Button} icon="arrowDown" busy=${busy} onClick=${() => void click()}>${t.remote.update(baseName(changes))}<//>
  `;
}

function facts({ files, ahead, behind }: Changes): string {
  const parts = files.length ? [t.changes.files(files.length)] : [];
  if (files.length && files.every(({ committed }) => !committed)) parts.push(t.changes.uncommitted);
  if (ahead) parts.push(t.changes.ahead(ahead));
  if (behind) parts.push(t.changes.behind(behind));
  return parts.join(' · ');
}
