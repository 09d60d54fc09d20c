import { useApp, useStore } from '../app.ts';
import { Icon, IconButton, span } from '../components/mod.ts';
import { clockTime } from '../format.ts';
import { html } from '../html.ts';
import { t } from '../i18n/t.ts';
import { useSignalValue } from '../state/signal.ts';
import type { Trouble } from './connection.ts';
import { usePageTrouble } from './use-trouble.ts';

/** From this age on the bar says how old the page is; ms. */
const STALE_AFTER = 10_000;

/** The bar above every page: what is broken, how old the page is, what happens next. One line, so that nothing below it moves. */
export function ConnectionBar() {
  const { live, relay } = useApp();
  const trouble = usePageTrouble();
  const isLocal = useSignalValue(relay.state, (state) => state.present !== true);
  if (!trouble) return null;
  const { kind, retryAt } = trouble;
  const title = kind === 'feed' && isLocal ? t.connection.trouble.feedLocal : t.connection.trouble[kind];
  return html`
    <section class=${`connection-bar is-${kind}`} aria-label=${t.connection.title}>
      <${Icon} name=${kind === 'connecting' ? 'retry' : 'cloud'} size=${18} />
      <p class="grow">
        <strong role="alert">${title}</strong>
        <${Details} trouble=${trouble} />
      </p>
      <${IconButton}
        icon="retry"
        label=${t.common.retryNow}
        disabled=${retryAt === null}
        onClick=${() => live.retryNow()}
      />
    </section>
  `;
}

/** How old the page is, what happens next, what waits to be sent. */
function Details({ trouble: { kind, retryAt } }: { trouble: Trouble }) {
  const { live, outbox } = useApp();
  const heardAt = useSignalValue(live.connection, ({ seenAt }) => seenAt);
  const knownAt = useStore((state) => state.knownAt);
  const isLoaded = useStore((state) => state.loaded || state.knownAt !== null);
  const seenAt = knownAt ?? heardAt;
  const waiting = useSignalValue(outbox.items, (items) => items.filter((item) => item.state !== 'failed').length);
  const time = Date.now();
  const isOld = isLoaded && seenAt !== null && time - seenAt > STALE_AFTER;
  const next = retryAt === null ? t.connection.trying : t.connection.tryingIn(span(retryAt - time + 999));
  return html`
    ${isOld && html`<span class="as-of">${t.connection.asOf(clockTime(seenAt))}</span>`}
    ${kind !== 'connecting' && html`<span>${next}</span>`}
    ${waiting > 0 && html`<span class="queued">${t.connection.queued(waiting)}</span>`}
  `;
}
