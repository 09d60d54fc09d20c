import { html, useEffect, useRef } from '../html.ts';
import type { DeskSession } from '../../core/api/handoff.ts';
import { deskChat } from '../../core/api/handoff.ts';
import { useApp, useStore } from '../app.ts';
import { DirectoryContext } from '../chat/agent-context.ts';
import { MessageGrouper } from '../chat/group-messages.ts';
import { ChunkView } from '../chat/rows.ts';
import { useScroll } from '../chat/scroll.ts';
import { EmptyState, Icon, Skeleton, toastError } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { EMPTY_CHAT } from '../state/store.ts';

const NO_REQUESTS: ReadonlySet<string> = new Set();

/** The conversation of a session at the desk, as it goes on. */
export function ReadAlong({ session }: { session: DeskSession }) {
  const { chats } = useApp();
  const chat = deskChat(session.id);
  useEffect(() => chats.open(chat), [chat]);
  const { messages, ready, more } = useStore((state) => state.chats[chat]) ?? EMPTY_CHAT;
  const grouper = useRef<MessageGrouper | null>(null);
  grouper.current ??= new MessageGrouper();
  const { chunks } = grouper.current.group(messages, NO_REQUESTS, !more);
  const loadOlder = useOlder(chat, more && ready);
  const { box, content, atEnd, toEnd, onScroll } = useScroll(messages[0]?.id, loadOlder);
  const rows = chunks.map((chunk) => html`<${ChunkView} key=${chunk.key} chunk=${chunk} />`);
  return html`
    <${DirectoryContext.Provider} value=${session.directory}>
      <div class="chat-view">
        <div
          class="chat-scroll"
          ref=${box}
          onScroll=${onScroll}
          tabindex="0"
          role="log"
          aria-label=${t.chat.label}
          aria-live="off"
          aria-busy=${!ready}
        >
          <div class="chat-content" ref=${content}>
            ${!ready && html`<${Skeleton} lines=${5} />`}
            ${ready && !messages.length && html`<${EmptyState} icon="terminal" title=${t.handoff.empty} />`}
            ${rows}
          </div>
        </div>
        ${!atEnd && html`<${ToEnd} onClick=${toEnd} />`}
      </div>
      <//>
  `;
}

/** Loads the page before the first message, one at a time. */
function useOlder(chat: string, hasMore: boolean): () => void {
  const { chats } = useApp();
  const isLoading = useRef(false);
  return () => {
    if (!hasMore || isLoading.current) return;
    isLoading.current = true;
    chats.loadOlder(chat).catch(toastError).finally(() => isLoading.current = false);
  };
}

const ToEnd = ({ onClick }: { onClick: () => void }) =>
  html`
    <div class="jumps">
      <button type="button" class="jump to-end" onClick=${onClick}>
        <${Icon} name="arrowDown" size=${16} />
        ${t.chat.toEnd}
      </button>
    </div>
  `;
