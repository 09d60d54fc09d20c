import { html, useState } from '../html.ts';
import type { PipelineStatus, Task, TaskStatus } from '../../core/wire/types.ts';
import {
  Button,
  confirm,
  EmptyState,
  Icon,
  LinkButton,
  Menu,
  PageHead,
  Pill,
  Skeleton,
  Spinner,
  TimeAgo,
  toast,
  toastError,
} from '../components/mod.ts';
import { w } from '../i18n/en-workshop.ts';
import { path } from '../route.ts';
import { api, store, useStore } from '../services.ts';
import { PipelineForm } from './pipeline-form.ts';
import { type TaskDraft, TaskForm } from './task-form.ts';

const TONES: Record<TaskStatus, string> = {
  pending: 'neutral',
  running: 'info',
  waiting_input: 'warn',
  completed: 'good',
  failed: 'bad',
  skipped: 'neutral',
  blocked: 'neutral',
};

const EMPTY_DRAFT: TaskDraft = {
  name: '',
  prompt: '',
  directory: '',
  provider: 'claude',
  order: 0,
  claudeMd: '',
  flags: {},
};

/** The pipeline: steps of tasks, and the manager that runs them. */
export default function Tasks() {
  const table = useStore((state) => state.tasks);
  const pipeline = useStore((state) => state.pipeline);
  const loaded = useStore((state) => state.loaded);
  const [draft, setDraft] = useState<TaskDraft | null>(null);
  const [configuring, setConfiguring] = useState(false);
  const tasks = Object.values(table).sort((a, b) => a.order - b.order || a.createdAt - b.createdAt);
  const orders = [...new Set(tasks.map((task) => task.order))];
  const add = () => {
    const last = tasks.at(-1);
    const { directory, provider } = last ?? EMPTY_DRAFT;
    setDraft({ ...EMPTY_DRAFT, directory, provider, order: last ? last.order + 1 : 0 });
  };
  return html`
    <div class="page">
      <${PageHead} title=${w.tasks.title}>
        <${Menu} label=${w.tasks.pageMenu} items=${[
          { label: w.tasks.configure, icon: 'settings', onSelect: () => setConfiguring(true) },
          {
            label: w.tasks.clear,
            icon: 'trash',
            onSelect: () => void api.post('/api/tasks/actions/clear-completed').catch(toastError),
          },
        ]} />
        <${Button} icon="plus" onClick=${add}>${w.tasks.addShort}<//>
          ${tasks.length > 0 && pipeline && html`<${StartButton} pipeline=${pipeline} />`}
        <//>
        ${!loaded && html`<${Skeleton} lines=${5} />`}
        ${loaded && !tasks.length && html`
          <${EmptyState} icon="tasks" title=${w.tasks.empty} text=${w.tasks.emptyText}>
            <${Button} tone="primary" icon="plus" onClick=${add}>${w.tasks.add}<//><//>
        `}
        ${tasks.length > 0 && pipeline && html`<${Progress} tasks=${tasks} pipeline=${pipeline} />`}
        <ol class="steps">${orders.map((order, i) =>
          html`
            <${Step} key=${order} number=${i + 1} tasks=${tasks.filter((task) => task.order === order)}
              edit=${setDraft} />
          `
        )}</ol>
        ${draft && html`<${TaskForm} draft=${draft} orders=${orders} onClose=${() => setDraft(null)} />`}
        ${configuring && html`<${PipelineForm} onClose=${() => setConfiguring(false)} />`}
      </div>
  `;
}

function StartButton({ pipeline: { running } }: { pipeline: PipelineStatus }) {
  const [busy, setBusy] = useState(false);
  const act = () => {
    setBusy(true);
    void api.post(`/api/tasks/meta/${running ? 'stop' : 'start'}`).catch(toastError).finally(() => setBusy(false));
  };
  return html`<${Button} tone=${running ? 'plain' : 'primary'} icon=${
    running ? 'pause' : 'play'
  } busy=${busy} onClick=${act}>
    ${running ? w.tasks.stop : w.tasks.start}<//>`;
}

function Progress({ tasks, pipeline }: { tasks: readonly Task[]; pipeline: PipelineStatus }) {
  const done = tasks.filter((task) => task.status === 'completed' || task.status === 'skipped').length;
  const label = w.tasks.progress(done, tasks.length);
  return html`
    <section class="card pipeline" aria-label=${w.tasks.title}>
      <div class="row">
        <${Pill} tone=${pipeline.running ? 'info' : 'neutral'}>${pipeline.running && html`<${Spinner} />`}
          ${pipeline.running ? w.tasks.running : w.tasks.paused}<//><span class="hint">${label}</span></div>
        <div class="meter" role="meter" aria-valuemin="0" aria-valuemax=${tasks
          .length} aria-valuenow=${done} aria-label=${label}>
          ${tasks.map((task) => html`<span key=${task.id} class=${TONES[task.status]}></span>`)}</div>
        ${pipeline.text &&
          html`<p class="note warn"><${Icon} name="warning" size=${18} /><span>${pipeline.text}</span></p>`}
      </section>
  `;
}

function Step({ number, tasks, edit }: { number: number; tasks: readonly Task[]; edit: (draft: TaskDraft) => void }) {
  return html`
    <li class="step">
      <h2><span class="step-number" aria-hidden="true">${number}</span><span class="sr-only">${w.tasks.step(
        number,
      )}</span>
          ${tasks.length > 1 && html`<span class="hint">${w.tasks.parallel(tasks.length)}</span>`}</h2>
      <div class="step-tasks">${tasks.map((task) =>
        html`<${TaskCard} key=${task.id} task=${task} edit=${edit} />`
      )}</div>
    </li>
  `;
}

/** Resets or skips a task. While the pipeline is not running that begins nothing by itself. */
function act(id: string, action: 'reset' | 'skip'): void {
  void api.post(`${path`/api/tasks/${id}`}/${action}`).then(() => {
    if (action === 'reset' && !store.get().pipeline?.running) toast(w.tasks.backInLine);
  }, toastError);
}

async function remove({ id, name }: Task) {
  const { removeTitle: title, removeText, remove: action } = w.tasks;
  if (!(await confirm({ title, text: removeText(name), action, tone: 'danger' }))) return;
  await api.delete(path`/api/tasks/${id}`).catch(toastError);
}

function menuOf(task: Task, edit: (draft: TaskDraft) => void) {
  const { status } = task;
  const isActive = status === 'running' || status === 'waiting_input';
  const isOver = status === 'completed' || status === 'skipped' || status === 'failed';
  const { name, prompt, directory, provider, order, claudeMd, flags } = task;
  const canEdit = status === 'pending' || status === 'blocked' || status === 'failed';
  return [
    ...(canEdit ? [{ label: w.tasks.edit, icon: 'edit' as const, onSelect: () => edit(task) }] : []),
    {
      label: w.tasks.duplicate,
      icon: 'copy' as const,
      onSelect: () => edit({ name, prompt, directory, provider, order, claudeMd, flags }),
    },
    ...(isOver && status !== 'failed'
      ? [{ label: w.tasks.again, icon: 'retry' as const, onSelect: () => act(task.id, 'reset') }]
      : []),
    ...(!isActive && !isOver
      ? [{ label: w.tasks.skip, icon: 'chevron' as const, onSelect: () => act(task.id, 'skip') }]
      : []),
    {
      label: w.tasks.remove,
      icon: 'trash' as const,
      tone: 'danger' as const,
      disabled: isActive,
      onSelect: () => void remove(task),
    },
  ];
}

function TaskCard({ task, edit }: { task: Task; edit: (draft: TaskDraft) => void }) {
  const { status, agentId, error, attempts } = task;
  const hasAgent = useStore((state) => !!agentId && agentId in state.agents);
  const since = task.endedAt ?? task.startedAt;
  return html`<article class=${`card task ${status}`}>
    <header class="task-head"><h3 dir="auto">${task.name}</h3><${Menu} label=${w.tasks.menu} items=${
    menuOf(task, edit)
  } /></header>
    <p class="preview" dir="auto">${task.prompt.trim().slice(0, 300)}</p>
    ${error && html`<p class="note bad"><${Icon} name="error" size=${18} /><span>${error}</span></p>`}
    <div class="row"><${Pill} tone=${TONES[status]}>${status === 'running' && html`<${Spinner} />`}${
    w.tasks.status[status]
  }<//>
      ${task.flags.dangerouslySkipPermissions && html`<${Pill} tone="warn">${w.tasks.skipsShort}<//>`}
      <span class="hint">${attempts > 1 && `${w.tasks.attempt(attempts)} · `}${
    since && html`<${TimeAgo} at=${since} />`
  }</span>
      <span class="grow"></span>
      ${
    status === 'failed' && html`<${Button} class="small" onClick=${() => act(task.id, 'skip')}>${w.tasks.skip}<//>
        <${Button} class="small" icon="retry" onClick=${() => act(task.id, 'reset')}>${w.tasks.retry}<//>`
  }
      ${
    hasAgent &&
    html`<${LinkButton} class=${`button small ${
      status === 'waiting_input' ? 'primary' : ''
    }`} to=${path`/agents/${agentId!}`}>
        ${w.tasks.openAgent}<//>`
  }</div>
  </article>`;
}
