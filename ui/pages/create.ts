import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.ts';
import type { AgentInfo, PermissionMode, ProviderName } from '../../core/wire/types.ts';
import type { Settings } from '../../core/wire/workshop.ts';
import { Button, Card, Icon, PageHead, Segments, SelectField, TextArea, TextField } from '../components/mod.ts';
import { FolderField } from '../components/folder-field.ts';
import { t } from '../i18n/en.ts';
import { go, path } from '../route.ts';
import { api, store, useStore } from '../services.ts';
import { change } from '../store.ts';
import {
  atField,
  bodyOf,
  check,
  clearDraft,
  edited,
  EMPTY_FORM,
  fromDefaults,
  hasDraft,
  loadDraft,
  posted,
  saveDraft,
} from './create-form.ts';
import type { Form } from './create-form.ts';
import { MoreFlags } from './create-more.ts';

const EMPTY_TABLE = {};

/** The form that starts an agent. What is typed is kept on this device until the agent exists. */
export default function Create() {
  const [form, setForm] = useState<Form>(() => ({ ...EMPTY_FORM, ...lastUsed(), ...loadDraft() }));
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const box = useRef<HTMLFormElement>(null);
  const providers = useStore((state) => state.machine?.providers) ?? EMPTY_TABLE;
  const isLoaded = useStore((state) => state.loaded);
  useLayoutEffect(() => saveDraft(form), [form]);
  // The page may be there before the machine has told its folders.
  useEffect(() => {
    if (isLoaded) setForm((old) => (old.directory ? old : { ...old, directory: lastUsed().directory ?? '' }));
  }, [isLoaded]);
  useEffect(() => {
    if (hasDraft()) return;
    api.get<Settings>('/api/settings').then(
      ({ defaults }) => setForm((old) => ({ ...old, ...fromDefaults(defaults) })),
      () => {},
    );
  }, []);
  const set = (part: Partial<Form>) => {
    setForm((old) => edited(old, part));
    setErrors((old) => Object.fromEntries(Object.entries(old).filter(([name]) => !(name in part) && name !== 'form')));
  };
  const field = (name: keyof Form & string) => ({
    value: form[name],
    error: errors[name],
    onInput: (value: string) => set({ [name]: value }),
  });

  function fail(found: Record<string, string>) {
    setErrors(found);
    if (Object.keys(found).some((name) => MORE.has(name))) set({ more: true });
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>('[aria-invalid=true], .note.bad')?.focus());
  }

  async function submit(event: Event) {
    event.preventDefault();
    if (busy) return;
    const found = check(form);
    if (Object.keys(found).length) return fail(found);
    setBusy(true);
    const sent = posted(form);
    saveDraft(sent); // before it is on its way: a reload from now on must not make a second agent
    setForm(sent);
    try {
      const made = await api.command<AgentInfo>('/api/agents', bodyOf(sent));
      clearDraft();
      store.set(change(store.get(), { type: 'agent', agent: made }));
      go(path`/agents/${made.id}`, true);
    } catch (error) {
      setBusy(false);
      fail(atField(error instanceof Error ? error.message : t.common.failed));
    }
  }

  return html`
    <div class="page">
      <${PageHead} title=${t.create.title} back="/" />
      <form class="stack create" ref=${box} onSubmit=${submit} novalidate>
          ${errors.form &&
            html`<p class="note bad" role="alert" tabindex="-1"><${Icon} name="error" size=${18} /><span>${errors.form}</span></p>`}
          <${Card}>
            <${FolderField} value=${form.directory} error=${errors.directory} onInput=${(directory: string) =>
              set({ directory })} />
            <${TextArea} label=${t.create.prompt} hint=${t.create.promptHint} rows=${4} ...${field('prompt')} />
            <${TextField} label=${t.create.name} optional placeholder=${t.create.nameHint} maxlength="120" ...${field(
              'name',
            )} />
          <//>
          <${Card}>
            <${Provider} form=${form} set=${set} providers=${providers} error=${errors.provider} />
            <${SelectField} label=${t.pickers.mode} hint=${t.create.modeHint[form.mode]} value=${form
              .mode} error=${errors.permissionMode}
              options=${MODES.map((value) => ({ value, label: t.pickers.modes[value]! }))} onChange=${(mode: string) =>
                set({ mode: mode as PermissionMode })} />
            <div class="pair"><${TextField} label=${t.pickers.model} optional placeholder=${t.pickers
              .standard} list="models" ...${field('model')} />
              <${SelectField} label=${t.pickers.effort} value=${form.effort} error=${errors
                .effort} options=${EFFORTS} onChange=${(effort: string) => set({ effort })} /></div>
            <datalist id="models">${MODELS[form.provider].map((value) =>
              html`<option key=${value} value=${value}></option>`
            )}</datalist>
          <//>
          <${MoreFlags} form=${form} set=${set} errors=${errors} field=${field} />
          <div class="form-foot"><${Button} onClick=${() => {
            clearDraft();
            setForm({ ...EMPTY_FORM, ...lastUsed() });
            setErrors({});
          }}>${t.create.clear}<//>
            <${Button} type="submit" tone="primary" icon="play" busy=${busy}>${t.create.submit}<//></div>
        </form></div>
  `;
}

const MODES: PermissionMode[] = ['default', 'acceptEdits', 'plan', 'auto', 'dontAsk', 'bypassPermissions'];
const EFFORTS = ['', 'low', 'medium', 'high', 'xhigh', 'max'].map((value) => ({
  value,
  label: value || t.pickers.standard,
}));
const MODELS: Record<ProviderName, string[]> = { claude: ['sonnet', 'opus', 'haiku'], codex: [] };
/** Fields behind "More settings". */
const MORE = new Set([
  'claudeMd',
  'maxBudgetUsd',
  'allowedTools',
  'disallowedTools',
  'addDirs',
  'mcpConfig',
  'resume',
  'adminEmail',
  'whatsappPhone',
  'slackWebhookUrl',
]);

/** The folder and provider of the newest agent: most people go on where they were. Without one, the machine's own folder. */
function lastUsed(): Partial<Form> {
  const newest = Object.values(store.get().agents).sort((a, b) => b.createdAt - a.createdAt)[0];
  const { machine } = store.get();
  const available = Object.entries(machine?.providers ?? {}).find(([, info]) => info.available)?.[0];
  const provider = (newest?.provider ?? available ?? 'claude') as ProviderName;
  return { directory: newest?.directory ?? machine?.defaultDirectory ?? '', provider };
}

interface ProviderProps {
  form: Form;
  set: (part: Partial<Form>) => void;
  providers: Record<string, { available: boolean; version: string; demo: boolean; text: string }>;
  error?: string;
}

/** Which CLI; those that cannot be started say why. */
function Provider({ form, set, providers, error }: ProviderProps) {
  const options = (['claude', 'codex'] as const).map((value) => ({
    value,
    label: t.provider[value]!,
    disabled: providers[value]?.available === false,
  }));
  const missing = options.filter((option) => option.disabled);
  const chosen = providers[form.provider];
  return html`<div class="field"><span class="label">${t.create.provider}</span>
    <div><${Segments} label=${t.create.provider} value=${form.provider} options=${options} onChange=${(
    provider: string,
  ) => set({ provider: provider as ProviderName })} /></div>
    ${
    chosen?.demo &&
    html`<p class="note"><${Icon} name="info" size=${18} /><span>${t.demo}. ${t.create.demoHint}</span></p>`
  }
    ${
    missing.map(({ value }) =>
      html`<p key=${value} class="hint">${t.create.unavailable(t.provider[value]!)} ${providers[value]!.text}</p>`
    )
  }
    ${error && html`<p class="field-error" role="alert">${error}</p>`}</div>`;
}
