/** What the palette offers: agents, what can be done on this page, and every page. */
import { isSearchable } from '../../core/api/search.ts';
import type { App } from '../app.ts';
import { isBusy, select, stateView } from '../agent/agent-view.ts';
import { grouping, groupings, setGrouping } from '../agent/grouping.ts';
import { stopAll } from '../agent/list-menu.ts';
import { toastError } from '../components/mod.ts';
import type { IconName } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { at, go, matchPath, path as pathOf } from '../route.ts';
import { find } from '../state/store.ts';
import { setTheme } from '../theme.ts';

export interface PaletteItem {
  id: string;
  icon: IconName;
  label: string;
  hint: string;
  run(): void;
}

/** Of what matches, so many are shown. */
const MAX_SHOWN = 12;

/** @param path of the page that is shown */
export function paletteItems(app: App, path: string): PaletteItem[] {
  const agents = select(app.fleet.agents.value, 'all', '').map((agent): PaletteItem => ({
    id: agent.key,
    icon: 'agents',
    label: agent.name,
    hint: stateView(agent).text,
    run: () => go(at(agent.app.machine, pathOf`/agents/${agent.id}`)),
  }));
  return [...actionsHere(app, path), ...agents, ...pages(), ...actions(app)];
}

const page = (path: string, label: string, icon: IconName): PaletteItem => ({
  id: path,
  icon,
  label,
  hint: t.desk.page,
  run: () => go(path),
});

const pages = (): PaletteItem[] => [
  page('/new', t.nav.create, 'plus'),
  page('/', t.nav.agents, 'agents'),
  page('/tasks', t.nav.tasks, 'tasks'),
  page('/terminals', t.nav.terminals, 'terminal'),
  page('/search', t.nav.search, 'search'),
  page('/templates', t.nav.templates, 'templates'),
  page('/sessions', t.nav.sessions, 'history'),
  page('/devices', t.nav.devices, 'devices'),
  page('/machines', t.nav.machines, 'machine'),
  page('/settings', t.nav.settings, 'settings'),
];

const action = (label: string, icon: IconName, run: () => void): PaletteItem => ({
  id: label,
  icon,
  label,
  hint: t.desk.action,
  run,
});

/** What can be done with the agent whose page is shown. */
function actionsHere({ api, store }: App, path: string): PaletteItem[] {
  const id = (matchPath('/agents/:id', path) ?? matchPath('/agents/:id/:tab', path))?.id;
  const agent = find(store.value.agents, id ?? '');
  if (!agent) return [];
  const post = (name: string) => void api.command(`${pathOf`/api/agents/${agent.id}`}/${name}`).catch(toastError);
  const tab = (name: 'changes' | 'terminals' | 'instructions' | 'details', icon: IconName): PaletteItem => ({
    ...action(t.tabs[name], icon, () => go(`${pathOf`/agents/${agent.id}`}/${name}`)),
    hint: agent.name,
  });
  return [
    ...(isBusy(agent) ? [action(t.composer.interrupt, 'stop', () => post('interrupt'))] : []),
    ...(agent.cli.running ? [action(t.agent.stop, 'off', () => post('stop'))] : []),
    tab('changes', 'branch'),
    tab('terminals', 'terminal'),
    tab('instructions', 'file'),
    tab('details', 'info'),
  ];
}

const actions = (app: App): PaletteItem[] => [
  ...groupings(app.fleet).filter((value) => value !== grouping.value).map((value) =>
    action(t.dashboard.groups[value], value === 'machine' ? 'machine' : 'folder', () => setGrouping(value))
  ),
  action(t.dashboard.stopAll, 'stop', () => void stopAll(app.fleet.apps.value)),
  ...(['system', 'light', 'dark'] as const).map((theme) =>
    action(`${t.nav.theme}: ${t.nav.themes[theme]}`, 'sun', () => setTheme(theme))
  ),
];

/** What is offered for every text: to look for it in what was said. */
export const searchItems = (text: string): PaletteItem[] =>
  isSearchable(text) ? [{ ...page(pathOf`/search/${text}`, t.search.inAll(text.trim()), 'search'), id: 'search' }] : [];

/** Those that hold every word, those that begin with the text first. */
export function matching(items: readonly PaletteItem[], text: string): PaletteItem[] {
  const wanted = text.trim().toLowerCase();
  const words = wanted.split(/\s+/).filter(Boolean);
  const found = items.filter(({ label, hint }) =>
    words.every((word) => `${label} ${hint}`.toLowerCase().includes(word))
  );
  const begins = ({ label }: PaletteItem) => wanted !== '' && label.toLowerCase().startsWith(wanted);
  return [...found.filter(begins), ...found.filter((item) => !begins(item))].slice(0, MAX_SHOWN);
}
