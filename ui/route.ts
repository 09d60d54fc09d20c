/**
 * Where the user is: the part of the address behind `#`, so that any server which serves the page serves every address.
 * A page is one line in PAGES. Only the path decides; the address's query is never read (nobody can point the page elsewhere).
 */
import { cell, useCell } from './cell.ts';
import type { ComponentType } from './html.ts';
import type { IconName } from './components/icon.ts';
import { d } from './i18n/en-devices.ts';
import { t } from './i18n/en.ts';
import { tt } from './i18n/en-terminal.ts';
import { w } from './i18n/en-workshop.ts';

export interface PageProps {
  params: Record<string, string>;
}

export interface Page {
  /** Segments; `:name` takes any one segment. */
  path: string;
  title: string;
  /** In the navigation: `main` is always in reach, `more` is behind the menu on a phone. */
  nav?: { icon: IconName; place: 'main' | 'more' };
  load(): Promise<{ default: ComponentType<PageProps> }>;
}

/** Every page. The first match wins; order is the order of the navigation. */
export const PAGES: Page[] = [
  {
    path: '/',
    title: t.nav.agents,
    nav: { icon: 'agents', place: 'main' },
    load: () => import('./pages/dashboard.ts'),
  },
  { path: '/new', title: t.nav.create, load: () => import('./pages/create.ts') },
  { path: '/agents/:id', title: t.nav.agents, load: () => import('./pages/agent.ts') },
  { path: '/agents/:id/:tab', title: t.nav.agents, load: () => import('./pages/agent.ts') },
  { path: '/tasks', title: w.nav.tasks, nav: { icon: 'tasks', place: 'main' }, load: () => import('./pages/tasks.ts') },
  {
    path: '/terminals',
    title: tt.nav,
    nav: { icon: 'terminal', place: 'main' },
    load: () => import('./pages/terminals.ts'),
  },
  { path: '/terminals/:id', title: tt.nav, load: () => import('./pages/terminal.ts') },
  {
    path: '/templates',
    title: w.nav.templates,
    nav: { icon: 'templates', place: 'more' },
    load: () => import('./pages/templates.ts'),
  },
  {
    path: '/sessions',
    title: t.nav.sessions,
    nav: { icon: 'history', place: 'more' },
    load: () => import('./pages/sessions.ts'),
  },
  {
    path: '/devices',
    title: d.title,
    nav: { icon: 'devices', place: 'more' },
    load: () => import('./pages/devices.ts'),
  },
  {
    path: '/settings',
    title: w.nav.settings,
    nav: { icon: 'settings', place: 'more' },
    load: () => import('./pages/settings.ts'),
  },
];

const MISSING: Page = { path: '', title: t.notFound.title, load: () => import('./pages/missing.ts') };

export interface Where {
  path: string;
  page: Page;
  params: Record<string, string>;
}

/** The page and its parameters for a path such as `/agents/x`. */
export function resolve(path: string, pages: readonly Page[] = PAGES): Where {
  const segments = split(path);
  for (const page of pages) {
    const params = match(split(page.path), segments);
    if (params) return { path, page, params };
  }
  return { path, page: MISSING, params: {} };
}

const split = (path: string) => path.split('/').filter(Boolean);

function match(pattern: string[], segments: string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of pattern.entries()) {
    const got = segments[i]!;
    if (!part.startsWith(':')) {
      if (part !== got) return null;
      continue;
    }
    try {
      params[part.slice(1)] = decodeURIComponent(got);
    } catch {
      return null;
    }
  }
  return params;
}

const current = cell<Where>(resolve('/'));
const read = () => resolve(location.hash.replace(/^#/, '') || '/');

/** Follows the address bar from now on. */
export function startRouting(): void {
  current.set(read());
  addEventListener('hashchange', () => current.set(read()));
}

export const useWhere = (): Where => useCell(current);

/** `href` of a path: parameters are encoded by `path`. */
export const href = (path: string): string => `#${path}`;

/** A path from a template and its parts: path`/agents/${id}`. */
export const path = (strings: TemplateStringsArray, ...values: string[]): string =>
  strings.reduce((made, part, i) => made + encodeURIComponent(values[i - 1] ?? '') + part);

/** Goes to a path; `replace`: without an entry in the history. */
export function go(to: string, replace = false): void {
  if (replace) {
    history.replaceState(null, '', href(to));
    current.set(read());
  } else {
    location.hash = to;
  }
}
