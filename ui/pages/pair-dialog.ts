import { html, useEffect, useRef, useState } from '../html.ts';
import { useSignalValue } from '../state/signal.ts';
import { PAIR_MS, type PairCode, pairLink, type SessionInfo } from '../../core/api/auth.ts';
import { Button, Dialog, now, Skeleton, span, toast } from '../components/mod.ts';
import { QrCode } from '../components/qr.ts';
import { t } from '../i18n/all.ts';
import { deviceText } from '../i18n/t.ts';
import { useResource } from '../hooks/use-resource.ts';
import { useApp } from '../app.ts';
import type { Api } from '../net/api.ts';

/** Until when the code is valid is counted from before it was asked for: the device's clock may be minutes off the relay's. */
async function newCode(api: Api): Promise<{ code: string; until: number }> {
  const askedAt = Date.now();
  const { code, lifetimeMs } = await api.post<PairCode>('/api/auth/pair');
  return { code, until: askedAt + (lifetimeMs ?? PAIR_MS) }; // A relay of an older release does not say it.
}

/** How often it is asked whether the code was used, ms. It is valid for a minute. */
const ASK_MS = 2000;

/** Logins as the server lists them, in the words of this device. */
const loadLogins = async (api: Api): Promise<Map<string, string>> => {
  const { sessions } = await api.get<{ sessions: SessionInfo[] }>('/api/auth/sessions');
  return new Map(sessions.map(({ id, browser }) => [id, deviceText(browser)]));
};

/** The device that has signed in since the dialog was opened; empty: none yet. */
function useNewLogin(api: Api, isWaiting: boolean): string {
  const before = useRef<Map<string, string> | null>(null);
  const [name, setName] = useState('');
  async function ask() {
    const logins = await loadLogins(api);
    const known = before.current ??= logins;
    const fresh = [...logins].find(([id]) => !known.has(id));
    if (fresh) setName(fresh[1]);
  }
  useEffect(() => {
    if (!isWaiting || name) return;
    void ask().catch(() => {});
    const timer = setInterval(() => void ask().catch(() => {}), ASK_MS);
    return () => clearInterval(timer);
  }, [isWaiting, name]);
  return name;
}

interface Props {
  onClose: () => void;
  /** Another device is signed in. */
  onPaired: () => void;
}

/** A code that signs in another device, once and within a minute; and which one it did. */
export function PairDialog({ onClose, onPaired }: Props) {
  const { api } = useApp();
  const { value, error, reload } = useResource(() => newCode(api), []);
  const left = useSignalValue(now, (time) => (value ? Math.max(0, value.until - time) : 0));
  const link = value && pairLink(location.origin, value.code);
  const paired = useNewLogin(api, left > 0);
  useEffect(() => {
    if (paired) onPaired();
  }, [paired]);
  if (paired) return html`<${Paired} name=${paired} onClose=${onClose} />`;
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

function Paired({ name, onClose }: { name: string; onClose: () => void }) {
  const footer = html`<${Button} tone="primary" autofocus onClick=${onClose}>${t.common.close}<//>`;
  return html`
    <${Dialog} title=${t.devices.addTitle} onClose=${onClose} footer=${footer}>
      <p role="status">${t.devices.joined(name)}</p>
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
