import { html, useState } from '../html.ts';
import { useCell } from '../cell.ts';
import { Button, Dialog, Icon, now, span, TimeAgo } from '../components/mod.ts';
import { hops, trouble } from '../connection.ts';
import type { Hop } from '../connection.ts';
import { t } from '../i18n/en.ts';
import { live, outbox, relay, useStore } from '../services.ts';
import type { AgentInfo } from '../../core/wire/types.ts';

/** What is broken now; null when nothing is. Drawn anew each second while something is. */
export function useTrouble() {
  const link = useCell(live.link);
  const state = useCell(relay.state);
  useCell(now, (time) => (link.phase === 'up' ? 0 : time));
  return trouble(link, state, navigator.onLine, Date.now());
}

/** From this age on the bar says how old the page is; ms. */
const STALE_AFTER = 10_000;

/** The bar above every page: what is broken, since when, what happens next. */
export function ConnectionBar() {
  const broken = useTrouble();
  const seenAt = useCell(live.link, (link) => link.seenAt);
  const loaded = useStore((state) => state.loaded);
  const local = useCell(relay.state, (state) => state.present !== true);
  const waiting = useCell(outbox.items, (items) => items.filter((item) => item.state !== 'failed').length);
  if (!broken) return null;
  const time = Date.now();
  const what = broken.kind === 'feed' && local ? t.connection.trouble.feedLocal : t.connection.trouble[broken.kind];
  const age = seenAt === null ? 0 : time - seenAt;
  const rest = [
    broken.kind !== 'connecting' && `${t.connection.forSpan(span(time - broken.since))}.`,
    broken.retryAt === null ? t.connection.trying : t.connection.tryingIn(span(broken.retryAt - time + 999)),
    loaded && age > STALE_AFTER && t.connection.lastKnown(span(age)),
    waiting > 0 && t.connection.waitingItems(waiting),
  ].filter(Boolean).join(' ');
  return html`
    <div class="connection-bar">
      <${Icon} name=${broken.kind === 'connecting' ? 'retry' : 'cloud'} size=${18} />
      <p class="grow"><strong role="alert">${what}</strong>${` ${rest}`}</p>
      <${Button} class="small" onClick=${() => live.retryNow()} disabled=${broken.retryAt === null}>${t.common
        .retryNow}<//>
      </div>
  `;
}

/** A dot with a word; opens the list of the hops. */
export function ConnectionButton({ agent, word = true }: { agent?: AgentInfo; word?: boolean }) {
  const [open, setOpen] = useState(false);
  const broken = useTrouble();
  const up = useCell(live.link, (link) => link.phase === 'up');
  const text = up
    ? t.connection.ok
    : broken && broken.kind !== 'connecting'
    ? t.connection.state.down
    : t.connection.trouble.connecting;
  return html`<button type="button" class=${`connection-button ${up ? 'up' : 'down'}`} onClick=${() =>
    setOpen(true)} aria-haspopup="dialog" aria-label=${`${t.connection.title}: ${text}`}>
      <span class="dot"></span>${word && html`<span>${text}</span>`}</button>
    ${open && html`<${ConnectionDialog} agent=${agent} onClose=${() => setOpen(false)} />`}`;
}

function ConnectionDialog({ agent, onClose }: { agent?: AgentInfo; onClose: () => void }) {
  const list = hops(useCell(live.link), useCell(relay.state), agent);
  const viaRelay = list[0]!.state !== 'absent';
  const machine = useStore((state) => state.machine);
  const shown = list.filter((hop) => hop.state !== 'absent' || (hop.name === 'cli' && agent));
  return html`<${Dialog} title=${t.connection.title} onClose=${onClose}>
    <ol class="hops">${shown.map((hop) => html`<${HopRow} key=${hop.name} hop=${hop} viaRelay=${viaRelay} />`)}</ol>
    ${machine && html`<p class="hint">${machine.name} · ${machine.platform} · ${machine.version}</p>`}
  <//>`;
}

function HopRow({ hop, viaRelay }: { hop: Hop; viaRelay: boolean }) {
  const name = hop.name === 'machine' && !viaRelay ? t.connection.hops.machineLocal : t.connection.hops[hop.name];
  return html`<li class=${`hop ${hop.state}`}><span class="dot"></span>
    <div class="grow"><div class="row"><strong class="grow">${name}</strong><span>${
    t.connection.state[hop.state]
  }</span></div>
      <div class="hint">${t.connection.seen}: ${
    hop.seenAt === null ? t.connection.never : html`<${TimeAgo} at=${hop.seenAt} />`
  }
        ${
    hop.since !== null && hop.state === 'down' && html`
      · ${t.connection.state.down.toLowerCase()} <${TimeAgo} at=${hop.since} plain />
    `
  }</div></div></li>`;
}
