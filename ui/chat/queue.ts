import { html } from '../html.ts';
import type { AgentInfo } from '../../core/wire/types.ts';
import { Icon, IconButton, toastError } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { path } from '../route.ts';
import { api, useStore } from '../services.ts';

/** Messages that wait for their turn; each can be taken back until it has begun. */
export function Queue({ agent }: { agent: AgentInfo }) {
  const messages = useStore((state) => state.chats[agent.id])?.messages;
  if (!agent.queue.length) return null;
  /** A message without a text has a picture; how many, the message itself knows. */
  const pictures = (id: string) => {
    const message = messages?.find((message) => message.id === id);
    return t.composer.pictures((message?.kind === 'user' && message.images.length) || 1);
  };
  const cancel = (id: string) => api.delete(path`/api/agents/${agent.id}/messages/${id}`).catch(toastError);
  return html`<ul class="queue" aria-label=${t.chat.queue}>${
    agent.queue.map((item) =>
      html`<li key=${item.id}>
    <${Icon} name="idle" size=${16} /><span class="ellipsis" dir="auto">${
        item.text || pictures(item.id)
      }</span><span class="hint">${t.chat.queued}</span>
    <${IconButton} icon="cross" label=${t.chat.cancelQueued} onClick=${() => void cancel(item.id)} /></li>`
    )
  }</ul>`;
}
