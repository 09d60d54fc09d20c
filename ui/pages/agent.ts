import { html, useEffect, useRef, useState } from '../html.ts';
import type { ComponentType } from '../html.ts';
import type { AgentInfo } from '../../core/wire/types.ts';
import {
  Button,
  Dialog,
  EmptyState,
  LinkButton,
  Pill,
  Skeleton,
  TextField,
  TimeAgo,
  toastError,
} from '../components/mod.ts';
import { StatePill } from '../components/state.ts';
import { count, money } from '../format.ts';
import { t } from '../i18n/en.ts';
import { go, href, path } from '../route.ts';
import type { PageProps } from '../route.ts';
import { api, useStore } from '../services.ts';
import { find } from '../store.ts';
import { ConnectionButton } from '../shell/connection-bar.ts';
import { AgentMenu } from './agent-menu.ts';
import { TABS } from './agent-tabs.ts';
import type { Tab, TabProps } from './agent-tabs.ts';
import { IconButton } from '../components/mod.ts';

/** One agent: its header, and one of the tabs. */
export default function AgentPage({ params }: PageProps) {
  const agent = useStore((state) => find(state.agents, params.id ?? ''));
  const loaded = useStore((state) => state.loaded);
  const [renaming, setRenaming] = useState(false);
  if (!agent) {
    return html`<div class="page">${
      loaded
        ? html`
          <${EmptyState} icon="search" title=${t.agent.gone} text=${t.agent.goneText}>
            <${LinkButton} to="/" tone="primary">${t.notFound.home}<//></${EmptyState}>
        `
        : html`<${Skeleton} lines=${6} />`
    }</div>`;
  }
  const tab = TABS.find(({ id }) => id === params.tab) ?? TABS[0]!;
  return html`<div class="agent-page">
    <header class="agent-head">
      <div class="agent-head-row">
        <${IconButton} icon="back" label=${t.nav.back} class="back" onClick=${() => go('/')} />
        <h1 class="ellipsis" dir="auto" title=${agent.name}>${agent.name}</h1>
        <${ConnectionButton} agent=${agent} word=${false} />
        <${AgentMenu} agent=${agent} onRename=${() => setRenaming(true)} />
      </div>
      <${Facts} agent=${agent} />
      <${Tabs} agent=${agent} current=${tab} />
    </header>
    <section class=${`tab-panel ${tab.id}`} aria-label=${tab.title}><${TabView} key=${tab.id} tab=${tab} agent=${agent} /></section>
    ${renaming && html`<${Rename} agent=${agent} onClose=${() => setRenaming(false)} />`}
  </div>`;
}

/** The parts of the page; the current one is always in view. */
function Tabs({ agent, current }: { agent: AgentInfo; current: Tab }) {
  const box = useRef<HTMLElement>(null);
  useEffect(
    () => box.current?.querySelector('[aria-current]')?.scrollIntoView({ inline: 'nearest', block: 'nearest' }),
    [current],
  );
  return html`<nav class="tabs" ref=${box} aria-label=${t.tabs.label}>
    ${
    TABS.map((tab) => {
      const to = `${path`/agents/${agent.id}`}/${tab.id}`;
      const open = (event: MouseEvent) => {
        event.preventDefault();
        go(to, true);
      };
      return html`<a key=${tab.id} href=${href(to)} aria-current=${
        tab === current ? 'page' : undefined
      } onClick=${open}>${tab.title}</a>`;
    })
  }</nav>`;
}

/** State, cost, tokens and context on one line. */
function Facts({ agent }: { agent: AgentInfo }) {
  const { costUsd, inputTokens, outputTokens, contextTokens, contextWindow } = agent.usage;
  return html`<div class="facts"><${StatePill} agent=${agent} /><span class="hint"><${TimeAgo} at=${agent.stateSince} plain /></span>
    ${agent.demo && html`<${Pill} tone="info">${t.demo}<//>`}<span class="grow"></span>
    ${costUsd !== null && html`<span class="hint" title=${t.agent.cost}>${money(costUsd)}</span>`}
    <span class="hint tokens" title=${t.agent.tokensTitle(inputTokens, outputTokens)}>${
    t.dashboard.tokens(count(inputTokens + outputTokens))
  }</span>
    ${
    contextTokens !== null && contextWindow !== null &&
    html`<${ContextBar} used=${contextTokens} size=${contextWindow} />`
  }
  </div>`;
}

function ContextBar({ used, size }: { used: number; size: number }) {
  const percent = Math.min(100, Math.round((100 * used) / size));
  const tone = percent > 85 ? 'bad' : percent > 65 ? 'warn' : '';
  const label = t.agent.context(percent, count(used), count(size));
  return html`
    <span class=${`context ${tone}`} role="meter" aria-valuenow=${percent} aria-valuemin="0" aria-valuemax="100"
      aria-label=${label} title=${label}>
        <span class="context-track"><span class="context-fill" style=${{
          width: `${percent}%`,
        }}></span></span><span>${percent}%</span></span>
  `;
}

const loadedTabs = new Map<Tab, ComponentType<TabProps>>();

function TabView({ tab, agent }: { tab: Tab; agent: AgentInfo }) {
  const [, redraw] = useState(0);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (loadedTabs.has(tab)) return;
    tab.load().then((module) => {
      loadedTabs.set(tab, module.default);
      redraw((n) => n + 1);
    }, () => setFailed(true));
  }, [tab]);
  const View = loadedTabs.get(tab);
  if (View) return html`<${View} agent=${agent} />`;
  return failed ? html`<${EmptyState} icon="warning" title=${t.common.pageFailed} />` : html`
    <div class="page">
      <${Skeleton} lines=${5} />
    </div>
  `;
}

function Rename({ agent, onClose }: { agent: AgentInfo; onClose: () => void }) {
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
          <${Button}
            onClick=${onClose}>${t.common.cancel}<//><${Button} type="submit" tone="primary">${t.common
              .save}<//></div></form>
      <//>
  `;
}
