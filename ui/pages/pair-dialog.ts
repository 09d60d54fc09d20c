import { html } from '../html.ts';
import { useSignalValue } from '../state/signal.ts';
import { PAIR_MS, type PairCode, pairLink } from '../../core/api/auth.ts';
import { Button, Dialog, now, Skeleton, span, toast } from '../components/mod.ts';
import { QrCode } from '../components/qr.ts';
import { t } from '../i18n/all.ts';
import { useResource } from '../hooks/use-resource.ts';
import { useApp } from '../app.ts';
import type { Api } from '../net/api.ts';

/** Until when the code is valid is counted from before it was asked for: the device's clock may be minutes off the relay's. */
async function newCode(api: Api): Promise<{ code: string; until: number }> {
  const askedAt = Date.now();
  const { code, lifetimeMs } = await api.post<PairCode>('/api/auth/pair');
  return { code, until: askedAt + (lifetimeMs ?? PAIR_MS) }; // A relay of an older release does not say it.
}

/** A code that signs in another device, once and within a minute. */
export function PairDialog({ onClose }: { onClose: () => void }) {
  const { api } = useApp();
  const { value, error, reload } = useResource(() => newCode(api), []);
  const left = useSignalValue(now, (time) => (value ? Math.max(0, value.until - time) : 0));
  const link = value && pairLink(location.origin, value.code);
  return html`
    <${Dialog} title=${t.devices.addTitle} onClose=${onClose}>
      <p>${t.devices.addText}</p>
      ${error && html`<p class="field-error" role="alert">${error}</p>`}
      ${!value && !error && html`<${Skeleton} lines=${6} />`}
      ${link && left > 0 && html`<${Code} link=${link} left=${left} />`}
      ${link && left === 0 && html`<${Expired} onRenew=${reload} />`}
    <//>
  `;
}

/** @param left how long the code is valid, ms */
function Code({ link, left }: { link: string; left: number }) {
  const copy = () => void navigator.clipboard.writeText(link).then(() => toast(t.devices.copied));
  return html`
    <${QrCode} text=${link} label=${t.devices.picture} />
    <p class="hint">${t.devices.link}</p>
    <p class="mono pair-link">${link}</p>
    <div class="row">
      <span class="hint grow" role="timer">${t.devices.validFor(span(left + 999))}</span>
      ${navigator.clipboard && html`<${Button} icon="copy" onClick=${copy}>${t.devices.copy}<//>`}
    </div>
  `;
}

function Expired({ onRenew }: { onRenew: () => void }) {
  return html`
    <p class="hint" role="status">${t.devices.over}</p>
    <${Button} tone="primary" icon="retry" onClick=${onRenew}>${t.devices.again}<//>
  `;
}
