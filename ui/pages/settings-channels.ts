import { html, useState } from '../html.ts';
import type { ChannelStatus, NotifyChannel } from '../../core/api/notify.ts';
import { Button, TextField, TimeAgo, toast, toastError } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { serverText } from '../i18n/t.ts';
import { useResource } from '../hooks/use-resource.ts';
import { useApp } from '../app.ts';
import type { SettingsForm } from './settings-form.ts';

const EMAIL = { label: t.settings.email, type: 'email', placeholder: 'you@example.org' };
const WHATSAPP = { label: t.settings.whatsapp, type: 'tel', placeholder: '+49 170 1234567' };
const SLACK = { label: t.settings.slack, type: 'url', placeholder: 'https://hooks.slack.com/…' };
const NTFY = { label: t.settings.ntfy, type: 'url', placeholder: 'https://ntfy.sh/my-topic' };
const TELEGRAM = { label: t.settings.telegram, inputmode: 'numeric', placeholder: '123456789' };
const WEBHOOK = { label: t.settings.webhook, type: 'url', placeholder: 'https://example.org/hook' };
const FIELDS = [
  { channel: 'email', name: 'adminEmail', input: EMAIL },
  { channel: 'whatsapp', name: 'whatsappPhone', input: WHATSAPP },
  { channel: 'slack', name: 'slackWebhookUrl', input: SLACK },
  { channel: 'ntfy', name: 'ntfyUrl', input: NTFY },
  { channel: 'telegram', name: 'telegramChat', input: TELEGRAM },
  { channel: 'webhook', name: 'webhookUrl', input: WEBHOOK },
] as const;

interface Props {
  form: SettingsForm;
  field: (name: keyof SettingsForm & string) => object;
  isDirty: boolean;
  version: number;
}

/** Where notifications go, and whether that works. */
export function Channels({ form, field, isDirty, version }: Props) {
  const { api } = useApp();
  const { value } = useResource(() => api.get<ChannelStatus[]>('/api/settings/channels'), [version]);
  return FIELDS.map(({ channel, name, input }) => {
    const status = value?.find((entry) => entry.channel === channel);
    const canTest = form[name] !== '' && status?.configured === true;
    return html`
      <div key=${channel} class="channel">
        <${TextField} optional ...${input} ...${field(name)} />
        <div class="row">
          <span class="hint grow">${status && html`<${ChannelLine} status=${status} />`}</span>
          ${canTest && html`<${TestButton} channel=${channel} isDirty=${isDirty} />`}
        </div>
      </div>
    `;
  });
}

function TestButton({ channel, isDirty }: { channel: NotifyChannel; isDirty: boolean }) {
  const { api } = useApp();
  const [busy, setBusy] = useState(false);
  async function test() {
    if (isDirty) return toast(t.settings.testNeedsSave);
    setBusy(true);
    try {
      await api.post('/api/settings/channels/test', { channel }, { timeout: 60_000 });
      toast(t.settings.testSent);
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  }
  return html`<${Button} class="small" icon="bell" busy=${busy} onClick=${() => void test()}>${t.settings.test}<//>`;
}

function ChannelLine({ status }: { status: ChannelStatus }) {
  const { configured, text, sentAt, failedAt, error, waiting, unknown } = status;
  if (!configured) return html`${serverText(text)}`;
  const failed = html`
    <span class="field-error">${t.settings.lastFailed} <${TimeAgo} at=${failedAt ?? 0} />: ${error}</span>
  `;
  const sent = sentAt && html`<span>${t.settings.lastSent} <${TimeAgo} at=${sentAt} /></span>`;
  return html`
    ${error ? failed : sent}
    ${waiting > 0 && html`<span> ${t.settings.waiting(waiting)}</span>`}
    ${unknown > 0 && html`<span class="field-error"> ${t.settings.unknown(unknown)}</span>`}
  `;
}
