/** Addresses of an agent's files: of their bytes, and of what the page shows. Pure. */
import { matchPath, path } from '../route.ts';

export const filesUrl = (agent: string): string => path`/api/agents/${agent}/files`;

/** The bytes of a file. */
export const contentUrl = (agent: string, file: string): string =>
  `${filesUrl(agent)}/content?${new URLSearchParams({ path: file })}`;

export const downloadUrl = (agent: string, file: string): string => `${contentUrl(agent, file)}&download=1`;

/** A directory as a zip file. */
export const archiveUrl = (agent: string, directory: string): string =>
  `${filesUrl(agent)}/archive?${new URLSearchParams({ path: directory })}`;

export interface Place {
  /** Below the agent's folder; '' is the folder itself. */
  file: string;
  /** It is known to be a directory. */
  isDirectory: boolean;
  /** From 1; 0: none is meant. */
  line: number;
}

/** What the page's address names. */
export function placeOf(address: string): Place {
  const params = matchPath('/agents/:id/files/:file/:line', address) ?? matchPath('/agents/:id/files/:file', address);
  const file = params?.file ?? '';
  const line = /^\d{1,9}$/.test(params?.line ?? '') ? Number(params!.line) : 0;
  return { file: file.replace(/\/+$/, ''), isDirectory: file === '' || file.endsWith('/'), line };
}

export const nameOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1);

export const parentOf = (file: string): string => file.slice(0, Math.max(0, file.lastIndexOf('/')));

export const joined = (directory: string, name: string): string => directory ? `${directory}/${name}` : name;
