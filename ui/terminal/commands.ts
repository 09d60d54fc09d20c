/** Commands about terminals; the pages that list them need no terminal program for this. */
import type { CreateTerminalBody } from '../../core/wire/terminal.ts';
import type { TerminalInfo } from '../../core/wire/types.ts';
import { newId } from '../api.ts';
import { api, store } from '../services.ts';
import { change } from '../store.ts';

/** Opens one, once, however often the request has to be sent. It is in the store when this resolves. */
export async function openTerminal(body: CreateTerminalBody): Promise<TerminalInfo> {
  const terminal = await api.command<TerminalInfo>('/api/terminals', { ...body, clientId: newId() });
  store.set(change(store.get(), { type: 'terminal', terminal }));
  return terminal;
}
