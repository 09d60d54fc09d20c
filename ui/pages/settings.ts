import { html, useEffect, useRef, useState } from '../html.ts';
import type { ProviderName } from '../../core/api/agents.ts';
import type { Settings } from '../../core/api/settings.ts';
import { Button, Card, PageHead, Skeleton, TextArea, TextField, toast, Toggle } from '../components/mod.ts';
import { LoadFailed } from '../components/load-failed.ts';
import { Note } from '../components/note.ts';
import { ProviderField } from '../forms/provider-field.ts';
import { t } from '../i18n/all.ts';
import { useResource } from '../hooks/use-resource.ts';
import { useApp, useHasMany, useStore } from '../app.ts';
import { lazy, LazyView } from '../hooks/lazy.ts';
import { AgentsCard } from './settings-agents.ts';
import { HooksCard } from './settings-hooks.ts';
import { bodyOf, formOf, isSame, rebased } from './settings-form.ts';
import type { SettingsForm } from './settings-form.ts';
import { NotifyCard } from './settings-notify.ts';
import { PushCard } from './settings-push.ts';
import { OpenCliCard, ToolsCard } from './settings-tools.ts';

/** Needed with more than one machine only. */
const copySettings = lazy<{ settings: Settings }>(() => import('./copy-to.ts'));

/** What holds for this machine. */
export default function SettingsPage() {
  const { api } = useApp();
  const version = useStore((state) => state.settingsVersion);
  const hasMany = useHasMany();
  const { value, error, reload, set } = useResource(() => api.get<Settings>('/api/settings'), [version]);
  const cards = value && html`
    <div class="stack settings">
      <${PushCard} />
      <${ToolsCard} version=${version} />
      <${AgentsCard} settings=${value} onSaved=${set} />
      <${Form} settings=${value} onSaved=${set} version=${version} />
      <${HooksCard} settings=${value} onSaved=${set} version=${version} />
      <${OpenCliCard} version=${version} />
      ${hasMany && html`<${LazyView} source=${copySettings} settings=${value} />`}
    </div>
  `;
  return html`
    <div class="page">
      <${PageHead} title=${t.settings.title} />
      ${!value && error && html`<${LoadFailed} error=${error} reload=${reload} />`}
      ${!value && !error && html`<${Skeleton} lines=${8} />`}
      ${cards}
    </div>
  `;
}

interface FormProps {
  settings: Settings;
  onSaved: (settings: Settings) => void;
  version: number;
}

function Form({ settings, onSaved, version }: FormProps) {
  const { form, set, isDirty, error, busy, save, reset } = useSettingsForm(settings, onSaved);
  const field = (name: keyof SettingsForm & string) => ({
    value: form[name],
    error: error.startsWith(`"${name}"`) || error.includes(`.${name}"`) ? error : '',
    onInput: (value: string) => set({ [name]: value }),
  });
  const fields = { form, set, field };
  return html`
    <form class="stack" onSubmit=${save} novalidate>
      <${NotifyCard} ...${fields} isDirty=${isDirty} version=${version} />
      <${DefaultsCard} ...${fields} />
      <${BudgetCard} ...${fields} />
      <${WorktreesCard} ...${fields} />
      ${error && html`<${Note} tone="bad" alert>${error}<//>`}
      ${isDirty && html`<${Foot} busy=${busy} onReset=${reset} />`}
    </form>
  `;
}

/** What is typed over the settings, and saving it. */
function useSettingsForm(settings: Settings, onSaved: (settings: Settings) => void) {
  const { api } = useApp();
  const [form, setForm] = useState(() => formOf(settings));
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  /** What was there before anything was typed. */
  const untouched = useRef(form);
  // Somebody else's change is taken over, but for the fields in which something is being typed here.
  useEffect(() => {
    const from = untouched.current;
    const next = formOf(settings);
    setForm((old) => rebased(old, from, next));
    untouched.current = next;
  }, [settings]);
  function set(part: Partial<SettingsForm>) {
    setForm((old) => ({ ...old, ...part }));
    setError('');
  }
  async function save(event: Event) {
    event.preventDefault();
    setBusy(true);
    try {
      const saved = await api.put<Settings>('/api/settings', bodyOf(form));
      untouched.current = formOf(saved);
      setForm(untouched.current);
      onSaved(saved);
      toast(t.settings.saved);
    } catch (refused) {
      setError((refused as Error).message);
    } finally {
      setBusy(false);
    }
  }
  const reset = () => setForm(formOf(settings));
  return { form, set, isDirty: !isSame(form, untouched.current), error, busy, save, reset };
}

interface CardProps {
  form: SettingsForm;
  set: (part: Partial<SettingsForm>) => void;
  field: (name: keyof SettingsForm & string) => object;
}

function DefaultsCard({ form, set, field }: CardProps) {
  const s = t.settings;
  const setProvider = (provider: ProviderName) => set({ provider });
  const setAwake = (keepAwake: boolean) => set({ keepAwake });
  return html`
    <${Card} title=${s.defaults}>
      <${ProviderField} label=${s.provider} value=${form.provider} onChange=${setProvider} />
      <${TextField} label=${s.model} hint=${s.modelHint} ...${field('model')} />
      <${TextField} label=${s.retention} hint=${s.retentionHint} inputmode="numeric" ...${field('retentionHours')} />
      <${TextField} label=${s.archive} hint=${s.archiveHint} inputmode="numeric" ...${field('archiveDays')} />
      <${Toggle} label=${s.keepAwake} hint=${s.keepAwakeHint} checked=${form.keepAwake} onChange=${setAwake} />
      <//>
  `;
}

function BudgetCard({ field }: CardProps) {
  const u = t.usage;
  return html`
    <${Card} title=${u.budget}>
      <p class="soft">${u.budgetText}</p>
      <${TextField} label=${u.agentUsd} hint=${u.noLimit} inputmode="decimal" ...${field('agentUsd')} />
      <${TextField} label=${u.allUsd} inputmode="decimal" ...${field('allUsd')} />
      <${TextField} label=${u.agentTokens} inputmode="numeric" ...${field('agentTokens')} />
      <${TextField} label=${u.allTokens} inputmode="numeric" ...${field('allTokens')} />
      <//>
  `;
}

function WorktreesCard({ field }: CardProps) {
  const s = t.settings;
  return html`
    <${Card} title=${s.worktrees}>
      <${LinesField} label=${s.copyFiles} hint=${s.copyFilesHint} ...${field('copyFiles')} />
      <${LinesField} label=${s.setup} hint=${s.setupHint} ...${field('setupCommands')} />
      <${LinesField} label=${s.roots} hint=${s.rootsHint} ...${field('roots')} />
      <//>
  `;
}

/** A list, one entry a line. */
const LinesField = (props: object) =>
  html`<${TextArea} class="input mono" rows=${2} spellcheck=${false} ...${props} />`;

function Foot({ busy, onReset }: { busy: boolean; onReset: () => void }) {
  return html`
    <div class="form-foot">
      <${Button} onClick=${onReset}>${t.common.cancel}<//>
      <${Button} type="submit" tone="primary" busy=${busy}>${t.common.save}<//>
    </div>
  `;
}
