import { html, useEffect, useRef, useState } from '../html.ts';
import { useCell } from '../cell.ts';
import type { AgentInfo, Message } from '../../core/wire/types.ts';
import { Button, EmptyState, Icon, Skeleton, toastError } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import type { TabProps } from '../pages/agent-tabs.ts';
import { loadOlder, openChat, outbox, trimChat, useStore } from '../services.ts';
import { EMPTY_CHAT } from '../store.ts';
import { Arranger } from './arrange.ts';
import { Composer } from './composer.ts';
import { DecisionState } from './decision-state.ts';
import { RequestCard } from './request-card.ts';
import { ChunkView } from './rows.ts';
import { useScroll } from './scroll.ts';

/** With more messages than this loaded, those far above are let go while the reader is at the end. */
const MAX_LOADED = 600;

/** The conversation with one agent. */
export default function Chat({ agent }: TabProps) {
  useEffect(() => openChat(agent.id), [agent.id]);
  return html`
    <div class="chat">
      <${Messages} key=${agent.id} agent=${agent} />
      <${Composer} key=${`c${agent.id}`} agent=${agent} />
    </div>
  `;
}

function Messages({ agent }: { agent: AgentInfo }) {
  const chat = useStore((state) => state.chats[agent.id]) ?? EMPTY_CHAT;
  const arranger = useRef<Arranger | null>(null);
  arranger.current ??= new Arranger();
  const { chunks, pending } = arranger.current.arrange(chat.messages);
  const [loading, setLoading] = useState(false);
  const busy = useRef(false);

  async function older() {
    if (busy.current || !chat.more || !chat.ready) return;
    busy.current = true;
    setLoading(true);
    await loadOlder(agent.id).catch(toastError);
    setLoading(false);
    // The next page only after this one has been laid out, and never in a tight loop after a failure.
    setTimeout(() => busy.current = false, 150);
  }

  const { box, content, atEnd, toEnd, onScroll } = useScroll(chat.messages[0]?.id, () => void older());
  const last = chat.messages.at(-1)?.seq ?? 0;
  const seen = useRef(0);
  if (atEnd) seen.current = last;
  useEffect(() => {
    if (atEnd && chat.messages.length > MAX_LOADED) trimChat(agent.id, MAX_LOADED / 2);
  });
  const answering = useInView(box, '.request-card', pending.map(({ id }) => id).join());
  const missing = agent.pending.some((id) => !chat.messages.some((message) => message.id === id));
  useEffect(() => {
    if (missing && chat.more) void older();
  }, [missing, chat.messages[0]?.id, chat.ready]);

  return html`<div class="chat-view">
    <div class="chat-scroll" ref=${box} onScroll=${onScroll} tabindex="0" role="log" aria-label=${t.chat.label} aria-live="off" aria-busy=${!chat
    .ready}>
      <div class="chat-content" ref=${content}>
        ${!chat.ready && html`<${Skeleton} lines=${5} />`}
        ${
    chat.ready && chat.more && html`<div class="older">${
      loading
        ? html`<${Skeleton} lines=${1} />`
        : html`<${Button} class="small" tone="quiet" onClick=${() => void older()}>${t.chat.older}<//>`
    }</div>`
  }
        ${
    chat.ready && !chat.messages.length &&
    html`<${EmptyState} icon="agents" title=${t.chat.empty} text=${t.chat.emptyText} />`
  }
        ${chunks.map((chunk) => html`<${ChunkView} key=${chunk.key} chunk=${chunk} />`)}
        ${pending.map((message) => html`<${RequestCard} key=${message.id} agent=${agent} message=${message} />`)}
        <${Outgoing} agent=${agent.id} known=${chat.messages} />
        <${Activity} agent=${agent} last=${chat.messages.at(-1)} />
      </div>
    </div>
    ${
    !atEnd && !answering &&
    html`<button type="button" class=${`to-end ${
      last > seen.current || pending.length ? 'news' : ''
    }`} onClick=${toEnd}>
      <${Icon} name="arrowDown" size=${16} />${
      pending.length ? t.chat.needsYou : last > seen.current ? t.chat.newMessages : t.chat.toEnd
    }</button>`
  }
    <div class="sr-only" role="status">${pending.length > 0 ? t.request.title[pending[0]!.request] : ''}</div>
  </div>`;
}

/** Whether any of these elements is seen in the box. `which` changes when there are others. */
function useInView(box: { current: HTMLElement | null }, selector: string, which: string): boolean {
  const [inView, setInView] = useState(false);
  useEffect(() => {
    const seen = new Set<Element>();
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) isIntersecting ? seen.add(target) : seen.delete(target);
      setInView(seen.size > 0);
    }, { root: box.current });
    for (const element of box.current!.querySelectorAll(selector)) watch.observe(element);
    return () => {
      watch.disconnect();
      setInView(false);
    };
  }, [which]);
  return inView;
}

/** Messages of this device that the server has not on record yet. */
function Outgoing({ agent, known }: { agent: string; known: readonly Message[] }) {
  const items = useCell(outbox.items).filter((item) => item.agent === agent && !known.some(({ id }) => id === item.id));
  return items.map((item) =>
    item.kind === 'message' && html`
      <div key=${item.id} class="message is-user">
        <div class="bubble pending">
          ${item.body.text && html`<div class="bubble-text" dir="auto">${item.body.text}</div>`}
          ${item.body.images &&
            html`<div class="bubble-image"><${Icon} name="image" size=${16} />${
              t.composer.pictures(item.body.images.length)
            }</div>`}
        </div>
        <${DecisionState} item=${item} />
      </div>
    `
  );
}

/** Notices that tell already why an agent no longer runs. */
const ENDINGS = new Set(['interrupted', 'exit']);
const isEnding = (last: Message | undefined) => last?.kind === 'notice' && ENDINGS.has(last.code);

/** A quiet sign that it works, while nothing else on the page moves; or why it does not, unless the last turn has said so. */
function Activity({ agent, last }: { agent: AgentInfo; last: Message | undefined }) {
  const working = agent.state === 'running' || agent.state === 'starting';
  if (working) {
    return html`<div class="activity" role="status"><span class="dots"><i></i><i></i><i></i></span><span>${t.chat.working}</span></div>`;
  }
  const hint = t.reasonHint[agent.stateReason];
  if (agent.state === 'error') {
    if ((last?.kind === 'turn' && last.text) || isEnding(last)) return null;
    return html`<p class="notice error"><${Icon} name="error" size=${16} /><span>${
      agent.stateText || t.state.error
    }</span></p>`;
  }
  if (agent.state === 'stopped' && !isEnding(last) && (hint || agent.stateText)) {
    return html`<p class="notice info"><${Icon} name="info" size=${16} /><span>${agent.stateText || hint}</span></p>`;
  }
  return null;
}
