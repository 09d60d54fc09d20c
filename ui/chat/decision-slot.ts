import { html, useLayoutEffect, useRef } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import type { DecisionBody, RequestMessage } from '../../core/api/messages.ts';
import { Icon, Spinner } from '../components/mod.ts';
import { useApp, useIsConnected } from '../app.ts';
import { useDecision, useOutgoingDecision } from '../hooks/pending-requests.ts';
import { t } from '../i18n/t.ts';
import type { OutboxItem } from '../net/outbox.ts';
import { AnswerButton } from './answer-button.ts';
import { outcomeOf } from './answers.ts';
import { DeliveryStatus } from './delivery-status.ts';

interface Props {
  message: RequestMessage;
  /** The agent still waits for the answer. */
  isPending: boolean;
  /** The buttons that answer. */
  children?: ComponentChildren;
}

/** The place of the answers. Once it is answered the outcome stands there, as high as the buttons were: nothing moves up. */
export function DecisionSlot({ message, isPending, children }: Props) {
  const outgoing = useOutgoingDecision(message.id);
  const isOpen = isPending && !outgoing;
  const box = useRef<HTMLDivElement>(null);
  const height = useRef(0);
  useLayoutEffect(() => {
    if (isOpen) height.current = box.current!.offsetHeight;
  });
  const content = outgoing
    ? html`<${OutgoingDecision} message=${message} item=${outgoing} />`
    : html`<${Outcome} message=${message} />`;
  return html`
    <div ref=${box} class="decision-slot" style=${{ minHeight: isOpen ? undefined : `${height.current}px` }}>
      ${isOpen ? children : content}
    </div>
  `;
}

/** What was decided here, or by somebody else. */
function Outcome({ message }: { message: RequestMessage }) {
  const decision = useDecision(message.id);
  const { text, tone, icon } = outcomeOf(
    decision && message.status === 'pending' ? decided(message, decision) : message,
  );
  return html`
    <p class=${`outcome ${tone}`} role="status">
      <${Icon} name=${icon} size=${18} />
      ${text}
    </p>
  `;
}

const decided = (message: RequestMessage, decision: Omit<DecisionBody, 'clientId'>): RequestMessage => ({
  ...message,
  status: 'decided',
  decision: { ...decision, clientId: '', by: '', at: 0 },
});

/** The decision of this device on its way; it can be taken back as long as it waits here. */
function OutgoingDecision({ message, item }: { message: RequestMessage; item: OutboxItem }) {
  const isConnected = useIsConnected();
  const { outbox } = useApp();
  if (item.kind !== 'decision' || item.state === 'failed') return html`<${DeliveryStatus} item=${item} />`;
  const { text, tone, icon } = outcomeOf(decided(message, item.body));
  const isSending = item.state === 'sending';
  const where = isSending ? t.outbox.sending : isConnected ? t.outbox.retrying : t.outbox.waiting;
  const undo = html`
    <${AnswerButton} class="button plain small" onAnswer=${() => outbox.cancel(item.id)}>${t.request.undo}<//>
  `;
  return html`
    <div class=${`outcome ${tone}`} role="status">
      ${isSending ? html`<${Spinner} />` : html`<${Icon} name=${icon} size=${18} />`}
      <span class="grow">${text} <span class="hint">· ${where}</span></span>
      ${!isSending && undo}
    </div>
  `;
}
