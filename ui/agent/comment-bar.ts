/** What waits to be said about the changes: how many comments, where they are, and the button that sends them as one message. */
import { html, useState } from '../html.ts';
import { useApp } from '../app.ts';
import { Button, confirm, Icon, IconButton, toast } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { newId } from '../net/api.ts';
import { go, path } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';
import { clearComments, commentsOf, type LineComment, messageOf, placeName, setComment } from './line-comments.ts';
import type { TabProps } from './tab-props.ts';

export default function CommentBar({ agent }: TabProps) {
  const { outbox } = useApp();
  const written = useSignalValue(commentsOf(agent.id)).filter(({ text }) => text.trim());
  const [open, setOpen] = useState(false);
  if (!written.length) return null;
  function send() {
    outbox.add({ kind: 'message', agent: agent.id, body: { text: messageOf(written), clientId: newId() } });
    clearComments(agent.id);
    toast(t.review.sent);
    go(path`/agents/${agent.id}`);
  }
  async function discard() {
    const { discardTitle: title, discardText: text, discard: action } = t.review;
    if (await confirm({ title, text, action, tone: 'danger' })) clearComments(agent.id);
  }
  const rows = written.map((comment) =>
    html`<${Entry} key=${placeName(comment)} agent=${agent.id} comment=${comment} />`
  );
  return html`
    <section class="comment-bar" aria-label=${t.review.title}>
      ${open && html`<ul>${rows}</ul>`}
      <div class="row">
        <button type="button" class="fold grow" aria-expanded=${open} onClick=${() => setOpen(!open)}>
          <span>${t.review.count(written.length)}</span>
          <${Icon} name="chevron" size=${14} />
        </button>
        <${Button} class="small" tone="quiet" onClick=${() => void discard()}>${t.review.discard}<//>
        <${Button}
          tone="primary"
          icon="send"
          aria-label=${t.review.sendAll}
          disabled=${!agent.resumable}
          onClick=${send}
        >
          ${t.review.send}
        <//>
      </div>
    </section>
  `;
}

function Entry({ agent, comment }: { agent: string; comment: LineComment }) {
  const place = placeName(comment);
  return html`
    <li>
      <div class="grow">
        <span class="mono hint"><bdi>${place}</bdi></span>
        <p dir="auto">${comment.text}</p>
      </div>
      <${IconButton} icon="cross" label=${t.review.removeAt(place)} onClick=${() => setComment(agent, comment, null)} />
    </li>
  `;
}
