/** Keys of the whole dashboard. None of them acts while somebody writes, has a dialog open or uses a terminal. */
import { needsMe } from '../../core/api/agent-order.ts';
import { html, useEffect, useState } from '../html.ts';
import type { App } from '../app.ts';
import { useApp } from '../app.ts';
import { isBusy, select } from '../agent/agent-view.ts';
import { grouping, inGroups, nextGrouping, setGrouping } from '../agent/grouping.ts';
import { toastError } from '../components/mod.ts';
import { openDialogs } from '../components/toast.ts';
import { lazy, useLazy } from '../hooks/lazy.ts';
import { isComposing } from '../keyboard.ts';
import { at, go, matchPath, path as pathOf, usePath } from '../route.ts';
import { find } from '../state/store.ts';
import type { PanelProps } from './panel.ts';

const palette = lazy<PanelProps>(() => import('./palette.ts'));
const help = lazy<PanelProps>(() => import('./shortcuts-help.ts'));

/** Listens to the keys, and shows the palette and the list of keys. */
export default function Shortcuts() {
  const app = useApp();
  const path = usePath();
  const [panel, setPanel] = useState<'none' | 'palette' | 'help'>('none');
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isPaletteKey(event)) return take(event, () => setPanel('palette'));
      if (!isFree(event)) return;
      if (event.key === '?') return take(event, () => setPanel('help'));
      const act = action(event.key, app, path);
      if (act) take(event, act);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [app, path]);
  const close = () => setPanel('none');
  if (panel === 'none') return null;
  return html`<${Panel} key=${panel} source=${panel === 'palette' ? palette : help} onClose=${close} />`;
}

function Panel({ source, onClose }: PanelProps & { source: typeof palette }) {
  const { View } = useLazy(source);
  return View && html`<${View} onClose=${onClose} />`;
}

function take(event: KeyboardEvent, act: () => void): void {
  event.preventDefault();
  act();
}

const inTerminal = ({ target }: Event): boolean => target instanceof Element && target.closest('.xterm') !== null;

/** Also while one writes, but never in a terminal: there it is a key of the shell. */
const isPaletteKey = (event: KeyboardEvent): boolean =>
  event.key.toLowerCase() === 'k' && (event.metaKey || event.ctrlKey) && !event.shiftKey && !event.altKey &&
  !inTerminal(event) && openDialogs.value.length === 0;

const WRITES = 'input, textarea, select, [contenteditable]';

/** Nobody else wants this key. Escape in an empty field is not writing. */
function isFree(event: KeyboardEvent): boolean {
  const { target, key } = event;
  if (event.defaultPrevented || event.repeat || isComposing(event) || inTerminal(event)) return false;
  if (event.metaKey || event.ctrlKey || event.altKey || openDialogs.value.length > 0) return false;
  return key === 'Escape' || !(target instanceof Element && target.closest(WRITES));
}

/** What a key does on a page; null: nothing. */
function action(key: string, app: App, path: string): (() => void) | null {
  switch (key) {
    case 'j':
      return () => step(app, path, 1);
    case 'k':
      return () => step(app, path, -1);
    case 'a':
    case 'd':
      return () => answer(key === 'a' ? 'allow' : 'deny');
    case 'n':
      return () => go('/new');
    case 'g':
      return () => go('/');
    case 'v':
      return () => setGrouping(nextGrouping(app.fleet));
    case '/':
      return () => document.querySelector<HTMLElement>('input[type=search]')?.focus();
    case 'Escape':
      return interrupt(app, path);
    default:
      return null;
  }
}

const agentOf = (path: string): string | undefined =>
  (matchPath('/agents/:id', path) ?? matchPath('/agents/:id/:tab', path))?.id;

/** On the list to the next card; on an agent's page to the next agent. */
function step(app: App, path: string, by: 1 | -1): void {
  const current = agentOf(path);
  if (current !== undefined) {
    // As the column beside the conversation shows them.
    const list = inGroups(select(app.fleet.agents.value, 'all', ''), grouping.value, app.fleet).flatMap((group) =>
      group.agents
    );
    const position = list.findIndex((agent) => agent.id === current && agent.app === app);
    const next = list[(position + by + list.length) % list.length];
    if (next) go(at(next.app.machine, pathOf`/agents/${next.id}`), true);
    return;
  }
  const links = [...document.querySelectorAll<HTMLElement>('.agent-card .cover')];
  const position = links.findIndex((link) => link.closest('.agent-card')?.contains(document.activeElement));
  const next = links[position < 0 ? 0 : position + by];
  next?.focus();
  next?.closest('.agent-card')?.scrollIntoView({ block: 'nearest' });
}

/** Between the two presses that answer; ms. Who types a word into the page by mistake is faster, or does not go on. */
const ANSWER_PAUSE_MS = 400;
const MAX_CHOSEN_MS = 4000;
let chosen: { button: HTMLElement; at: number } | null = null;

/**
 * Chooses the answer of the request in the card that has the focus, or of the first one on an agent's page; pressed again it
 * answers. One press alone answers nothing: it may have been meant for the message. It takes no focus, so that a space does
 * not answer either. The button itself decides whether it stood there long enough.
 */
function answer(kind: 'allow' | 'deny'): void {
  const card = document.activeElement?.closest('.agent-card') ?? document.querySelector('.request-card');
  const button = card?.querySelector<HTMLElement>(`[data-answer=${kind}]`);
  if (!button) return;
  const now = performance.now();
  if (chosen?.button === button && now - chosen.at < MAX_CHOSEN_MS) {
    if (now - chosen.at >= ANSWER_PAUSE_MS) button.click();
    return;
  }
  choose(button, now);
}

function choose(button: HTMLElement, at: number): void {
  if (chosen) delete chosen.button.dataset.chosen;
  chosen = { button, at };
  button.dataset.chosen = '';
  button.scrollIntoView({ block: 'nearest' });
  setTimeout(() => chosen?.at === at && delete button.dataset.chosen, MAX_CHOSEN_MS);
}

/** Ends the turn of the agent on whose page one is. */
function interrupt({ api, store }: App, path: string): (() => void) | null {
  const agent = find(store.value.agents, agentOf(path) ?? '');
  if (!agent || !isBusy(agent) || needsMe(agent)) return null;
  return () => void api.command(pathOf`/api/agents/${agent.id}/interrupt`).catch(toastError);
}
