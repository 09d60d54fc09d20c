import { html } from '../html.ts';
import type { Task, TaskStatus } from '../../core/api/tasks.ts';
import { Button, confirm, LinkButton, Menu, Pill, Spinner, TimeAgo, toast, toastError } from '../components/mod.ts';
import type { MenuItem } from '../components/menu.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { serverText } from '../i18n/t.ts';
import { path } from '../route.ts';
import { useApp, useStore } from '../app.ts';
import type { App } from '../app.ts';
import type { TaskDraft } from '../forms/task-form.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

export const TONES: Record<TaskStatus, string> = {
  pending: 'neutral',
  running: 'info',
  waiting_input: 'warn',
  completed: 'good',
  failed: 'bad',
  skipped: 'neutral',
  blocked: 'neutral',
};

/** Characters of a prompt on the card. */
const MAX_PREVIEW = 300;

interface Props {
  task: Task;
  edit: (draft: TaskDraft) => void;
}

/** One task of the pipeline: what it is, how it went, what can be done with it. */
export function TaskCard({ task, edit }: Props) {
  const { status, name, prompt, error } = task;
  return html`
    <article class=${`card task ${status}`}>
      <header class="task-head">
        <h3 dir="auto">${name}</h3>
        <${TaskMenu} task=${task} edit=${edit} />
      </header>
      <p class="preview" dir="auto">${prompt.trim().slice(0, MAX_PREVIEW)}</p>
      ${error && html`<${Note} tone="bad">${serverText(error)}<//>`}
      <div class="row">
        <${TaskFacts} task=${task} />
        <span class="grow"></span>
        ${status === 'failed' && html`<${FailedActions} id=${task.id} />`}
        <${AgentLink} task=${task} />
      </div>
    </article>
  `;
}

function TaskFacts({ task }: { task: Task }) {
  const { status, attempts, flags } = task;
  const since = task.endedAt ?? task.startedAt;
  return html`
    <${Pill} tone=${TONES[status]}>
      ${status === 'running' && html`<${Spinner} />`}
      ${t.tasks.status[status]}
    <//>
    ${flags.dangerouslySkipPermissions && html`<${Pill} tone="warn">${t.tasks.skipsShort}<//>`}
    <span class="hint">
      ${attempts > 1 && `${t.tasks.attempt(attempts)} · `}
      ${since && html`<${TimeAgo} at=${since} />`}
    </span>
  `;
}

function FailedActions({ id }: { id: string }) {
  const app = useApp();
  return html`
    <${Button} class="small" onClick=${() => act(app, id, 'skip')}>${t.tasks.skip}<//>
    <${Button} class="small" icon="retry" onClick=${() => act(app, id, 'reset')}>${t.tasks.retry}<//>
  `;
}

function AgentLink({ task: { agentId, status } }: { task: Task }) {
  const hasAgent = useStore((state) => !!agentId && agentId in state.agents);
  if (!hasAgent) return null;
  const tone = status === 'waiting_input' ? 'primary' : '';
  return html`
    <${LinkButton} class=${`button small ${tone}`} to=${path`/agents/${agentId!}`}>${t.tasks.openAgent}<//>
  `;
}

function TaskMenu({ task, edit }: Props) {
  const app = useApp();
  return html`<${Menu} label=${t.tasks.menu} items=${menuOf(app, task, edit)} />`;
}

function menuOf(app: App, task: Task, edit: Props['edit']): MenuItem[] {
  const { id, status, name, prompt, directory, provider, order, flags } = task;
  const isActive = status === 'running' || status === 'waiting_input';
  const isDone = status === 'completed' || status === 'skipped';
  const canEdit = status === 'pending' || status === 'blocked' || status === 'failed';
  const copy = { name, prompt, directory, provider, order, flags, [INSTRUCTIONS_FIELD]: task[INSTRUCTIONS_FIELD] };
  const items: (MenuItem | false)[] = [
    canEdit && { label: t.tasks.edit, icon: 'edit', onSelect: () => edit(task) },
    { label: t.tasks.duplicate, icon: 'copy', onSelect: () => edit(copy) },
    isDone && { label: t.tasks.again, icon: 'retry', onSelect: () => act(app, id, 'reset') },
    (status === 'pending' || status === 'blocked') &&
    { label: t.tasks.skip, icon: 'chevron', onSelect: () => act(app, id, 'skip') },
    {
      label: t.tasks.remove,
      icon: 'trash',
      tone: 'danger',
      disabled: isActive,
      onSelect: () => void remove(app, task),
    },
  ];
  return items.filter((item) => item !== false);
}

/** Resets or skips a task. While the pipeline is not running that begins nothing by itself. */
function act({ api, store }: App, id: string, action: 'reset' | 'skip'): void {
  void api.post(`${path`/api/tasks/${id}`}/${action}`).then(() => {
    if (action === 'reset' && !store.value.pipeline?.running) toast(t.tasks.backInLine);
  }, toastError);
}

async function remove({ api }: App, { id, name }: Task): Promise<void> {
  const { removeTitle: title, removeText, remove: action } = t.tasks;
  if (!(await confirm({ title, text: removeText(name), action, tone: 'danger' }))) return;
  await api.delete(path`/api/tasks/${id}`).catch(toastError);
}
