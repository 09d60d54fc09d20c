import type { IconName } from '../components/icon.ts';
import { lazy, loaded } from '../hooks/lazy.ts';
import type { Lazy } from '../hooks/lazy.ts';
import { t } from '../i18n/t.ts';
import { CONVERSATION } from '../pages/agent-tabs.ts';
import Dashboard from '../pages/dashboard.ts';
import { matchPath } from '../route.ts';
import type { PageProps } from '../route.ts';

export interface Page {
  /** Segments; `:name` takes any one segment. */
  path: string;
  title: string;
  /** In the navigation: `main` is always in reach, `more` is behind the menu on a phone. */
  nav?: { icon: IconName; place: 'main' | 'more'; onlyAtRelay?: true };
  view: Lazy<PageProps>;
}

/** What an agent's page is made of is fetched at once, not one part after another. */
const agentPage = lazy(() => {
  for (const { load } of CONVERSATION) load();
  return import('../pages/agent.ts');
});
const searchPage = lazy(() => import('../pages/search.ts'));

/** The views that a start most often goes on to. */
export const NEXT: readonly Pick<Lazy<PageProps>, 'load'>[] = [agentPage];

/** Every page. The first match wins; order is the order of the navigation. */
export const PAGES: Page[] = [
  {
    path: '/',
    title: t.nav.agents,
    nav: { icon: 'agents', place: 'main' },
    view: loaded(Dashboard),
  },
  { path: '/new', title: t.nav.create, view: lazy(() => import('../pages/create.ts')) },
  { path: '/answer/:id/:request', title: t.answer.title, view: lazy(() => import('../pages/answer.ts')) },
  { path: '/share', title: t.share.title, view: lazy(() => import('../pages/share.ts')) },
  { path: '/agents/:id', title: t.nav.agents, view: agentPage },
  { path: '/agents/:id/:tab', title: t.nav.agents, view: agentPage },
  { path: '/agents/:id/:tab/:file', title: t.nav.agents, view: agentPage },
  { path: '/agents/:id/:tab/:file/:line', title: t.nav.agents, view: agentPage },
  { path: '/desk/:id', title: t.nav.agents, view: lazy(() => import('../pages/desk.ts')) },
  {
    path: '/tasks',
    title: t.nav.tasks,
    nav: { icon: 'tasks', place: 'main' },
    view: lazy(() => import('../pages/tasks.ts')),
  },
  {
    path: '/terminals',
    title: t.nav.terminals,
    nav: { icon: 'terminal', place: 'main' },
    view: lazy(() => import('../pages/terminals.ts')),
  },
  { path: '/terminals/:id', title: t.nav.terminals, view: lazy(() => import('../pages/terminal.ts')) },
  { path: '/search', title: t.nav.search, nav: { icon: 'search', place: 'more' }, view: searchPage },
  { path: '/search/:query', title: t.nav.search, view: searchPage },
  {
    path: '/templates',
    title: t.nav.templates,
    nav: { icon: 'templates', place: 'more' },
    view: lazy(() => import('../pages/templates.ts')),
  },
  {
    path: '/sessions',
    title: t.nav.sessions,
    nav: { icon: 'history', place: 'more' },
    view: lazy(() => import('../pages/sessions.ts')),
  },
  {
    path: '/schedule',
    title: t.nav.schedule,
    nav: { icon: 'clock', place: 'more' },
    view: lazy(() => import('../pages/schedule.ts')),
  },
  {
    path: '/usage',
    title: t.nav.usage,
    nav: { icon: 'usage', place: 'more' },
    view: lazy(() => import('../pages/usage.ts')),
  },
  {
    path: '/devices',
    title: t.nav.devices,
    nav: { icon: 'devices', place: 'more' },
    view: lazy(() => import('../pages/devices.ts')),
  },
  {
    path: '/machines',
    title: t.nav.machines,
    nav: { icon: 'machine', place: 'more', onlyAtRelay: true },
    view: lazy(() => import('../pages/machines.ts')),
  },
  { path: '/pair/:code', title: t.nav.paired, view: lazy(() => import('../pages/paired.ts')) },
  {
    path: '/settings',
    title: t.nav.settings,
    nav: { icon: 'settings', place: 'more' },
    view: lazy(() => import('../pages/settings.ts')),
  },
];

export const MISSING: Page = { path: '', title: t.notFound.title, view: lazy(() => import('../pages/missing.ts')) };

export interface Target {
  path: string;
  page: Page;
  params: Record<string, string>;
}

/** The page and its parameters for a path such as `/agents/x`. */
export function resolve(path: string): Target {
  for (const page of PAGES) {
    const params = matchPath(page.path, path);
    if (params) return { path, page, params };
  }
  return { path, page: MISSING, params: {} };
}
