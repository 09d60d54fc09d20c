import { html, useEffect, useRef, useState } from '../html.ts';
import type { ProviderName } from '../../core/wire/types.ts';
import { type ChannelStatus, NOTIFY_EVENTS, type NotifyChannel, type Settings } from '../../core/wire/workshop.ts';
import {
  Button,
  Card,
  EmptyState,
  Icon,
  PageHead,
  Segments,
  Skeleton,
  TextArea,
  TextField,
  TimeAgo,
  toast,
  toastError,
  Toggle,
} from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { w } from '../i18n/en-workshop.ts';
import { useLoaded } from '../loaded.ts';
import { api, useStore } from '../services.ts';
import { OpenCliCard, ToolsCard } from './settings-tools.ts';
import { PROVIDER_OPTIONS } from './task-form.ts';

/** Everything as it is typed. */
type Form = ReturnType<typeof formOf>;

const formOf = (settings: Settings) => ({
  retentionHours: String(settings.retentionHours),
  provider: settings.defaults.provider,
  model: settings.defaults.model,
  copyFiles: settings.copyFiles.join('\n'),
  setupCommands: settings.setupCommands.join('\n'),
  roots: settings.roots.join('\n'),
  adminEmail: settings.notify.adminEmail,
  whatsappPhone: settings.notify.whatsappPhone,
  slackWebhookUrl: settings.notify.slackWebhookUrl,
  delaySeconds: String(settings.notify.delaySeconds),
  events: settings.notify.events,
});

const lines = (text: string) => text.split('\n').map((line) => line.trim()).filter(Boolean);
const number = (text: string) => (text.trim() === '' ? NaN : Number(text.replace(',', '.')));

const bodyOf = (form: Form) => ({
  retentionHours: number(form.retentionHours),
  defaults: { provider: form.provider, model: form.model.trim() },
  copyFiles: lines(form.copyFiles),
  setupCommands: lines(form.setupCommands),
  roots: lines(form.roots),
  notify: {
    adminEmail: form.adminEmail.trim(),
    whatsappPhone: form.whatsappPhone.trim(),
    slackWebhookUrl: form.slackWebhookUrl.trim(),
    delaySeconds: number(form.delaySeconds),
    events: form.events,
  },
});

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** What was typed over `from`, on top of `to`. */
const rebased = (form: Form, from: Form, to: Form): Form => ({
  ...to,
  ...Object.fromEntries(Object.entries(form).filter(([name, value]) => !same(value, from[name as keyof Form]))),
});

/** What holds for this machine. */
export default function SettingsPage() {
  const version = useStore((state) => state.settingsVersion);
  const { value, error, reload, set } = useLoaded(() => api.get<Settings>('/api/settings'), [version]);
  return html`<div class="page"><${PageHead} title=${w.settings.title} />
    ${
    !value && error && html`
      <${EmptyState} icon="warning" title=${w.loadFailed} text=${error}>
        <${Button} icon="retry" onClick=${reload}>${t.common.retry}<//><//>
    `
  }
    ${!value && !error && html`<${Skeleton} lines=${8} />`}
    ${
    value && html`
      <div class="stack settings">
        <${ToolsCard} version=${version} />
        <${SettingsForm} settings=${value} onSaved=${set} version=${version} />
        <${OpenCliCard} version=${version} />
      </div>
    `
  }
  </div>`;
}

interface FormProps {
  settings: Settings;
  onSaved: (settings: Settings) => void;
  version: number;
}

function SettingsForm({ settings, onSaved, version }: FormProps) {
  const [form, setForm] = useState(() => formOf(settings));
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  /** What was there before anything was typed. */
  const untouched = useRef(form);
  const isDirty = !same(form, untouched.current);
  // Somebody else's change is taken over, but for the fields in which something is being typed here.
  useEffect(() => {
    const from = untouched.current;
    const next = formOf(settings);
    setForm((old) => rebased(old, from, next));
    untouched.current = next;
  }, [settings]);
  const set = (part: Partial<Form>) => {
    setForm((old) => ({ ...old, ...part }));
    setError('');
  };
  const field = (name: keyof Form & string) => ({
    value: form[name],
    error: error.startsWith(`"${name}"`) || error.includes(`.${name}"`) ? error : '',
    onInput: (value: string) => set({ [name]: value }),
  });
  async function save(event: Event) {
    event.preventDefault();
    setBusy(true);
    try {
      const saved = await api.put<Settings>('/api/settings', bodyOf(form));
      untouched.current = formOf(saved);
      setForm(untouched.current);
      onSaved(saved);
      toast(w.settings.saved);
    } catch (refused) {
      setError((refused as Error).message);
    } finally {
      setBusy(false);
    }
  }
  const s = w.settings;
  return html`
    <form class="stack" onSubmit=${save} novalidate>
      <${Card} title=${s.notify}>
        <${Channels} form=${form} field=${field} isDirty=${isDirty} version=${version} />
        <div>${NOTIFY_EVENTS.map((event) =>
          html`
            <${Toggle} key=${event} label=${s.events[event]} checked=${form.events[event]}
              onChange=${(on: boolean) => set({ events: { ...form.events, [event]: on } })} />
          `
        )}</div>
        <${TextField} label=${s.delay} hint=${s.delayHint} inputmode="numeric" ...${field('delaySeconds')} />
        <//>
        <${Card} title=${s.defaults}>
          <div
            class="field"><span class="label">${s.provider}</span><div><${Segments} label=${s.provider} value=${form
              .provider} options=${PROVIDER_OPTIONS}
            onChange=${(provider: string) => set({ provider: provider as ProviderName })} /></div></div>
          <${TextField} label=${s.model} hint=${s.modelHint} ...${field('model')} />
          <${TextField} label=${s.retention} hint=${s.retentionHint} inputmode="numeric" ...${field(
            'retentionHours',
          )} />
          <//>
          <${Card} title=${s.worktrees}>
          <${TextArea} label=${s.copyFiles} hint=${s
            .copyFilesHint} class="input mono" rows=${2} spellcheck=${false} ...${field('copyFiles')} />
          <${TextArea} label=${s.setup} hint=${s.setupHint} class="input mono" rows=${2} spellcheck=${false} ...${field(
            'setupCommands',
          )} />
          <${TextArea} label=${s.roots} hint=${s.rootsHint} class="input mono" rows=${2} spellcheck=${false} ...${field(
            'roots',
          )} />
        <//>
        ${error && html`<p class="note bad" role="alert"><${Icon} name="error" size=${18} /><span>${error}</span></p>`}
        ${isDirty && html`
          <div class="form-foot">
            <${Button} onClick=${() => setForm(formOf(settings))}>${t.common.cancel}<//>
                <${Button} type="submit" tone="primary" busy=${busy}>${t.common.save}<//></div>
        `}
      </form>
  `;
}

const FIELDS = [
  { channel: 'email', name: 'adminEmail', label: w.settings.email, type: 'email', placeholder: 'you@example.org' },
  {
    channel: 'whatsapp',
    name: 'whatsappPhone',
    label: w.settings.whatsapp,
    type: 'tel',
    placeholder: '+49 170 1234567',
  },
  {
    channel: 'slack',
    name: 'slackWebhookUrl',
    label: w.settings.slack,
    type: 'url',
    placeholder: 'https://hooks.slack.com/…',
  },
] as const;

interface ChannelsProps {
  form: Form;
  field: (name: keyof Form & string) => object;
  isDirty: boolean;
  version: number;
}

function Channels({ form, field, isDirty, version }: ChannelsProps) {
  const { value } = useLoaded(() => api.get<ChannelStatus[]>('/api/settings/channels'), [version]);
  const [testing, setTesting] = useState<NotifyChannel | null>(null);
  async function test(channel: NotifyChannel) {
    if (isDirty) return toast(w.settings.testNeedsSave);
    setTesting(channel);
    try {
      await api.post('/api/settings/channels/test', { channel }, { timeout: 60_000 });
      toast(w.settings.testSent);
    } catch (error) {
      toastError(error);
    } finally {
      setTesting(null);
    }
  }
  return html`${
    FIELDS.map(({ channel, name, label, ...input }) => {
      const status = value?.find((one) => one.channel === channel);
      return html`
        <div key=${channel} class="channel">
          <${TextField} label=${label} optional ...${input} ...${field(name)} />
          <div class="row"><span class="hint grow">${status && html`<${ChannelLine} status=${status} />`}</span>
                ${form[name] && status?.configured &&
                  html`<${Button} class="small" icon="bell" busy=${testing === channel} onClick=${() =>
                    void test(channel)}>${w.settings.test}<//>`}</div>
        </div>
      `;
    })
  }`;
}

function ChannelLine({ status: { configured, text, sentAt, failedAt, error } }: { status: ChannelStatus }) {
  if (!configured) return html`${text}`;
  if (error) {
    return html`<span class="field-error">${w.settings.lastFailed} <${TimeAgo} at=${failedAt!} />: ${error}</span>`;
  }
  return sentAt && html`${w.settings.lastSent} <${TimeAgo} at=${sentAt} />`;
}
