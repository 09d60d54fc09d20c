/** The ports of an agent: asked for as long as somebody looks, opened, closed. */
import type { Preview, PreviewEntrance, PreviewList } from '../../core/api/previews.ts';
import { type App, useApp, useIsConnected } from '../app.ts';
import { useEffect } from '../html.ts';
import { type Resource, useResource } from '../hooks/use-resource.ts';
import { path } from '../route.ts';

/** How often it is asked which ports there are, ms, while the page is seen. */
const POLL_MS = 5000;

/** A port in the list: somebody listens on it, or it is open, or both. */
export interface PortEntry {
  port: number;
  /** '': nothing of the agent is known to listen there. */
  program: string;
  preview: Preview | null;
}

export const addressOf = (agent: string): string => path`/api/agents/${agent}/previews`;

/** What the machine says of the agent's ports; a machine of an older release says nothing. */
export function usePreviews(agent: string): Resource<PreviewList> {
  const { api } = useApp();
  const resource = useResource(() => api.get<PreviewList>(addressOf(agent)), [agent], `previews ${agent}`);
  const isUp = useIsConnected();
  // A machine of an older release: asked again when the connection is back.
  const isUnknown = resource.error !== '' && !resource.value;
  useEffect(() => {
    if (!isUp || isUnknown) return;
    const timer = setInterval(() => !document.hidden && resource.reload(), POLL_MS);
    return () => clearInterval(timer);
  }, [isUp, isUnknown, resource.reload]);
  return resource;
}

/** By number. */
export function entriesOf({ ports, previews }: PreviewList): PortEntry[] {
  const entries = new Map<number, PortEntry>(
    ports.map(({ port, program }) => [port, { port, program, preview: null }]),
  );
  for (const preview of previews) {
    entries.set(preview.port, { port: preview.port, program: entries.get(preview.port)?.program ?? '', preview });
  }
  return [...entries.values()].sort((a, b) => a.port - b.port);
}

/** Opens the port and lets this browser in. @returns the address, which works once and for a minute */
export async function enterPort({ api, machine }: App, agent: string, port: number): Promise<string> {
  const { id } = await api.post<Preview>(addressOf(agent), { port });
  const body = { preview: id, port, ...(machine ? { machine } : {}) };
  return (await api.post<PreviewEntrance>('/api/previews/enter', body)).url;
}
