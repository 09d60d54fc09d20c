/** The two forms of the headers of a reply: an object by name, for handlers; a list, for a proxy. Pure. */
import type { HeaderList, HeaderMap } from './types.ts';

export const isHeaderList = (headers: HeaderMap | HeaderList): headers is HeaderList => Array.isArray(headers);

/** name, value, name, value …; a value that is a list gives several lines. */
export function headerList(headers: HeaderMap): string[] {
  const list: string[] = [];
  for (const name in headers) {
    const value = headers[name]!;
    if (typeof value === 'object') { for (const entry of value) list.push(name, entry); }
    else list.push(name, typeof value === 'string' ? value : String(value));
  }
  return list;
}

/** By name as it is written; a name that comes again has a list. */
export function headerMap(list: HeaderList): HeaderMap {
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!;
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    headers[name] = before === undefined ? value : typeof before === 'string' ? [before, value] : [...before, value];
  }
  return headers;
}
