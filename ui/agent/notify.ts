/** Shows outside the page that agents wait: the title, and the number on the app's icon. */
import { html, useEffect } from '../html.ts';
import { IconButton } from '../components/mod.ts';
import { plain } from '../format.ts';
import { t } from '../i18n/t.ts';
import { go } from '../route.ts';
import { useWaiting } from './use-waiting.ts';

/** Characters of a page's name in the title; it may be what an agent is called. */
const MAX_NAME = 80;

/** Keeps the title and the badge right. @param page name of the page that is shown; empty: the product's alone */
export function useAttention(page: string): void {
  const waiting = useWaiting();
  useEffect(() => {
    showCount(waiting, page);
    return () => showCount(0, ''); // signed out: the login page knows of no agents
  }, [waiting, page]);
}

function showCount(waiting: number, page: string): void {
  const name = plain(page).slice(0, MAX_NAME);
  const title = name ? `${name} · ${t.product}` : t.product;
  document.title = waiting ? `(${waiting}) ${title}` : title;
  const badge = navigator as Navigator & { setAppBadge?: (n: number) => Promise<void> };
  badge.setAppBadge?.(waiting).catch(() => {});
}

/** Leads to where notifications of this device are turned on: there it is said if they are not possible, and why. */
export const NotifyButton = () =>
  html`<${IconButton} icon="bell" label=${t.notify.open} onClick=${() => go('/settings')} />`;
