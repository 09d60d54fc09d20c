import { DEFAULT_PROVIDER, OWN_PROVIDERS, providerData } from '../../core/api/providers.ts';
import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.ts';
import type { AgentInfo, PermissionMode, ProviderName } from '../../core/api/agents.ts';
import type { Settings } from '../../core/api/settings.ts';
import { Button, Card, PageHead, SelectField, TextArea, TextField } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { DirectoryField } from '../forms/directory-field.ts';
import { ProviderField } from '../forms/provider-field.ts';
import { useProviders } from '../hooks/use-providers.ts';
import { t } from '../i18n/all.ts';
import { serverText } from '../i18n/t.ts';
import { ApiError } from '../net/api.ts';
import { go, path } from '../route.ts';
import { useApp, useStore } from '../app.ts';
import type { State } from '../state/store.ts';
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
} from '../forms/create-form.ts';
import type { Form } from '../forms/create-form.ts';
import { MoreFlags } from '../forms/create-more.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

type Errors = Record<string, string>;

/** The form that starts an agent. What is typed is kept on this device until the agent exists. */
export default function Create() {
  const [form, setForm] = useCreateForm();
  const [errors, setErrors] = useState<Errors>({});
  const { store } = useApp();
  const box = useRef<HTMLFormElement>(null);
  function set(part: Partial<Form>) {
    setForm((old) => edited(old, part));
    setErrors((old) => Object.fromEntries(Object.entries(old).filter(([name]) => !(name in part) && name !== 'form')));
  }
  function fail(found: Errors) {
    setErrors(found);
    if (Object.keys(found).some((name) => MORE.has(name))) set({ more: true });
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>('[aria-invalid=true], .note.bad')?.focus());
  }
  const [busy, submit] = useSubmit(form, setForm, fail);
  function clear() {
    clearDraft();
    setForm({ ...EMPTY_FORM, ...lastUsed(store.value) });
    setErrors({});
  }
  const field = (name: keyof Form & string) => ({
    value: form[name],
    error: errors[name],
    onInput: (value: string) => set({ [name]: value }),
  });
  const fields = { form, set, errors, field };
  return html`
    <div class="page">
      <${PageHead} title=${t.create.title} back="/" />
      <form class="stack create" ref=${box} onSubmit=${submit} novalidate>
        ${errors.form && html`<${Note} tone="bad" alert tabindex="-1">${errors.form}<//>`}
        <${WorkCard} ...${fields} />
        <${ModelCard} ...${fields} />
        <${MoreFlags} form=${form} set=${set} field=${field} />
        <div class="form-foot">
          <${Button} onClick=${clear}>${t.create.clear}<//>
          <${Button} type="submit" tone="primary" icon="play" busy=${busy}>${t.create.submit}<//>
        </div>
      </form>
    </div>
  `;
}

/** The form as it is typed: what was typed before, else what was used last and the machine's defaults. */
function useCreateForm() {
  const { api, store } = useApp();
  const [form, setForm] = useState<Form>(() => ({ ...EMPTY_FORM, ...lastUsed(store.value), ...loadDraft() }));
  const isLoaded = useStore((state) => state.loaded);
  useLayoutEffect(() => saveDraft(form), [form]);
  // The page may be there before the machine has sent its directories.
  useEffect(() => {
    if (isLoaded) {
      setForm((old) => (old.directory ? old : { ...old, directory: lastUsed(store.value).directory ?? '' }));
    }
  }, [isLoaded]);
  useEffect(() => {
    if (hasDraft()) return;
    api.get<Settings>('/api/settings').then(
      ({ defaults }) => setForm((old) => ({ ...old, ...fromDefaults(defaults) })),
      () => {},
    );
  }, []);
  return [form, setForm] as const;
}

/** Whether the agent is being started, and starting it. */
function useSubmit(form: Form, setForm: (form: Form) => void, fail: (errors: Errors) => void) {
  const { api, store } = useApp();
  const [busy, setBusy] = useState(false);
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
      const agent = await api.command<AgentInfo>('/api/agents', bodyOf(sent));
      clearDraft();
      store.change({ type: 'agent', agent });
      go(path`/agents/${agent.id}`, true);
    } catch (error) {
      setBusy(false);
      fail(error instanceof ApiError ? atField(error) : { form: t.common.failed });
    }
  }
  return [busy, submit] as const;
}

const MODES: PermissionMode[] = ['default', 'acceptEdits', 'plan', 'auto', 'dontAsk', 'bypassPermissions'];
const MODE_OPTIONS = MODES.map((value) => ({ value, label: t.pickers.modes[value]! }));
const EFFORT_OPTIONS = ['', 'low', 'medium', 'high', 'xhigh', 'max'].map((value) => ({
  value,
  label: value || t.pickers.standard,
}));
/** Fields behind "More settings". */
const MORE = new Set([
  INSTRUCTIONS_FIELD,
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

/** The directory and provider of the newest agent: most people go on where they were. Without one, the machine's own directory. */
function lastUsed({ agents, machine }: State): Partial<Form> {
  const newest = Object.values(agents).sort((a, b) => b.createdAt - a.createdAt)[0];
  const available = Object.entries(machine?.providers ?? {}).find(([, info]) => info.available)?.[0];
  // It may have been removed since.
  const isThere = newest && (!machine || newest.provider in machine.providers);
  const provider: ProviderName = (isThere ? newest.provider : available) ?? DEFAULT_PROVIDER;
  return { directory: newest?.directory ?? machine?.defaultDirectory ?? '', provider };
}

interface CardProps {
  form: Form;
  set: (part: Partial<Form>) => void;
  errors: Errors;
  field: (name: keyof Form & string) => object;
}

/** Where, and what is to be done. */
function WorkCard({ form, set, errors, field }: CardProps) {
  const setDirectory = (directory: string) => set({ directory });
  return html`
    <${Card}>
      <${DirectoryField} value=${form.directory} error=${errors.directory} onInput=${setDirectory} />
      <${TextArea} label=${t.create.prompt} hint=${t.create.promptHint} rows=${4} ...${field('prompt')} />
      <${TextField}
        label=${t.create.name}
        optional
        placeholder=${t.create.nameHint}
        maxlength="120"
        ...${field('name')}
      />
      <//>
  `;
}

/** By whom, and with which freedom. */
function ModelCard({ form, set, errors, field }: CardProps) {
  const models = providerData(form.provider).models.map((value) => html`<option key=${value} value=${value}></option>`);
  return html`
    <${Card}>
      <${Provider} form=${form} set=${set} error=${errors.provider} />
      <${SelectField}
        label=${t.pickers.mode}
        hint=${t.create.modeHint[form.mode]}
        value=${form.mode}
        error=${errors.permissionMode}
        options=${MODE_OPTIONS}
        onChange=${(mode: PermissionMode) => set({ mode })}
      />
      <div class="pair">
        <${TextField}
          label=${t.pickers.model}
          optional
          placeholder=${t.pickers.standard}
          list="models"
          ...${field('model')}
        />
        <${EffortField} value=${form.effort} error=${errors.effort} onChange=${(effort: string) => set({ effort })} />
      </div>
      <datalist id="models">${models}</datalist>
      <//>
  `;
}

const EffortField = (props: { value: string; error?: string; onChange: (effort: string) => void }) =>
  html`<${SelectField} label=${t.pickers.effort} options=${EFFORT_OPTIONS} ...${props} />`;

/** Which agent program; those with drivers of their own that cannot be started say why. */
function Provider({ form, set, error }: Pick<CardProps, 'form' | 'set'> & { error?: string }) {
  const providers = useProviders();
  const isMissing = (name: ProviderName) => providers[name]?.available === false;
  const missing = [...new Set([...OWN_PROVIDERS, form.provider])].filter(isMissing).map((name) => {
    const { label, text } = providers[name]!;
    return html`<p key=${name} class="hint">${t.create.unavailable(label)} ${serverText(text)}</p>`;
  });
  const isDemo = providers[form.provider]?.demo === true;
  return html`
    <div class="stack tight">
      <${ProviderField}
        label=${t.create.provider}
        value=${form.provider}
        disabled=${isMissing}
        onChange=${(provider: ProviderName) => set({ provider })}
      />
      ${isDemo && html`<${Note}>${t.demo}. ${t.create.demoHint}<//>`}
      ${missing}
      ${error && html`<p class="field-error" role="alert">${error}</p>`}
    </div>
  `;
}
