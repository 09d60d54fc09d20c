import { html } from '../html.ts';
import type { AgentFlags, ProviderName } from '../../core/api/agents.ts';
import type { Task } from '../../core/api/tasks.ts';
import { Button, Dialog, SelectField, TextArea, TextField, Toggle } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';
import { useApp } from '../app.ts';
import { DirectoryRow } from './directory-row.ts';
import { ProviderField } from './provider-field.ts';
import { TemplateField } from './template-field.ts';
import { type FieldsProps, useForm } from './use-form.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

export interface TaskDraft {
  id?: string;
  name: string;
  prompt: string;
  directory: string;
  provider: ProviderName;
  order: number;
  [INSTRUCTIONS_FIELD]: string;
  flags: AgentFlags;
}

interface Props {
  draft: TaskDraft;
  /** The orders that exist, ascending. */
  orders: readonly number[];
  onClose: () => void;
}

/** One task: what is to be done, where, by whom and when. */
export function TaskForm({ draft, orders, onClose }: Props) {
  const { form, set, errorAt, busy, save } = useTaskForm(draft, onClose);
  const failure = errorAt('');
  return html`
    <${Dialog} title=${draft.id ? t.tasks.formEdit : t.tasks.formNew} size="wide" onClose=${onClose}>
      <form class="stack" onSubmit=${save} novalidate>
        ${failure && html`<${Note} tone="bad" alert>${failure}<//>`}
        <${WorkFields} form=${form} set=${set} errorAt=${errorAt} orders=${orders} />
        <${InstructionFields} form=${form} set=${set} errorAt=${errorAt} />
        <${PermissionFields} form=${form} set=${set} />
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
          <${Button} type="submit" tone="primary" busy=${busy}>${t.common.save}<//>
        </div>
      </form>
    <//>
  `;
}

function useTaskForm(draft: TaskDraft, onSaved: () => void) {
  const { api, store } = useApp();
  const check = ({ name, prompt }: TaskDraft) =>
    !name.trim()
      ? { field: 'name', text: t.tasks.needName }
      : !prompt.trim()
      ? { field: 'prompt', text: t.tasks.needPrompt }
      : null;
  async function send({ id, ...body }: TaskDraft) {
    const task = id ? await api.put<Task>(path`/api/tasks/${id}`, body) : await api.post<Task>('/api/tasks', body);
    store.change({ type: 'task', task });
  }
  return useForm({ draft, fields: FIELDS, check, send, onSaved });
}

/** Fields that show their own errors. */
const FIELDS = new Set(['directory', 'model', 'name', 'prompt']);

function WorkFields({ form, set, errorAt, orders }: FieldsProps<TaskDraft> & { orders: readonly number[] }) {
  const setModel = (model: string) => set({ flags: { ...form.flags, model: model.trim() || undefined } });
  return html`
    <${TextField}
      label=${t.tasks.name}
      value=${form.name}
      error=${errorAt('name')}
      maxlength="200"
      onInput=${(name: string) => set({ name })}
      autofocus
    />
    <${TextArea}
      label=${t.tasks.prompt}
      class="input some"
      rows=${4}
      value=${form.prompt}
      error=${errorAt('prompt')}
      onInput=${(prompt: string) => set({ prompt })}
    />
    <${DirectoryRow}
      label=${t.tasks.directory}
      hint=${t.tasks.directoryHint}
      value=${form.directory}
      error=${errorAt('directory')}
      onInput=${(directory: string) => set({ directory })}
    />
    <div class="pair">
      <${StepField} order=${form.order} orders=${orders} onChange=${(order: number) => set({ order })} />
      <${ModelField} value=${form.flags.model ?? ''} error=${errorAt('model')} onInput=${setModel} />
    </div>
    <${ProviderField}
      label=${t.tasks.provider}
      value=${form.provider}
      onChange=${(provider: ProviderName) => set({ provider })}
    />
  `;
}

const ModelField = (props: { value: string; error: string; onInput: (model: string) => void }) =>
  html`<${TextField} label=${t.tasks.model} optional ...${props} />`;

/** Steps are numbered for people; `order` is what the server knows. */
function StepField(props: { order: number; orders: readonly number[]; onChange: (order: number) => void }) {
  const { order, orders, onChange } = props;
  const next = (orders.at(-1) ?? -1) + 1;
  const known = orders.map((value, i) => ({ value: String(value), label: t.tasks.step(i + 1) }));
  const options = [...known, { value: String(next), label: orders.length ? t.tasks.newStep : t.tasks.step(1) }];
  const choose = (value: string) => onChange(Number(value));
  return html`<${SelectField} label=${t.tasks.stepField} value=${
    String(order)
  } options=${options} onChange=${choose} />`;
}

function InstructionFields({ form, set, errorAt }: FieldsProps<TaskDraft>) {
  const setInstructions = (instructions: string) => set({ [INSTRUCTIONS_FIELD]: instructions });
  return html`
    <${TemplateField} label=${t.tasks.template} prompt=${t.tasks.chooseTemplate} onPick=${setInstructions} />
    <${TextArea}
      label=${t.tasks.instructions}
      hint=${t.tasks.instructionsHint}
      class="input some"
      optional
      rows=${2}
      value=${form[INSTRUCTIONS_FIELD]}
      error=${errorAt(INSTRUCTIONS_FIELD)}
      onInput=${setInstructions}
    />
  `;
}

function PermissionFields({ form, set }: Pick<FieldsProps<TaskDraft>, 'form' | 'set'>) {
  const { flags } = form;
  const setFlags = (part: AgentFlags) => set({ flags: { ...flags, ...part } });
  return html`
    <div>
      <${Toggle}
        label=${t.tasks.worktree}
        hint=${t.tasks.worktreeHint}
        checked=${flags.worktree !== false}
        onChange=${(worktree: boolean) => setFlags({ worktree })}
      />
      <${Toggle}
        label=${t.tasks.skipPermissions}
        hint=${t.tasks.skipHint}
        checked=${!!flags.dangerouslySkipPermissions}
        onChange=${(on: boolean) => setFlags({ dangerouslySkipPermissions: on })}
      />
    </div>
    ${flags.dangerouslySkipPermissions && html`<${Note} tone="warn" alert>${t.tasks.skipWarning}<//>`}
  `;
}
