import { html } from '../html.ts';
import { useSignalValue } from '../state/signal.ts';
import type { Message, SendMessageBody } from '../../core/api/messages.ts';
import { t } from '../i18n/all.ts';
import { useApp } from '../app.ts';
import { DeliveryStatus } from './delivery-status.ts';
import { PictureNote } from './pictures.ts';

type Images = NonNullable<SendMessageBody['images']>;

function Waiting({ images }: { images: Images }) {
  const thumbs = images.map(({ mediaType, data }, i) =>
    html`<span key=${i} class="picture-thumb"><img src=${`data:${mediaType};base64,${data}`} alt="" /></span>`
  );
  return html`
    <div class="pictures">${thumbs}</div>
    <${PictureNote}>${t.composer.pictures(images.length)}<//>
  `;
}

/** Messages of this device that the server does not have yet. */
export function UnsentMessages({ agent, known }: { agent: string; known: readonly Message[] }) {
  const items = useSignalValue(useApp().outbox.items);
  const unsent = items.filter((item) => item.agent === agent && !known.some(({ id }) => id === item.id));
  return unsent.map((item) => {
    if (item.kind !== 'message') return null;
    const { text, images, files } = item.body;
    return html`
      <div key=${item.id} class="message is-user">
        <div class="bubble pending">
          ${text && html`<div class="bubble-text" dir="auto">${text}</div>`}
          ${images && html`<${Waiting} images=${images} />`}
          ${files?.map(({ name }) => html`<p key=${name} class="hint"><bdi>${name}</bdi></p>`)}
        </div>
        <${DeliveryStatus} item=${item} />
      </div>
    `;
  });
}
