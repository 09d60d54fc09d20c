import { html, useState } from '../html.ts';
import type { AgentFlags, ProviderName, Task } from '../../core/wire/types.ts';
import { Button, Dialog, Icon, Segments, SelectField, TextArea, TextField, Toggle } from '../components/mod.ts';
import { BrowseButton } from '../components/folder-picker.ts';
import { t } from '../i18n/en.ts';
import { w } from '../i18n/en-workshop.ts';
import { path } from '../route.ts';
import { api, store, useStore } from '../services.ts';
import { change } from '../store.ts';

export interface TaskDraft {
  id?: string;
  name: string;
  prompt: string;
  directory: string;
  provider: ProviderName;
  order: number;
  claudeMd: string;
  flags: AgentFlags;
}

export const PROVIDER_OPTIONS = (['claude', 'codex'] as const).map((value) => ({ value, label: t.provider[value]! }));

interface Props {
  draft: TaskDraft;
  /** The orders that exist, ascending. */
  orders: readonly number[];
  onClose: () => void;
}

/** One task: what is to be done, where, by whom and when. */
export function TaskForm({ draft, orders, onClose }: Props) {
  const [form, setForm] = useState(draft);
  const [error, setError] = useState<{ field: string; text: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const set = (part: Partial<TaskDraft>) => {
    setForm((old) => ({ ...old, ...part }));
    setError(null);
  };
  const setFlags = (part: AgentFlags) => set({ flags: { ...form.flags, ...part } });
  const at = (field: string) => (error?.field === field ? error.text : '');
  async function save(event: Event) {
    event.preventDefault();
    if (!form.name.trim()) return setError({ field: 'name', text: w.tasks.needName });
    if (!form.prompt.trim()) return setError({ field: 'prompt', text: w.tasks.needPrompt });
    setBusy(true);
    try {
      const { id, ...body } = form;
      const task = id ? await api.put<Task>(path`/api/tasks/${id}`, body) : await api.post<Task>('/api/tasks', body);
      store.set(change(store.get(), { type: 'task', task }));
      onClose();
    } catch (refused) {
      setBusy(false);
      const text = (refused as Error).message;
      setError({ field: /^"(\w+)"/.exec(text)?.[1] ?? 'form', text });
    }
  }
  return html`
    <${Dialog} title=${draft.id ? w.tasks.formEdit : w.tasks.formNew} size="wide" onClose=${onClose}>
      <form class="stack" onSubmit=${save} novalidate>
          ${at('form') &&
            html`<p class="note bad" role="alert"><${Icon} name="error" size=${18} /><span>${at('form')}</span></p>`}
          <${TextField} label=${w.tasks.name} value=${form.name} error=${at('name')} maxlength="200" onInput=${(
            name: string,
          ) => set({ name })} autofocus />
          <${TextArea} label=${w.tasks.prompt} class="input some" rows=${4} value=${form.prompt} error=${at(
            'prompt',
          )} onInput=${(
            prompt: string,
          ) => set({ prompt })} />
          <${FolderRow} label=${w.tasks.directory} hint=${w.tasks.directoryHint} value=${form.directory} error=${at(
            'directory',
          )}
            onInput=${(directory: string) => set({ directory })} />
          <div class="pair"><${StepField} order=${form.order} orders=${orders} onChange=${(order: number) =>
            set({ order })} />
            <${TextField} label=${w.tasks.model} optional value=${form.flags.model ?? ''} error=${at(
              'model',
            )} onInput=${(model: string) => setFlags({ model: model.trim() || undefined })} /></div>
          <div class="field"><span class="label">${w.tasks.provider}</span><div><${Segments} label=${w.tasks
            .provider} value=${form.provider}
            options=${PROVIDER_OPTIONS} onChange=${(provider: string) =>
              set({ provider: provider as ProviderName })} /></div></div>
          <${TemplateField} onPick=${(claudeMd: string) => set({ claudeMd })} />
          <${TextArea} label=${w.tasks.instructions} hint=${w.tasks
            .instructionsHint} class="input some" optional rows=${2} value=${form.claudeMd} error=${at('claudeMd')}
            onInput=${(claudeMd: string) => set({ claudeMd })} />
          <div><${Toggle} label=${w.tasks.worktree} hint=${w.tasks
            .worktreeHint} checked=${form.flags.worktree !== false}
            onChange=${(on: boolean) => setFlags({ worktree: on })} />
            <${Toggle} label=${w.tasks.skipPermissions} hint=${w.tasks.skipHint} checked=${!!form.flags
              .dangerouslySkipPermissions}
            onChange=${(on: boolean) => setFlags({ dangerouslySkipPermissions: on })} /></div>
          ${form.flags.dangerouslySkipPermissions &&
            html`<p class="note warn" role="alert"><${Icon} name="warning" size=${18} />
        <span>${w.tasks.skipWarning}</span></p>`}
          <div class="row end"><${Button} onClick=${onClose}>${t.common.cancel}<//>
            <${Button} type="submit" tone="primary" busy=${busy}>${t.common.save}<//></div>
        </form><//>
  `;
}

interface FolderRowProps {
  label: string;
  hint?: string;
  value: string;
  error?: string;
  onInput: (value: string) => void;
}

/** A folder's path with the button that browses. */
export function FolderRow({ value, onInput, ...field }: FolderRowProps) {
  return html`
    <div class="folder-row">
      <${TextField} ...${field} class="input mono" value=${value} onInput=${onInput}
        autocapitalize="off" spellcheck=${false} />
      <${BrowseButton} value=${value} onPick=${onInput} />
    </div>
  `;
}

/** Steps are numbered for people; `order` is what the server knows. */
function StepField(
  { order, orders, onChange }: { order: number; orders: readonly number[]; onChange: (order: number) => void },
) {
  const next = (orders.at(-1) ?? -1) + 1;
  const known = orders.map((value, i) => ({ value: String(value), label: w.tasks.step(i + 1) }));
  const options = [...known, { value: String(next), label: orders.length ? w.tasks.newStep : w.tasks.step(1) }];
  return html`<${SelectField} label=${w.tasks.stepField} value=${String(order)} options=${options} onChange=${(
    value: string,
  ) => onChange(Number(value))} />`;
}

/** Fills the instructions from a saved template; nothing when there is none. */
export function TemplateField({ onPick }: { onPick: (content: string) => void }) {
  const table = useStore((state) => state.templates);
  const templates = Object.values(table).sort((a, b) => a.name.localeCompare(b.name));
  if (!templates.length) return null;
  const options = [
    { value: '', label: w.tasks.chooseTemplate },
    ...templates.map(({ id, name }) => ({ value: id, label: name })),
  ];
  return html`<${SelectField} label=${w.tasks.template} value="" options=${options} onChange=${(id: string) =>
    id && onPick(table[id]!.content)} />`;
}
