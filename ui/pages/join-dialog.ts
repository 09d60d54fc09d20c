import { JOIN_MS, type JoinCode } from '../../core/api/machines.ts';
import { useApp } from '../app.ts';
import { Button, Dialog, now, Skeleton, span, toast } from '../components/mod.ts';
import { QrCode } from '../components/qr.ts';
import { useResource } from '../hooks/use-resource.ts';
import { html, useEffect, useRef } from '../html.ts';
import { machineTexts as texts } from '../i18n/machines.ts';
import { t } from '../i18n/all.ts';
import type { Api } from '../net/api.ts';
import { useSignalValue } from '../state/signal.ts';

/** Until when the code is valid is counted from before it was asked for: the device's clock may be minutes off the relay's. */
async function newCode(api: Api): Promise<{ command: string; until: number }> {
  const askedAt = Date.now();
  const { command, lifetimeMs } = await api.post<JoinCode>('/api/relay/machines/join');
  return { command, until: askedAt + (lifetimeMs ?? JOIN_MS) }; // A relay of an older release does not say it.
}

/** The line by which a machine joins, once and within ten minutes. It closes when one has. */
export function JoinDialog({ onClose }: { onClose: () => void }) {
  const { api, fleet } = useApp();
  const { value, error, reload } = useResource(() => newCode(api), []);
  const left = useSignalValue(now, (time) => (value ? Math.max(0, value.until - time) : 0));
  const machines = useSignalValue(fleet.machines);
  const before = useRef(new Set(machines.map(({ id }) => id)));
  const joined = machines.find(({ id }) => !before.current.has(id));
  useEffect(() => {
    if (!joined) return;
    toast(texts.joined(joined.name));
    onClose();
  }, [joined?.id]);
  return html`
    <${Dialog} title=${texts.add} onClose=${onClose}>
      <p>${texts.addText}</p>
      ${error && html`<p class="field-error" role="alert">${error}</p>`}
      ${!value && !error && html`<${Skeleton} lines=${6} />`}
      ${value && left > 0 && html`<${Line} command=${value.command} left=${left} />`}
      ${value && left === 0 && html`<${Expired} onRenew=${reload} />`}
    <//>
  `;
}

/** @param left how long the code is valid, ms */
function Line({ command, left }: { command: string; left: number }) {
  const copy = () => void navigator.clipboard.writeText(command).then(() => toast(texts.copied));
  return html`
    <p class="mono pair-link">${command}</p>
    <${QrCode} text=${command} label=${texts.picture} />
    <div class="row">
      <span class="hint grow" role="timer">${t.devices.validFor(span(left + 999))}</span>
      ${navigator.clipboard && html`<${Button} icon="copy" onClick=${copy}>${texts.copy}<//>`}
    </div>
  `;
}

function Expired({ onRenew }: { onRenew: () => void }) {
  return html`
    <p class="hint" role="status">${t.devices.over}</p>
    <${Button} tone="primary" icon="retry" onClick=${onRenew}>${t.devices.again}<//>
  `;
}
