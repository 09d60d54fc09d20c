/** What a page shows of several machines: loaded when there is more than one. */
import { AppContext, useApp, useIsConnected, useMachineName, useStore } from '../app.ts';
import { Icon, Select } from '../components/mod.ts';
import { clockTime } from '../format.ts';
import { html } from '../html.ts';
import { machineTexts as texts } from '../i18n/machines.ts';
import { at, go, href, matchPath, usePath } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';

/** Whose agent it is; of a machine that is away, how old what is shown of it is, and what waits to be sent to it. */
export function MachineLine() {
  const { outbox } = useApp();
  const name = useMachineName();
  const isUp = useIsConnected();
  const seenAt = useSeenAt();
  const waiting = useSignalValue(outbox.items, (items) => items.filter(({ state }) => state !== 'failed').length);
  const asOf = seenAt !== null && html`<span>${texts.asOf(clockTime(seenAt))}</span>`;
  const away = !isUp && html`
    <span class="machine-away">${texts.away}</span>
    ${asOf}
    ${waiting > 0 && html`<span>${texts.waiting(waiting)}</span>`}
  `;
  return html`
    <p class=${`machine-line hint ${isUp ? '' : 'is-away'}`}>
      <${Icon} name="machine" size=${14} />
      <span class="ellipsis" dir="auto">${name}</span>
      ${away}
    </p>
  `;
}

/** When the machine was last heard here; what is shown of it is as old as that. null: never. */
function useSeenAt(): number | null {
  const { live } = useApp();
  const heardAt = useSignalValue(live.connection, ({ seenAt }) => seenAt);
  return useStore((state) => state.knownAt) ?? heardAt;
}

/** A dot for each machine; leads to the list of them. */
export function MachineStates() {
  const apps = useSignalValue(useApp().fleet.apps);
  const dots = apps.map((app) =>
    html`
      <${AppContext.Provider} key=${app.machine} value=${app}>
        <${Dot} />
        <//>
    `
  );
  return html`<a class="machine-states" href=${href('/machines')} aria-label=${texts.title}>${dots}</a>`;
}

function Dot() {
  const isUp = useIsConnected();
  const text = `${useMachineName()}: ${isUp ? texts.connected : texts.away}`;
  return html`<span class=${`dot ${isUp ? 'up' : 'down'}`} role="img" aria-label=${text} title=${text}></span>`;
}

/** Pages that are the same thing on each machine; others belong to one of them. */
const HAS_CHOICE = /^\/(new|tasks|terminals|templates|sessions|settings)$/;

/** Which machine the page is about; the one that is chosen here is the one for the next pages, too. */
export function MachineChoice() {
  const { fleet, machine } = useApp();
  const path = usePath();
  const machines = useSignalValue(fleet.machines);
  const name = machines.find(({ id }) => id === machine)?.name;
  if (!HAS_CHOICE.test(path)) return matchPath('/terminals/:id', path) ? null : html`<${Name} name=${name} />`;
  const options = machines.map(({ id, name, connected }) => ({
    value: id,
    label: connected ? name : `${name} · ${texts.away}`,
  }));
  const choose = (id: string) => go(at(id, path), true);
  return html`
    <div class="machine-choice">
      <${Icon} name="machine" size=${16} />
      <${Select} aria-label=${texts.choose} value=${machine} options=${options} onChange=${choose} />
    </div>
  `;
}

const Name = ({ name }: { name?: string }) =>
  html`
    <p class="machine-choice hint">
      <${Icon} name="machine" size=${14} />
      <span class="ellipsis" dir="auto">${name}</span>
    </p>
  `;
