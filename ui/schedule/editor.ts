import { type ScheduleEntry } from '../../core/api/schedule.ts';
import { useApp } from '../app.ts';
import { Button, Dialog, Segments, SelectField, TextArea, TextField } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { DirectoryRow } from '../forms/directory-row.ts';
import { ProviderField } from '../forms/provider-field.ts';
import { TemplateField } from '../forms/template-field.ts';
import { type FieldsProps, useForm } from '../forms/use-form.ts';
import { html } from '../html.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';
import { bodyOf, CRON_LINES, type ScheduleForm } from './form.ts';

interface Props {
  draft: ScheduleForm;
  onSaved: () => void;
  onClose: () => void;
}

/** What is to be begun, and when. */
export function ScheduleEditor({ draft, onSaved, onClose }: Props) {
  const { form, set, errorAt, busy, save } = useScheduleForm(draft, onSaved);
  const s = t.schedule;
  const kinds = [{ value: 'agent', label: s.agent }, { value: 'pipeline', label: s.pipeline }];
  const failure = errorAt('');
  const fields = { form, set, errorAt };
  return html`
    <${Dialog} title=${draft.id ? s.edit : s.add} size="wide" onClose=${onClose}>
      <form class="stack" onSubmit=${save} novalidate>
        ${failure && html`<${Note} tone="bad" alert>${failure}<//>`}
        <${TextField}
          label=${s.name}
          value=${form.name}
          error=${errorAt('name')}
          maxlength="200"
          onInput=${(name: string) => set({ name })}
          autofocus
        />
        <${WhenFields} ...${fields} />
        <${Segments}
          label=${s.what}
          value=${form.what}
          options=${kinds}
          onChange=${(what: ScheduleForm['what']) => set({ what })}
        />
        ${form.what === 'agent' && html`<${AgentFields} ...${fields} />`}
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
          <${Button} type="submit" tone="primary" busy=${busy}>${t.common.save}<//>
        </div>
      </form>
    <//>
  `;
}

function useScheduleForm(draft: ScheduleForm, onSaved: () => void) {
  const { api } = useApp();
  const check = ({ name, isOnce, at }: ScheduleForm) =>
    !name.trim()
      ? { field: 'name', text: t.schedule.needName }
      : isOnce && !at
      ? { field: 'at', text: t.schedule.needTime }
      : null;
  const send = (form: ScheduleForm) =>
    form.id
      ? api.put<ScheduleEntry>(path`/api/schedule/${form.id}`, bodyOf(form))
      : api.post<ScheduleEntry>('/api/schedule', bodyOf(form));
  return useForm({ draft, fields: FIELDS, check, send, onSaved });
}

/** Fields that show their own errors. */
const FIELDS = new Set(['name', 'at', 'cron', 'directory', 'prompt', 'model']);

function WhenFields({ form, set, errorAt }: FieldsProps<ScheduleForm>) {
  const s = t.schedule;
  const rhythms = [{ value: 'again', label: s.again }, { value: 'once', label: s.once }];
  const lines = [...CRON_LINES.map((line) => ({ value: line as string, label: s.lines[line] })), {
    value: '',
    label: s.ownLine,
  }];
  const known = (CRON_LINES as readonly string[]).includes(form.cron) ? form.cron : '';
  return html`
    <${Segments}
      label=${s.rhythm}
      value=${form.isOnce ? 'once' : 'again'}
      options=${rhythms}
      onChange=${(chosen: string) => set({ isOnce: chosen === 'once' })}
    />
    ${form.isOnce && html`
      <${TextField}
        label=${s.at}
        type="datetime-local"
        value=${form.at}
        error=${errorAt('at')}
        onInput=${(at: string) => set({ at })}
      />
    `}
    ${!form.isOnce && html`
      <${SelectField}
        label=${s.often}
        value=${known}
        options=${lines}
        onChange=${(line: string) => line && set({ cron: line })}
      />
      <${TextField}
        label=${s.cron}
        hint=${s.cronHint}
        class="input mono"
        value=${form.cron}
        error=${errorAt('cron')}
        onInput=${(cron: string) => set({ cron })}
      />
    `}
  `;
}

function AgentFields({ form, set, errorAt }: FieldsProps<ScheduleForm>) {
  const s = t.schedule;
  return html`
    <${TextArea}
      label=${s.prompt}
      class="input some"
      rows=${4}
      value=${form.prompt}
      error=${errorAt('prompt')}
      onInput=${(prompt: string) => set({ prompt })}
    />
    <${DirectoryRow}
      label=${t.create.directory}
      value=${form.directory}
      error=${errorAt('directory')}
      onInput=${(directory: string) => set({ directory })}
    />
    <${ProviderField}
      label=${t.settings.provider}
      value=${form.provider}
      onChange=${(provider: string) => set({ provider })}
    />
    <${TextField}
      label=${t.settings.model}
      hint=${t.settings.modelHint}
      value=${form.model}
      error=${errorAt('model')}
      onInput=${(model: string) => set({ model })}
    />
    <${TemplateField}
      label=${s.template}
      prompt=${form[INSTRUCTIONS_FIELD] ? s.templateKept : s.noTemplate}
      onPick=${(content: string) => set({ [INSTRUCTIONS_FIELD]: content })}
    />
  `;
}
