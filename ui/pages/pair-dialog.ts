import { html } from '../html.ts';
import { useCell } from '../cell.ts';
import { type PairCode, pairLink } from '../../core/wire/auth.ts';
import { Button, Dialog, now, Skeleton, span, toast } from '../components/mod.ts';
import { QrCode } from '../components/qr.ts';
import { d } from '../i18n/en-devices.ts';
import { useLoaded } from '../loaded.ts';
import { api } from '../services.ts';

/** A code that signs in another device, once and within a minute. */
export function PairDialog({ onClose }: { onClose: () => void }) {
  const { value, error, reload } = useLoaded(() => api.post<PairCode>('/api/auth/pair'), []);
  const left = useCell(now, (time) => (value ? Math.max(0, value.expiresAt - time) : 0));
  const link = value && pairLink(location.origin, value.code);
  const copy = () => void navigator.clipboard.writeText(link!).then(() => toast(d.copied));
  return html`<${Dialog} title=${d.addTitle} onClose=${onClose}>
    <p>${d.addText}</p>
    ${error && html`<p class="field-error" role="alert">${error}</p>`}
    ${!value && !error && html`<${Skeleton} lines=${6} />`}
    ${
    link && left > 0 && html`
      <${QrCode} text=${link} label=${d.picture} />
      <p class="hint">${d.link}</p>
      <p class="mono pair-link">${link}</p>
      <div class="row"><span class="hint grow" role="timer">${d.validFor(span(left + 999))}</span>
        ${navigator.clipboard && html`<${Button} icon="copy" onClick=${copy}>${d.copy}<//>`}</div>
    `
  }
    ${
    link && left === 0 && html`
      <p class="hint" role="status">${d.over}</p>
      <${Button} tone="primary" icon="retry" onClick=${reload}>${d.again}<//>
    `
  }
  <//>`;
}
