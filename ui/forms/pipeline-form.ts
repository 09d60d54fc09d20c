import { html, useState } from '../html.ts';
import type { ProviderName } from '../../core/api/agents.ts';
import type { PipelineConfig } from '../../core/api/tasks.ts';
import { Button, Dialog, Skeleton, TextArea, TextField, Toggle } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { useResource } from '../hooks/use-resource.ts';
import { useApp } from '../app.ts';
import { DirectoryRow } from './directory-row.ts';
import { ProviderField } from './provider-field.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

const URL = '/api/tasks/meta/config';
const MINUTE = 60_000;

/** What holds for all tasks of the pipeline. */
export function PipelineForm({ onClose }: { onClose: () => void }) {
  const { api } = useApp();
  const { value, error } = useResource(() => api.get<PipelineConfig>(URL), []);
  return html`
    <${Dialog} title=${t.tasks.config.title} size="wide" onClose=${onClose}>
      ${error && html`<${Note} tone="bad" alert>${error}<//>`}
      ${!value && !error && html`<${Skeleton} lines=${6} />`}
      ${value && html`<${Form} config=${value} onClose=${onClose} />`}
    <//>
  `;
}

function Form({ config, onClose }: { config: PipelineConfig; onClose: () => void }) {
  const { api } = useApp();
  const [form, setForm] = useState(config);
  const [minutes, setMinutes] = useState(String(Math.round(config.stuckTimeoutMs / MINUTE * 10) / 10));
  const [error, setError] = useState('');
  const set = (part: Partial<PipelineConfig>) => setForm((old) => ({ ...old, ...part }));
  async function save(event: Event) {
    event.preventDefault();
    const stuckTimeoutMs = Number(minutes.replace(',', '.')) * MINUTE;
    if (!(stuckTimeoutMs > 0)) return setError(t.tasks.config.badMinutes);
    try {
      await api.put(URL, { ...form, stuckTimeoutMs });
      onClose();
    } catch (refused) {
      setError((refused as Error).message);
    }
  }
  const minutesError = error === t.tasks.config.badMinutes ? error : '';
  return html`
    <form class="stack" onSubmit=${save} novalidate>
      ${error && html`<${Note} tone="bad" alert>${error}<//>`}
      <${DefaultFields} form=${form} set=${set} />
      <${TextField}
        label=${t.tasks.config.stuck}
        value=${minutes}
        error=${minutesError}
        inputmode="decimal"
        onInput=${setMinutes}
      />
      <${ContactFields} form=${form} set=${set} error=${error} />
      <div class="row end">
        <${Button} onClick=${onClose}>${t.common.cancel}<//>
        <${Button} type="submit" tone="primary">${t.common.save}<//>
      </div>
    </form>
  `;
}

interface FieldsProps {
  form: PipelineConfig;
  set: (part: Partial<PipelineConfig>) => void;
}

/** What a task that names none gets. */
function DefaultFields({ form, set }: FieldsProps) {
  const c = t.tasks.config;
  return html`
    <${DirectoryRow}
      label=${c.directory}
      value=${form.defaultDirectory}
      onInput=${(defaultDirectory: string) => set({ defaultDirectory })}
    />
    <${ProviderField}
      label=${c.provider}
      value=${form.defaultProvider}
      onChange=${(defaultProvider: ProviderName) => set({ defaultProvider })}
    />
    <${Toggle}
      label=${c.merge}
      hint=${c.mergeHint}
      checked=${form.mergeCompleted}
      onChange=${(mergeCompleted: boolean) => set({ mergeCompleted })}
    />
    <${TextArea}
      label=${c.instructionsField}
      optional
      rows=${3}
      value=${form[INSTRUCTIONS_FIELD]}
      onInput=${(instructions: string) => set({ [INSTRUCTIONS_FIELD]: instructions })}
    />
  `;
}

function ContactFields({ form, set, error }: FieldsProps & { error: string }) {
  const field = (name: 'adminEmail' | 'whatsappPhone' | 'slackWebhookUrl') => ({
    value: form[name],
    optional: true,
    error: error.startsWith(`"${name}"`) ? error : '',
    onInput: (value: string) => set({ [name]: value }),
  });
  return html`
    <h3>${t.tasks.config.contacts}</h3>
    <p class="hint">${t.tasks.config.contactsHint}</p>
    <${TextField} label=${t.settings.email} type="email" ...${field('adminEmail')} />
    <${TextField} label=${t.settings.whatsapp} type="tel" ...${field('whatsappPhone')} />
    <${TextField} label=${t.settings.slack} type="url" ...${field('slackWebhookUrl')} />
  `;
}
