import { html } from '../html.ts';
import { NOTIFY_EVENTS } from '../../core/api/notify.ts';
import { Card, TextField, Toggle } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { Channels } from './settings-channels.ts';
import type { SettingsForm } from './settings-form.ts';

interface Props {
  form: SettingsForm;
  set: (part: Partial<SettingsForm>) => void;
  field: (name: keyof SettingsForm & string) => object;
  isDirty: boolean;
  version: number;
}

/** Whom this machine tells, about what, and when not. */
export function NotifyCard({ form, set, field, isDirty, version }: Props) {
  const s = t.settings;
  const toggles = NOTIFY_EVENTS.map((event) => {
    const change = (on: boolean) => set({ events: { ...form.events, [event]: on } });
    return html`<${Toggle} key=${event} label=${s.events[event]} checked=${form.events[event]} onChange=${change} />`;
  });
  return html`
    <${Card} title=${s.notify}>
      <${Channels} form=${form} field=${field} isDirty=${isDirty} version=${version} />
      <div>${toggles}</div>
      <${TextField} label=${s.delay} hint=${s.delayHint} inputmode="numeric" ...${field('delaySeconds')} />
      <${QuietHours} form=${form} set=${set} />
      <//>
  `;
}

/** The times are those of the place where they are set. */
function QuietHours({ form, set }: Pick<Props, 'form' | 'set'>) {
  const { quietHours } = form;
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const change = (part: Partial<typeof quietHours>) => set({ quietHours: { ...quietHours, timeZone, ...part } });
  const time = (name: 'from' | 'to') =>
    html`
      <${TextField}
        type="time"
        label=${t.settings.quiet[name]}
        value=${quietHours[name]}
        onInput=${(value: string) => change({ [name]: value })}
      />
    `;
  const times = html`
    <div class="row times">
      ${time('from')} ${time('to')}
      <span class="hint">${quietHours.timeZone}</span>
    </div>
  `;
  return html`
    <${Toggle}
      label=${t.settings.quiet.label}
      hint=${t.settings.quiet.hint}
      checked=${quietHours.on}
      onChange=${(on: boolean) => change({ on })}
    />
    ${quietHours.on && times}
  `;
}
