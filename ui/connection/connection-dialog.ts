import type { AgentInfo } from '../../core/api/agents.ts';
import { useApp, useStore } from '../app.ts';
import { Dialog, TimeAgo } from '../components/mod.ts';
import { html } from '../html.ts';
import { t } from '../i18n/t.ts';
import { useSignalValue } from '../state/signal.ts';
import { hops } from './hops.ts';
import type { Hop } from './hops.ts';

/** The hops of the way to the machine, each with when it was last seen. */
export default function ConnectionDialog({ agent, onClose }: { agent?: AgentInfo; onClose: () => void }) {
  const { live, relay } = useApp();
  const all = hops(useSignalValue(live.connection), useSignalValue(relay.state), agent);
  const isRelayed = all[0]!.state !== 'absent';
  const machine = useStore((state) => state.machine);
  const shown = all.filter((hop) => hop.state !== 'absent' || (hop.name === 'cli' && agent));
  return html`
    <${Dialog} title=${t.connection.title} onClose=${onClose}>
      <ol class="hops">
        ${shown.map((hop) => html`<${HopRow} key=${hop.name} hop=${hop} isRelayed=${isRelayed} />`)}
      </ol>
      ${machine && html`<p class="hint">${machine.name} · ${machine.platform} · ${machine.version}</p>`}
    <//>
  `;
}

function HopRow({ hop, isRelayed }: { hop: Hop; isRelayed: boolean }) {
  const { name, state, seenAt, since } = hop;
  const label = name === 'machine' && !isRelayed ? t.connection.hops.machineLocal : t.connection.hops[name];
  const seen = seenAt === null ? t.connection.never : html`<${TimeAgo} at=${seenAt} />`;
  const down = state === 'down' && since !== null &&
    html`
      · ${t.connection.state.down.toLowerCase()} <${TimeAgo} at=${since} plain />
    `;
  return html`
    <li class=${`hop ${state}`}>
      <span class="dot"></span>
      <div class="grow">
        <div class="row">
          <strong class="grow">${label}</strong>
          <span>${t.connection.state[state]}</span>
        </div>
        <div class="hint">${t.connection.seen}: ${seen}${down}</div>
      </div>
    </li>
  `;
}
