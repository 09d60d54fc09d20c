import { html } from '../html.ts';
import { useCell } from '../cell.ts';
import { Button, Icon, Spinner } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import type { Outgoing } from '../outbox.ts';
import { live, outbox } from '../services.ts';

/** Where an entry of the outbox is: sending, waiting for the connection, or refused with the reason. */
export function DecisionState({ item }: { item: Outgoing }) {
  const up = useCell(live.link, (link) => link.phase === 'up');
  if (item.state === 'sending') return html`<p class="outgoing" role="status"><${Spinner} />${t.outbox.sending}</p>`;
  const failed = item.state === 'failed';
  return html`<div class=${`outgoing ${failed ? 'bad' : ''}`} role="status">
    <${Icon} name=${failed ? 'error' : 'cloud'} size=${16} />
    <span class="grow">${failed ? `${t.outbox.failed} ${item.error}` : up ? t.outbox.retrying : t.outbox.waiting}</span>
    ${failed && html`<${Button} class="small" onClick=${() => outbox.flush(item.id)}>${t.common.retry}<//>`}
    <${Button} class="small" tone="quiet" onClick=${() => outbox.cancel(item.id)}>${
    failed ? t.common.dismiss : t.common.cancel
  }<//>
  </div>`;
}
