import { DEFAULT_PROVIDER } from '../../core/api/providers.ts';
import { html, useState } from '../html.ts';
import type { PipelineStatus, Task } from '../../core/api/tasks.ts';
import { Button, EmptyState, Menu, PageHead, Pill, Skeleton, Spinner, toastError } from '../components/mod.ts';
import type { MenuItem } from '../components/menu.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { useApp, useStore } from '../app.ts';
import { PipelineForm } from '../forms/pipeline-form.ts';
import { type TaskDraft, TaskForm } from '../forms/task-form.ts';
import { TaskCard, TONES } from './task-card.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

const EMPTY_DRAFT: TaskDraft = {
  name: '',
  prompt: '',
  directory: '',
  provider: DEFAULT_PROVIDER,
  order: 0,
  [INSTRUCTIONS_FIELD]: '',
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
  const add = () => setDraft(draftAfter(tasks.at(-1)));
  const none = html`
    <${EmptyState} icon="tasks" title=${t.tasks.empty} text=${t.tasks.emptyText}>
      <${Button} tone="primary" icon="plus" onClick=${add}>${t.tasks.add}<//>
    <//>
  `;
  return html`
    <div class="page">
      <${PageHead} title=${t.tasks.title}>
        <${PageMenu} onConfigure=${() => setConfiguring(true)} />
        ${tasks.length > 0 && html`<${Button} icon="plus" onClick=${add}>${t.tasks.addShort}<//>`}
        ${tasks.length > 0 && pipeline && html`<${StartButton} running=${pipeline.running} />`}
      <//>
      ${!loaded && html`<${Skeleton} lines=${5} />`}
      ${loaded && !tasks.length && none}
      ${tasks.length > 0 && pipeline && html`<${Progress} tasks=${tasks} pipeline=${pipeline} />`}
      <${Steps} tasks=${tasks} orders=${orders} edit=${setDraft} />
      ${draft && html`<${TaskForm} draft=${draft} orders=${orders} onClose=${() => setDraft(null)} />`}
      ${configuring && html`<${PipelineForm} onClose=${() => setConfiguring(false)} />`}
    </div>
  `;
}

/** A new task goes behind the last one, in the same directory. */
const draftAfter = (last: Task | undefined): TaskDraft =>
  last ? { ...EMPTY_DRAFT, directory: last.directory, provider: last.provider, order: last.order + 1 } : EMPTY_DRAFT;

function PageMenu({ onConfigure }: { onConfigure: () => void }) {
  const { api } = useApp();
  const clear = () => void api.post('/api/tasks/actions/clear-completed').catch(toastError);
  const items: MenuItem[] = [
    { label: t.tasks.configure, icon: 'settings', onSelect: onConfigure },
    { label: t.tasks.clear, icon: 'trash', onSelect: clear },
  ];
  return html`<${Menu} label=${t.tasks.pageMenu} items=${items} />`;
}

function StartButton({ running }: { running: boolean }) {
  const { api } = useApp();
  const [busy, setBusy] = useState(false);
  function toggle() {
    setBusy(true);
    void api.post(`/api/tasks/meta/${running ? 'stop' : 'start'}`).catch(toastError).finally(() => setBusy(false));
  }
  const tone = running ? 'plain' : 'primary';
  return html`
    <${Button} tone=${tone} icon=${running ? 'pause' : 'play'} busy=${busy} onClick=${toggle}>
      ${running ? t.tasks.stop : t.tasks.start}
    <//>
  `;
}

function Progress({ tasks, pipeline }: { tasks: readonly Task[]; pipeline: PipelineStatus }) {
  const { running, text } = pipeline;
  const done = tasks.filter((task) => task.status === 'completed' || task.status === 'skipped').length;
  const label = t.tasks.progress(done, tasks.length);
  const parts = tasks.map((task) => html`<span key=${task.id} class=${TONES[task.status]}></span>`);
  return html`
    <section class="card pipeline" aria-label=${t.tasks.title}>
      <div class="row">
        <${Pill} tone=${running ? 'info' : 'neutral'}>
          ${running && html`<${Spinner} />`}
          ${running ? t.tasks.running : t.tasks.paused}
        <//>
        <span class="hint">${label}</span>
      </div>
      <div
        class="meter"
        role="meter"
        aria-valuemin="0"
        aria-valuemax=${tasks.length}
        aria-valuenow=${done}
        aria-label=${label}
      >
        ${parts}
      </div>
      ${text && html`<${Note} tone="warn">${text}<//>`}
    </section>
  `;
}

interface StepsProps {
  tasks: readonly Task[];
  orders: readonly number[];
  edit: (draft: TaskDraft) => void;
}

function Steps({ tasks, orders, edit }: StepsProps) {
  const steps = orders.map((order, i) => {
    const own = tasks.filter((task) => task.order === order);
    return html`<${Step} key=${order} number=${i + 1} tasks=${own} edit=${edit} />`;
  });
  return html`<ol class="steps">${steps}</ol>`;
}

function Step({ number, tasks, edit }: { number: number; tasks: readonly Task[]; edit: (draft: TaskDraft) => void }) {
  const cards = tasks.map((task) => html`<${TaskCard} key=${task.id} task=${task} edit=${edit} />`);
  return html`
    <li class="step">
      <h2>
        <span class="step-number" aria-hidden="true">${number}</span>
        <span class="sr-only">${t.tasks.step(number)}</span>
        ${tasks.length > 1 && html`<span class="hint">${t.tasks.parallel(tasks.length)}</span>`}
      </h2>
      <div class="step-tasks">${cards}</div>
    </li>
  `;
}
