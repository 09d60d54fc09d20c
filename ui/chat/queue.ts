import { html } from '../html.ts';
import type { AgentInfo, QueuedMessage } from '../../core/api/agents.ts';
import { Icon, IconButton, toastError } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';
import { useApp, useStore } from '../app.ts';

/** Messages that wait for their turn; each can be taken back until it has begun. */
export function Queue({ agent }: { agent: AgentInfo }) {
  if (!agent.queue.length) return null;
  const items = agent.queue.map((item) => html`<${QueuedItem} key=${item.id} agent=${agent.id} item=${item} />`);
  return html`<ul class="queue" aria-label=${t.chat.queue}>${items}</ul>`;
}

function QueuedItem({ agent, item }: { agent: string; item: QueuedMessage }) {
  const { api } = useApp();
  const message = useStore((state) => state.chats[agent]?.messages.find(({ id }) => id === item.id));
  // A message without a text has a picture; how many, the message itself knows.
  const pictures = (message?.kind === 'user' && message.images.length) || 1;
  const cancel = () => void api.delete(path`/api/agents/${agent}/messages/${item.id}`).catch(toastError);
  return html`
    <li>
      <${Icon} name="idle" size=${16} />
      <span class="ellipsis" dir="auto">${item.text || t.composer.pictures(pictures)}</span>
      <span class="hint">${t.chat.queued}</span>
      <${IconButton} icon="cross" label=${t.chat.cancelQueued} onClick=${cancel} />
    </li>
  `;
}
