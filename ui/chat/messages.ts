import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.ts';
import { whenIdle } from '../idle.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message, RequestMessage } from '../../core/api/messages.ts';
import { Button, EmptyState, Icon, Skeleton, toastError } from '../components/mod.ts';
import { useSteadyList } from '../hooks/quiet.ts';
import { t } from '../i18n/all.ts';
import { useApp, useStore } from '../app.ts';
import { EMPTY_CHAT } from '../state/store.ts';
import type { Chat } from '../state/store.ts';
import { Activity } from './activity.ts';
import { lastEntries, MessageGrouper } from './group-messages.ts';
import { ToOwnMessage } from './own-message.ts';
import { RequestCard } from './request-card.ts';
import { ChunkView } from './rows.ts';
import { useInView, useScroll } from './scroll.ts';
import { useTarget } from './target.ts';
import { UnsentMessages } from './unsent-messages.ts';

/** With more messages than this loaded, those far above are dropped while the reader is at the end. */
const MAX_LOADED = 600;
/** The next page only after this one has been laid out, and never in a tight loop after a failure; ms. */
const PAGE_PAUSE_MS = 150;

/** Entries that are drawn first: about a screen. The others follow when the page is idle, or so long after, ms. */
const FIRST_ENTRIES = 12;
const MAX_BUSY_MS = 200;

/** The messages with an agent, and the requests that wait for an answer below them. */
/** @param sent counts the messages sent here: each is looked at, wherever the reader was */
export function Messages({ agent, sent }: { agent: AgentInfo; sent: number }) {
  const chat = useStore((state) => state.chats[agent.id]) ?? EMPTY_CHAT;
  const { messages, ready, stale, more } = chat;
  const grouper = useRef<MessageGrouper | null>(null);
  grouper.current ??= new MessageGrouper();
  const shown = useShownRequests(agent, chat);
  const { chunks, pending } = grouper.current.group(messages, new Set(shown.map(({ id }) => id)), !more);
  const isWhole = useWhole(ready);
  const drawn = isWhole ? chunks : lastEntries(chunks, FIRST_ENTRIES);
  const older = useOlder(agent, chat);
  const first = isWhole ? messages[0]?.id : String(ready);
  const { box, content, atEnd, toEnd, toElement, onScroll } = useScroll(first, () => isWhole && older.load());
  useLayoutEffect(() => {
    if (sent > 0) toEnd();
  }, [sent]);
  const isAnswering = useInView(box, '.request-card', pending.map(({ id }) => id).join());
  const isSeeking = useTarget(agent.id, { ...chat, ready: isWhole }, box, toElement);
  const hasNews = useNews(agent, chat, atEnd, isSeeking);
  const rows = drawn.map((chunk) => html`<${ChunkView} key=${chunk.key} chunk=${chunk} />`);
  const cards = shown.map((request) => html`<${RequestCard} key=${request.id} agent=${agent} message=${request} />`);
  const log = html`
    <div class="chat-content" ref=${content}>
      ${!ready && html`<${Skeleton} lines=${5} />`}
      ${ready && more && html`<${OlderButton} older=${older} />`}
      ${ready && !messages.length && html`<${NoMessages} />`}
      ${rows}
      ${cards}
      <${UnsentMessages} agent=${agent.id} known=${messages} />
      <${Activity} agent=${agent} last=${messages.at(-1)} />
    </div>
  `;
  const jumps = html`
    <div class="jumps">
      <${ToOwnMessage} agent=${agent} chat=${chat} box=${box} show=${toElement} />
      <${ToEnd} isAsked=${pending.length > 0} hasNews=${hasNews} onClick=${toEnd} />
    </div>
  `;
  return html`
    <div class="chat-view">
      <div
        class="chat-scroll"
        ref=${box}
        onScroll=${onScroll}
        tabindex="0"
        role="log"
        aria-label=${t.chat.label}
        aria-live="off"
        aria-busy=${!ready || stale}
      >
        ${log}
      </div>
      ${!atEnd && !isAnswering && jumps}
      <div class="sr-only" role="status">${pending.length > 0 && t.request.title[pending[0]!.request]}</div>
    </div>
  `;
}

/** False while a conversation that has just come is drawn for the first time: its end is what is seen. */
function useWhole(ready: boolean): boolean {
  const [isWhole, setWhole] = useState(false);
  useEffect(() => {
    if (!ready) return setWhole(false);
    return whenIdle(() => setWhole(true), MAX_BUSY_MS);
  }, [ready]);
  return isWhole && ready;
}

const isRequest = (message: Message): message is RequestMessage => message.kind === 'request';

/** Open requests, oldest first; one that was just answered stays until the user's hand is off the page. */
function useShownRequests(agent: AgentInfo, { messages, stale }: Chat): readonly RequestMessage[] {
  const requests = messages.filter(isRequest);
  // What was open when one left may have been answered meanwhile: the agent itself says so first.
  const isOpen = ({ id, status }: RequestMessage) => status === 'pending' && (!stale || agent.pending.includes(id));
  const open = requests.filter(isOpen);
  return useSteadyList(open, (id) => requests.find((request) => request.id === id), agent.id);
}

interface Older {
  loading: boolean;
  load: () => void;
}

/** Loading the messages before the first one, also until every open request is among them. */
function useOlder(agent: AgentInfo, { messages, ready, stale, more }: Chat): Older {
  const { chats } = useApp();
  const [loading, setLoading] = useState(false);
  const busy = useRef(false);
  async function loadPage() {
    if (busy.current || !more || !ready || stale) return;
    busy.current = true;
    setLoading(true);
    await chats.loadOlder(agent.id).catch(toastError);
    setLoading(false);
    setTimeout(() => busy.current = false, PAGE_PAUSE_MS);
  }
  const load = () => void loadPage();
  const isMissing = agent.pending.some((id) => !messages.some((message) => message.id === id));
  useEffect(() => {
    if (isMissing && more) load();
  }, [isMissing, messages[0]?.id, ready, stale]);
  return { loading, load };
}

/** Whether something came that the reader has not been at the end for; while they are there, what is far above is dropped. */
function useNews(agent: AgentInfo, { messages }: Chat, atEnd: boolean, isSeeking: boolean): boolean {
  const { chats } = useApp();
  const last = messages.at(-1)?.seq ?? 0;
  const seen = useRef(0);
  if (atEnd) seen.current = last;
  useEffect(() => {
    if (atEnd && !isSeeking && messages.length > MAX_LOADED) chats.trim(agent.id, MAX_LOADED / 2);
  });
  return last > seen.current;
}

function OlderButton({ older }: { older: Older }) {
  const button = html`<${Button} class="small" tone="quiet" onClick=${older.load}>${t.chat.older}<//>`;
  return html`<div class="older">${older.loading ? html`<${Skeleton} lines=${1} />` : button}</div>`;
}

const NoMessages = () => html`<${EmptyState} icon="agents" title=${t.chat.empty} text=${t.chat.emptyText} />`;

function ToEnd({ isAsked, hasNews, onClick }: { isAsked: boolean; hasNews: boolean; onClick: () => void }) {
  const text = isAsked ? t.chat.needsYou : hasNews ? t.chat.newMessages : t.chat.toEnd;
  return html`
    <button type="button" class=${`jump to-end ${isAsked || hasNews ? 'news' : ''}`} onClick=${onClick}>
      <${Icon} name="arrowDown" size=${16} />
      ${text}
    </button>
  `;
}
