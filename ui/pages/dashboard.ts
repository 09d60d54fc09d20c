import { html, useState } from '../html.ts';
import { EmptyState, LinkButton, Skeleton } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { machineStates } from '../machines/lazy.ts';
import { clockTime } from '../format.ts';
import { serverText, t } from '../i18n/t.ts';
import { AppContext, useApp, useHasMany, useStore } from '../app.ts';
import type { Placed } from '../app.ts';
import { ConnectionButton } from '../connection/connection-button.ts';
import { ContinueAll } from '../chat/continue.ts';
import { AgentList } from '../agent/agent-list.ts';
import { lazy, LazyView } from '../hooks/lazy.ts';
import { ListMenu } from '../agent/list-menu.ts';
import { NotifyButton } from '../agent/notify.ts';
import { useSignalValue } from '../state/signal.ts';

const deskList = lazy(() => import('../handoff/desk-list.ts'));
const selectBar = lazy<{ agents: readonly Placed[]; onDone: () => void }>(() => import('../agent/select-bar.ts'));

/** All agents, those that need the user first, on whichever machine. */
export default function Dashboard() {
  const isKnown = useStore((state) => state.loaded || state.knownAt !== null);
  const agents = useSignalValue(useApp().fleet.agents);
  const loaded = isKnown || agents.length > 0;
  const { selection, chosen, begin, end } = useSelection(agents);
  return html`
    <div class="page wide">
      <header class="page-head">
        <h1>${t.dashboard.title}</h1>
        <${AsOf} />
        ${useHasMany() ? html`<${LazyView} source=${machineStates} />` : html`<${ConnectionButton} />`}
        <div class="row end">
          <${NotifyButton} />
          ${agents.length > 0 &&
            html`<${ListMenu} agents=${agents} onSelect=${begin} />`}
          ${agents.length > 0 && html`<${CreateButton} />`}
        </div>
      </header>
      <${Warnings} />
      <${ContinueAll} agents=${agents} />
      <${AtDesk} />
      ${!loaded && html`<${Skeleton} lines=${6} />`}
      ${loaded && !agents.length && html`<${NoAgents} />`}
      ${loaded && agents.length > 0 &&
        html`<${AgentList} agents=${agents} selection=${selection} />`}
    ${selection && html`<${LazyView} source=${selectBar} agents=${chosen} onDone=${end} />`}
    </div>
  `;
}

/** Sessions that run in terminals, by machine; nothing where there are none. */
function AtDesk() {
  const apps = useSignalValue(useApp().fleet.apps);
  return apps.map((app) =>
    html`
      <${AppContext.Provider} key=${app.machine} value=${app}>
        <${AtDeskOf} />
        <//>
    `
  );
}

function AtDeskOf() {
  const hasSome = useStore(({ handoff }) => Object.keys(handoff).length > 0);
  return hasSome && html`<${LazyView} source=${deskList} />`;
}

/** How old the list is, until the machine has sent the present one. */
function AsOf() {
  const knownAt = useStore((state) => state.loaded ? null : state.knownAt);
  return knownAt !== null && html`<span class="hint as-of">${t.connection.asOf(clockTime(knownAt))}</span>`;
}

/** The agents that are chosen, while one chooses. */
function useSelection(agents: readonly Placed[]) {
  const [keys, setKeys] = useState<ReadonlySet<string> | null>(null);
  const toggle = (key: string) =>
    setKeys((old) => new Set(old?.has(key) ? [...old].filter((other) => other !== key) : [...old ?? [], key]));
  return {
    selection: keys && { keys, toggle },
    chosen: agents.filter(({ key }) => keys?.has(key)),
    begin: () => setKeys(new Set()),
    end: () => setKeys(null),
  };
}

function CreateButton() {
  const { create, createShort, createRest } = t.dashboard;
  return html`
    <${LinkButton} to="/new" tone="primary" icon="plus" aria-label=${create}>
      ${createShort}
      <span class="wide-only">${createRest}</span>
    <//>
  `;
}

/** Server-wide warnings, and providers that cannot be used when none can. */
function Warnings() {
  const warnings = useStore((state) => state.warnings);
  const machine = useStore((state) => state.machine);
  const { versionWarning } = useSignalValue(useApp().relay.state);
  const providers = Object.values(machine?.providers ?? {});
  const hasNone = providers.length > 0 && providers.every((provider) => !provider.available);
  const noProvider = hasNone && html`
    <${Note} tone="warn" alert>
      <strong>${t.dashboard.noProvider}.</strong>${' '}
      ${providers.map(({ text }) => text).join(' ')}
    <//>
  `;
  const notes = warnings.map(({ code, text }) => html`<${Note} key=${code} tone="warn" alert>${serverText(text)}<//>`);
  return html`
    ${noProvider}
    ${notes}
    ${versionWarning && html`<${Note} tone="warn">${versionWarning}<//>`}
  `;
}

function NoAgents() {
  return html`
    <${EmptyState} icon="agents" title=${t.dashboard.empty} text=${t.dashboard.emptyText}>
      <${LinkButton} to="/new" tone="primary" icon="plus">${t.dashboard.create}<//>
      <${LinkButton} to="/sessions" icon="history">${t.dashboard.emptyImport}<//>
    <//>
  `;
}
