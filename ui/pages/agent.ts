import { html, useEffect, useRef, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { chatPath, deskSessionOf } from '../../core/api/handoff.ts';
import {
  Button,
  Dialog,
  EmptyState,
  IconButton,
  LinkButton,
  Pill,
  Skeleton,
  TextField,
  TimeAgo,
  toastError,
} from '../components/mod.ts';
import { StatePill } from '../agent/state-pill.ts';
import { count, money } from '../format.ts';
import { t } from '../i18n/t.ts';
import { go, href, path } from '../route.ts';
import type { PageProps } from '../route.ts';
import { useApp, useStore } from '../app.ts';
import { find } from '../state/store.ts';
import { lazy, LazyView, useLazy } from '../hooks/lazy.ts';
import { ConnectionButton } from '../connection/connection-button.ts';
import { AgentMenu } from '../agent/agent-menu.ts';
import { ArchivedNote } from '../agent/archived-note.ts';
import { previews, TABS } from './agent-tabs.ts';
import type { Tab } from './agent-tabs.ts';

const atDeskNote = lazy(() => import('../handoff/at-desk-note.ts'));

/** One agent: its header, and one of the tabs. */
export default function AgentPage({ params }: PageProps) {
  const agent = useStore((state) => find(state.agents, params.id ?? ''));
  const loaded = useStore((state) => state.loaded && !state.rest);
  const isDesk = deskSessionOf(params.id ?? '') !== null;
  // What a notification of a session at the desk leads to.
  useEffect(() => void (isDesk && go(chatPath(params.id!), true)), [isDesk]);
  const tab = TABS.find(({ id }) => id === params.tab) ?? TABS[0]!;
  if (agent) return html`<${AgentView} agent=${agent} tab=${tab} />`;
  return html`
    <div class="page">
      ${loaded && !isDesk ? html`<${Gone} />` : html`<${Skeleton} lines=${6} />`}
    </div>
  `;
}

function Gone() {
  return html`
    <${EmptyState} isPage icon="search" title=${t.agent.gone} text=${t.agent.goneText}>
      <${LinkButton} to="/" tone="primary">${t.notFound.home}<//>
    <//>
  `;
}

interface ViewProps {
  agent: AgentInfo;
  tab: Tab;
}

function AgentView({ agent, tab }: ViewProps) {
  const [renaming, setRenaming] = useState(false);
  const [previewing, setPreviewing] = useState(false);
  return html`
    <div class="agent-page">
      <header class="agent-head">
        <div class="agent-head-row">
          <${IconButton} icon="back" label=${t.nav.back} class="back" onClick=${() => go('/')} />
          <div class="agent-title">
            <h1 class="ellipsis" dir="auto" title=${agent.name}>${agent.name}</h1>
            <${Facts} agent=${agent} />
          </div>
          <${ConnectionButton} agent=${agent} word=${false} />
          <${AgentMenu}
            agent=${agent}
            onRename=${() => setRenaming(true)}
            onPreview=${() => setPreviewing(true)}
          />
        </div>
        <${LazyView}
          key=${agent.id}
          source=${previews}
          agent=${agent}
          isOpen=${previewing}
          onToggle=${setPreviewing}
        />
        <${Tabs} agent=${agent} current=${tab} />
      </header>
      <${ArchivedNote} agent=${agent} />
      <${AtDesk} agent=${agent} />
      <section class=${`tab-panel ${tab.id}`} aria-label=${tab.title} tabindex=${tab.id === 'chat' ? undefined : 0}>
        <${TabView} key=${tab.id} tab=${tab} agent=${agent} />
      </section>
      ${renaming && html`<${Rename} agent=${agent} onClose=${() => setRenaming(false)} />`}
    </div>
  `;
}

/** That its session is open in a terminal. */
function AtDesk({ agent: { sessionId } }: { agent: AgentInfo }) {
  const session = useStore((state) => find(state.handoff, sessionId ?? ''));
  return session && html`<${LazyView} source=${atDeskNote} session=${session} />`;
}

/** The parts of the page; the current one is always in view. */
function Tabs({ agent, current }: { agent: AgentInfo; current: Tab }) {
  const box = useRef<HTMLElement>(null);
  useEffect(
    () => box.current?.querySelector('[aria-current]')?.scrollIntoView({ inline: 'nearest', block: 'nearest' }),
    [current],
  );
  const links = TABS.map((tab) => {
    const to = `${path`/agents/${agent.id}`}/${tab.id}`;
    const open = (event: MouseEvent) => {
      event.preventDefault();
      go(to, true);
    };
    const state = tab === current ? 'page' : undefined;
    return html`<a key=${tab.id} href=${href(to)} aria-current=${state} onClick=${open}>${tab.title}</a>`;
  });
  return html`<nav class="tabs" ref=${box} aria-label=${t.tabs.label}>${links}</nav>`;
}

/** State, cost, tokens and context on one line. */
function Facts({ agent }: { agent: AgentInfo }) {
  const { costUsd, inputTokens, outputTokens, contextTokens, contextWindow } = agent.usage;
  const hasContext = contextTokens !== null && contextWindow !== null;
  const hasTokens = inputTokens + outputTokens > 0;
  const tokens = t.dashboard.tokens(count(inputTokens + outputTokens));
  return html`
    <div class="facts">
      <${StatePill} agent=${agent} />
      <span class="hint"><${TimeAgo} at=${agent.stateSince} plain /></span>
      ${agent.demo && html`<${Pill} tone="info">${t.demo}<//>`}
      <span class="grow"></span>
      ${money(costUsd) && html`<span class="hint" title=${t.agent.cost}>${money(costUsd)}</span>`}
      ${hasTokens &&
        html`<span class="hint tokens" title=${t.agent.tokensTitle(inputTokens, outputTokens)}>${tokens}</span>`}
      ${hasContext && html`<${ContextBar} used=${contextTokens} size=${contextWindow} />`}
    </div>
  `;
}

function ContextBar({ used, size }: { used: number; size: number }) {
  const percent = Math.min(100, Math.round((100 * used) / size));
  const tone = percent > 85 ? 'bad' : percent > 65 ? 'warn' : '';
  const label = t.agent.context(percent, count(used), count(size));
  return html`
    <span
      class=${`context ${tone}`}
      role="meter"
      aria-valuenow=${percent}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-label=${label}
      title=${label}
    >
      <span class="context-track">
        <span class="context-fill" style=${{ width: `${percent}%` }}></span>
      </span>
      <span>${percent}%</span>
    </span>
  `;
}

function TabView({ tab, agent }: ViewProps) {
  const { View, failed, retry } = useLazy(tab.view);
  if (View) return html`<${View} agent=${agent} />`;
  if (failed) {
    return html`
      <${EmptyState} icon="warning" title=${t.common.pageFailed}>
        <${Button} onClick=${retry}>${t.common.retry}<//>
      <//>
    `;
  }
  return html`
    <div class="page">
      <${Skeleton} lines=${5} />
    </div>
  `;
}

function Rename({ agent, onClose }: { agent: AgentInfo; onClose: () => void }) {
  const { api } = useApp();
  const [name, setName] = useState(agent.name);
  const [error, setError] = useState('');
  async function save(event: Event) {
    event.preventDefault();
    if (!name.trim()) return setError(t.agent.nameEmpty);
    try {
      await api.put(path`/api/agents/${agent.id}/rename`, { name: name.trim() });
      onClose();
    } catch (refused) {
      setError((refused as Error).message);
      toastError(refused);
    }
  }
  return html`
    <${Dialog} title=${t.agent.rename} onClose=${onClose}>
      <form class="stack" onSubmit=${save}>
        <${TextField} label=${t.agent.name} value=${name} error=${error} maxlength="120" onInput=${setName} autofocus />
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
          <${Button} type="submit" tone="primary">${t.common.save}<//>
        </div>
      </form>
    <//>
  `;
}
