import { html, useState } from '../html.ts';
import type { HookStatus } from '../../core/api/hooks.ts';
import { DESK_HOOKS, type Settings } from '../../core/api/settings.ts';
import { useApp } from '../app.ts';
import { Button, Card, confirm, Pill, SelectField, toastError } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { useResource } from '../hooks/use-resource.ts';
import { t } from '../i18n/all.ts';
import { serverText } from '../i18n/t.ts';

const HOOKS = '/api/settings/hooks';
const TONE = { on: 'good', outdated: 'warn', off: 'neutral' } as const;

interface Props {
  settings: Settings;
  onSaved: (settings: Settings) => void;
  version: number;
}

/** Whether sessions in terminals ask here too: all of them, or those that the command line client begins. */
export function HooksCard({ settings, onSaved, version }: Props) {
  const { api } = useApp();
  const { value, set } = useResource(() => api.get<HookStatus>(HOOKS), [version]);
  const [busy, setBusy] = useState(false);
  const words = t.handoff.hooks;
  async function change(to: 'put' | 'delete') {
    const question = { title: words.installTitle, text: words.installText(value!.file), action: words.install };
    if (to === 'put' && !await confirm(question)) return;
    setBusy(true);
    const done = to === 'put' ? api.put<HookStatus>(HOOKS, {}) : api.delete<HookStatus>(HOOKS);
    await done.then(set, toastError);
    setBusy(false);
  }
  const choose = (deskHooks: string) =>
    void api.put<Settings>('/api/settings', { deskHooks }).then(onSaved, toastError);
  const options = DESK_HOOKS.map((choice) => ({ value: choice, label: words.choices[choice] }));
  const state = value && html`<${Pill} tone=${TONE[value.state]}>${words.states[value.state]}<//>`;
  const install = html`
    <${Button} busy=${busy} onClick=${() => void change('put')}>
      ${value?.state === 'outdated' ? words.renew : words.install}
    <//>
  `;
  const remove = html`
    <${Button} tone="danger" busy=${busy} onClick=${() => void change('delete')}>${words.remove}<//>
  `;
  return html`
    <${Card} title=${words.title} actions=${state}>
      <p class="hint">${words.intro}</p>
      ${value?.problem && html`<${Note} tone="warn">${serverText(value.problem)}<//>`}
      <div class="row end">
        ${value && value.state !== 'off' && remove}
        ${value && !value.problem && value.state !== 'on' && install}
      </div>
      <${SelectField} label=${words.own} value=${settings.deskHooks} options=${options} onChange=${choose} />
    <//>
  `;
}
