/** Commands about terminals; the pages that list them need no terminal program for this. */
import type { CreateTerminalBody, TerminalInfo } from '../../core/api/terminals.ts';
import type { App } from '../app.ts';
import { newId } from '../net/api.ts';

/** Opens one, once, however often the request has to be sent. It is in the store when this resolves. */
export async function openTerminal({ api, store }: App, body: CreateTerminalBody): Promise<TerminalInfo> {
  const terminal = await api.command<TerminalInfo>('/api/terminals', { ...body, clientId: newId() });
  store.change({ type: 'terminal', terminal });
  return terminal;
}
