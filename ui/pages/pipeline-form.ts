import { html, useState } from '../html.ts';
import type { ProviderName } from '../../core/wire/types.ts';
import type { PipelineConfig } from '../../core/wire/workshop.ts';
import { Button, Dialog, Icon, Segments, Skeleton, TextArea, TextField, Toggle } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { w } from '../i18n/en-workshop.ts';
import { useLoaded } from '../loaded.ts';
import { api } from '../services.ts';
import { FolderRow, PROVIDER_OPTIONS } from './task-form.ts';

const URL = '/api/tasks/meta/config';
const MINUTE = 60_000;

/** What holds for all tasks of the pipeline. */
export function PipelineForm({ onClose }: { onClose: () => void }) {
  const { value, error } = useLoaded(() => api.get<PipelineConfig>(URL), []);
  return html`<${Dialog} title=${w.tasks.config.title} size="wide" onClose=${onClose}>
    ${error && html`<p class="note bad" role="alert"><${Icon} name="error" size=${18} /><span>${error}</span></p>`}
    ${value ? html`<${Form} config=${value} onClose=${onClose} />` : !error && html`<${Skeleton} lines=${6} />`}<//>`;
}

function Form({ config, onClose }: { config: PipelineConfig; onClose: () => void }) {
  const [form, setForm] = useState(config);
  const [minutes, setMinutes] = useState(String(Math.round(config.stuckTimeoutMs / MINUTE * 10) / 10));
  const [error, setError] = useState('');
  const set = (part: Partial<PipelineConfig>) => setForm((old) => ({ ...old, ...part }));
  const field = (name: 'adminEmail' | 'whatsappPhone' | 'slackWebhookUrl') => ({
    value: form[name],
    optional: true,
    error: error.startsWith(`"${name}"`) ? error : '',
    onInput: (value: string) => set({ [name]: value }),
  });
  async function save(event: Event) {
    event.preventDefault();
    const stuckTimeoutMs = Number(minutes.replace(',', '.')) * MINUTE;
    if (!(stuckTimeoutMs > 0)) return setError(w.tasks.config.badMinutes);
    try {
      await api.put(URL, { ...form, stuckTimeoutMs });
      onClose();
    } catch (refused) {
      setError((refused as Error).message);
    }
  }
  const c = w.tasks.config;
  return html`<form class="stack" onSubmit=${save} novalidate>
    ${error && html`<p class="note bad" role="alert"><${Icon} name="error" size=${18} /><span>${error}</span></p>`}
    <${FolderRow} label=${c.directory} value=${form.defaultDirectory} onInput=${(defaultDirectory: string) =>
    set({ defaultDirectory })} />
    <div class="field"><span class="label">${c.provider}</span><div><${Segments} label=${c.provider} value=${form.defaultProvider}
      options=${PROVIDER_OPTIONS} onChange=${(value: string) =>
    set({ defaultProvider: value as ProviderName })} /></div></div>
    <${Toggle} label=${c.merge} hint=${c.mergeHint} checked=${form.mergeCompleted} onChange=${(
    mergeCompleted: boolean,
  ) => set({ mergeCompleted })} />
    <${TextArea} label=${c.claudeMd} optional rows=${3} value=${form.claudeMd} onInput=${(claudeMd: string) =>
    set({ claudeMd })} />
    <${TextField} label=${c.stuck} value=${minutes} error=${
    error === c.badMinutes ? error : ''
  } inputmode="decimal" onInput=${setMinutes} />
    <h3>${c.contacts}</h3><p class="hint">${c.contactsHint}</p>
    <${TextField} label=${w.settings.email} type="email" ...${field('adminEmail')} />
    <${TextField} label=${w.settings.whatsapp} type="tel" ...${field('whatsappPhone')} />
    <${TextField} label=${w.settings.slack} type="url" ...${field('slackWebhookUrl')} />
    <div class="row end"><${Button} onClick=${onClose}>${t.common.cancel}<//><${Button} type="submit" tone="primary">${t.common.save}<//></div>
  </form>`;
}
