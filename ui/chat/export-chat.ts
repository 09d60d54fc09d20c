/** A whole conversation as a file. */
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message, MessagePage } from '../../core/api/messages.ts';
import type { Api } from '../net/api.ts';
import { path } from '../route.ts';
import { markdownOf } from './markdown-export.ts';

/** Messages that one request asks for, and pages of them: so many are exported at most. */
const PAGE = 1000;
const MAX_PAGES = 1000;
/** The browser needs the file for a while, ms. */
const KEEP_MS = 60_000;

export async function exportChat(api: Api, agent: AgentInfo, kind: 'md' | 'json'): Promise<void> {
  const messages = await allMessages(api, agent.id);
  const text = kind === 'json' ? JSON.stringify({ agent, messages }, null, 2) : markdownOf(agent, messages);
  const type = kind === 'json' ? 'application/json' : 'text/markdown';
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${agent.name.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 60) || 'conversation'}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}

/** From the first to the last, page by page. */
async function allMessages(api: Api, id: string): Promise<Message[]> {
  const pages: Message[][] = [];
  let before = '';
  for (let i = 0; i < MAX_PAGES; i++) {
    const page = await api.get<MessagePage>(`${path`/api/agents/${id}/messages`}?limit=${PAGE}${before}`);
    pages.push(page.messages);
    if (!page.more || !page.messages.length) break;
    before = `&before=${page.messages[0]!.seq}`;
  }
  return pages.reverse().flat();
}
