import { html, useContext } from '../html.ts';
import type { UserMessage } from '../../core/api/messages.ts';
import { useApp } from '../app.ts';
import { Button } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { useSignalValue } from '../state/signal.ts';
import { AgentContext } from './agent-context.ts';

const TAIL = 12;

/**
 * The id under which a failed message is sent again: the UUID that follows its own, so that two presses, also on two devices, are
 * one message. One that fails again is followed by the next.
 */
export function nextId(id: string): string {
  const tail = (BigInt(`0x${id.slice(-TAIL)}`) + 1n) % (1n << 48n);
  return id.slice(0, -TAIL) + tail.toString(16).padStart(TAIL, '0');
}

/** Below a message that no CLI took: it goes again with its pictures, which the machine has. Gone once it is sent. */
export function SendAgain({ message: { id, text } }: { message: UserMessage }) {
  const { outbox, store } = useApp();
  const agent = useContext(AgentContext);
  const clientId = nextId(id);
  const isWaiting = useSignalValue(outbox.items, (items) => items.some((item) => item.id === clientId));
  const isSent = useSignalValue(
    store,
    ({ chats }) => chats[agent]?.messages.some((message) => message.id === clientId),
  );
  if (isWaiting || isSent) return null;
  const send = () => outbox.add({ kind: 'message', agent, body: { text, again: id, clientId } });
  return html`<${Button} class="small" icon="retry" onClick=${send}>${t.user.again}<//>`;
}
