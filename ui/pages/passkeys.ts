import { html } from '../html.ts';
import type { PasskeyInfo, PasskeyList } from '../../core/api/auth.ts';
import { Button, Card, confirm, TimeAgo, toast, toastError, Toggle } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';
import { useApp } from '../app.ts';
import { useResource } from '../hooks/use-resource.ts';
import { addPasskey, confirmByPasskey, hasPasskeys } from '../net/passkey.ts';

/** Passkeys beside the password, and whether they confirm what cannot be taken back. */
export function Passkeys() {
  const { api } = useApp();
  const { value, reload } = useResource(() => api.get<PasskeyList>('/api/auth/passkeys'), []);
  if (!value) return null; // Not of this server; the list beside says so when it is not reached.
  const { passkeys, stepUp } = value;
  const add = () =>
    addPasskey(api, t.passkeys.nameOf(passkeys.length + 1)).then(() => toast(t.passkeys.added), toastError).then(
      reload,
    );
  const rows = passkeys.map((passkey) => html`<${PasskeyRow} key=${passkey.id} passkey=${passkey} onGone=${reload} />`);
  return html`
    <${Card} title=${t.passkeys.title}>
      <p class="soft">${hasPasskeys() ? t.passkeys.intro : t.passkeys.none}</p>
      <ul class="devices">${rows}</ul>
      ${hasPasskeys() && html`<${Button} icon="plus" onClick=${() => void add()}>${t.passkeys.add}<//>`}
      ${passkeys.length > 0 && html`<${StepUpSwitch} isOn=${stepUp} onChange=${reload} />`}
    <//>
  `;
}

function PasskeyRow({ passkey, onGone }: { passkey: PasskeyInfo; onGone: () => void }) {
  const { api } = useApp();
  const { id, name, rpId, lastUsedAt } = passkey;
  async function remove() {
    if (!await confirm({ ...t.passkeys.confirmRemove(name), tone: 'danger' })) return;
    await api.delete(path`/api/auth/passkeys/${id}`).then(onGone, toastError);
  }
  const label = `${t.passkeys.remove}: ${name}`;
  return html`
    <li>
      <div class="grow">
        <strong>${name}</strong>
        <p class="hint"><span class="mono">${rpId}</span>${`, ${t.passkeys.used} `}<${TimeAgo} at=${lastUsedAt} /></p>
      </div>
      <${Button} onClick=${() => void remove()} aria-label=${label}>${t.passkeys.remove}<//>
    </li>
  `;
}

/** On and off both need the passkey: the relay asks for it. */
function StepUpSwitch({ isOn, onChange }: { isOn: boolean; onChange: () => void }) {
  const { api } = useApp();
  const change = (required: boolean) =>
    confirmByPasskey(api).then(() => api.put('/api/auth/step-up', { required })).catch(toastError).then(onChange);
  return html`
    <${Toggle}
      label=${t.passkeys.stepUp}
      hint=${t.passkeys.stepUpHint}
      checked=${isOn}
      onChange=${(required: boolean) => void change(required)}
    />
  `;
}
