import { html } from '../html.ts';
import { Button, Icon, Spinner } from '../components/mod.ts';
import { t } from '../i18n/t.ts';
import type { OutboxItem } from '../net/outbox.ts';
import { useApp, useIsConnected } from '../app.ts';

/** Where an entry of the outbox is: sending, waiting for the connection, or refused with the reason. */
export function DeliveryStatus({ item }: { item: OutboxItem }) {
  return html`
    <${Progress} item=${item} />
    ${item.isUnsaved && html`<p class="outgoing bad" role="alert">${t.outbox.unsaved}</p>`}
  `;
}

function Progress({ item }: { item: OutboxItem }) {
  if (item.state === 'sending') {
    return html`
      <p class="outgoing" role="status">
        <${Spinner} />
        ${t.outbox.sending}
      </p>
    `;
  }
  return item.state === 'failed' ? html`<${Failed} item=${item} />` : html`<${Waiting} item=${item} />`;
}

function Waiting({ item }: { item: OutboxItem }) {
  const { outbox } = useApp();
  const isUp = useIsConnected();
  return html`
    <div class="outgoing" role="status">
      <${Icon} name="cloud" size=${16} />
      <span class="grow">${isUp ? t.outbox.retrying : t.outbox.waiting}</span>
      <${Button} class="small" tone="quiet" onClick=${() => outbox.cancel(item.id)}>${t.common.cancel}<//>
    </div>
  `;
}

function Failed({ item }: { item: OutboxItem }) {
  const { outbox } = useApp();
  return html`
    <div class="outgoing bad" role="status">
      <${Icon} name="error" size=${16} />
      <span class="grow">${t.outbox.failed} ${item.error}</span>
      <${Button} class="small" onClick=${() => outbox.flush(item.id)}>${t.common.retry}<//>
      <${Button} class="small" tone="quiet" onClick=${() => outbox.cancel(item.id)}>${t.common.dismiss}<//>
    </div>
  `;
}
