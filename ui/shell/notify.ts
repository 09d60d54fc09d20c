/** Tells outside the page that agents wait: the title, the app badge, and (if the user allows it) a system notification. */
import { html, useEffect, useRef, useState } from '../html.ts';
import { IconButton } from '../components/mod.ts';
import { needsMe } from '../agents.ts';
import { t } from '../i18n/en.ts';
import { store } from '../services.ts';
import { path } from '../route.ts';
import { useWaiting } from './nav.ts';

const KEY = 'notify';
const supported = () => 'Notification' in globalThis && isSecureContext;

/** Keeps the title and the badge right, and notifies of agents that begin to wait while the page is hidden. */
export function useAttention(): void {
  const waiting = useWaiting();
  const known = useRef(new Set<string>());
  useEffect(() => {
    showCount(waiting);
    return () => showCount(0); // signed out: the login page knows of no agents
  }, [waiting]);
  useEffect(() =>
    store.subscribe(() => {
      const now = Object.values(store.get().agents).filter(needsMe);
      for (const agent of now) if (!known.current.has(agent.id)) notify(agent.id, agent.name);
      known.current = new Set(now.map((agent) => agent.id));
    }), []);
}

function showCount(waiting: number): void {
  document.title = waiting ? `(${waiting}) ${t.product}` : t.product;
  const badge = navigator as Navigator & { setAppBadge?: (n: number) => Promise<void> };
  badge.setAppBadge?.(waiting).catch(() => {});
}

function notify(id: string, name: string): void {
  if (!supported() || document.visibilityState === 'visible' || localStorage.getItem(KEY) !== 'on') return;
  if (Notification.permission !== 'granted') return;
  try {
    const shown = new Notification(t.notify.title(name), { body: t.notify.body, tag: id });
    shown.onclick = () => {
      focus();
      location.hash = path`/agents/${id}`;
      shown.close();
    };
  } catch {
    // Some phones allow notifications only from a service worker.
  }
}

/** The switch for system notifications; nothing where the browser has none (or over plain http). */
export function NotifyButton() {
  const [on, setOn] = useState(() =>
    supported() && localStorage.getItem(KEY) === 'on' && Notification.permission === 'granted'
  );
  if (!supported()) return null;
  async function toggle() {
    const next = !on && (await Notification.requestPermission()) === 'granted';
    localStorage.setItem(KEY, next ? 'on' : 'off');
    setOn(next);
  }
  return html`<${IconButton} icon="bell" label=${on ? t.notify.off : t.notify.on} aria-pressed=${on} class=${
    on ? 'pressed' : ''
  } onClick=${() => void toggle()} />`;
}
