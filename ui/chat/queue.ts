import { html } from '../html.ts';
import type { AgentInfo } from '../../core/wire/types.ts';
import { Icon, IconButton, toastError } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { path } from '../route.ts';
import { api } from '../services.ts';

/** Messages that wait for their turn; each can be taken back until it has begun. */
export function Queue({ agent }: { agent: AgentInfo }) {
  if (!agent.queue.length) return null;
  const cancel = (id: string) => api.delete(path`/api/agents/${agent.id}/messages/${id}`).catch(toastError);
  return html`<ul class="queue" aria-label=${t.chat.queue}>${
    agent.queue.map((item) =>
      html`<li key=${item.id}>
    <${Icon} name="idle" size=${16} /><span class="ellipsis" dir="auto">${item.text}</span><span class="hint">${t.chat.queued}</span>
    <${IconButton} icon="cross" label=${t.chat.cancelQueued} onClick=${() => void cancel(item.id)} /></li>`
    )
  }</ul>`;
}
