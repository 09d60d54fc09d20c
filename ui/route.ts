/**
 * Where the user is: the part of the address behind `#`, so that any server which serves the page serves every address.
 * Only the path decides; the address's query is never read (nobody can point the page elsewhere).
 */
import { isCovered, leave, startBack } from './back.ts';
import { signal, useSignalValue } from './state/signal.ts';

/** What every page is drawn with: the segments of the address that its pattern names. */
export interface PageProps {
  params: Record<string, string>;
}

/** The path where the user is, without the machine. Changed by `go` and the address bar only. */
export const currentPath = signal('/');

/** The machine that the address names (`#/m/<machine>/…`); empty: none. */
export const namedMachine = signal('');

/** The machine that addresses name from here on; empty while there is but one. Set by the fleet. */
export const scope = signal('');

/** Follows the address bar from now on. */
export function startRouting(): void {
  read();
  startBack();
  addEventListener('hashchange', read);
  addEventListener('click', followLink);
}

/** A link in something that lies over the page: the browser would keep the entry of what is closed by it. */
function followLink(event: MouseEvent): void {
  if (
    !isCovered() || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey ||
    event.altKey
  ) return;
  const link = event.target instanceof Element && event.target.closest('a[href^="#/"]:not([target])');
  if (!link) return;
  event.preventDefault();
  go(link.getAttribute('href')!.slice(1));
}

const MACHINE = /^\/m\/([a-z0-9]{6,40})(?=\/|$)/;

function read(): void {
  const path = location.hash.replace(/^#/, '');
  namedMachine.value = MACHINE.exec(path)?.[1] ?? '';
  currentPath.value = path.replace(MACHINE, '') || '/';
}

/** The path where the user is, such as `/agents/x`, without the machine. */
export const usePath = (): string => useSignalValue(currentPath);

/** Pages of all machines, and of none. */
export const isShared = (path: string): boolean =>
  /^\/(?:devices|machines|share|search(?:\/.*)?|pair\/.*)?$/.test(path);

/** The path with the machine in it, when there are several. One that names a machine stays as it is. */
const addressed = (path: string): string => isShared(path) || MACHINE.test(path) ? path : at(scope.value, path);

/** A page of a machine. @param machine empty: of the only one */
export const at = (machine: string, path: string): string => machine ? `/m/${machine}${path}` : path;

/** `href` of a path: parameters are encoded by `path`. */
export const href = (path: string): string => `#${addressed(path)}`;

/** A path from a template and its parts: path`/agents/${id}`. */
export const path = (strings: TemplateStringsArray, ...values: string[]): string =>
  strings.reduce((result, part, i) => result + encodeURIComponent(values[i - 1] ?? '') + part);

/** The page that shows a file of an agent. @param file below the agent's folder; with "/" at its end a directory */
export const filePage = (agent: string, file: string, line?: number): string =>
  path`/agents/${agent}/files` + (file ? path`/${file}` : '') + (line ? `/${line}` : '');

/** Goes to a path; `replace`: without an entry in the history. */
export function go(to: string, replace = false): void {
  const address = href(to);
  leave((isOurs) => {
    if (isOurs || replace) history.replaceState(null, '', address);
    else location.hash = address;
    read();
  });
}

const split = (path: string) => path.split('/').filter(Boolean);

/** The parameters of a path that fits a pattern such as `/agents/:id`, decoded; null when it does not fit. */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const wanted = split(pattern);
  const segments = split(path);
  if (wanted.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const segment = segments[i]!;
    if (!part.startsWith(':')) {
      if (part !== segment) return null;
      continue;
    }
    try {
      params[part.slice(1)] = decodeURIComponent(segment);
    } catch {
      return null;
    }
  }
  return params;
}
