import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.ts';
import type { AgentInfo, QueuedMessage } from '../../core/api/agents.ts';
import { providerData } from '../../core/api/providers.ts';
import { Button, grow, Icon, IconButton, toast, toastError } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { isComposing } from '../keyboard.ts';
import { ApiError } from '../net/api.ts';
import { path } from '../route.ts';
import { useApp, useStore } from '../app.ts';

interface Props {
  agent: AgentInfo;
  /** A text that was being changed when the agent took its message: it is not lost. */
  onRescue: (text: string) => void;
}

/** Messages that wait for their turn: until the agent has one it is changed, moved, sent at once or taken back. */
export function Queue({ agent, onRescue }: Props) {
  if (!agent.queue.length) return null;
  const items = agent.queue.map((item, i) => {
    const above = agent.queue[i - 1];
    const before = above && !above.handed ? above.id : '';
    return html`<${QueuedItem} key=${item.id} agent=${agent} item=${item} before=${before} onRescue=${onRescue} />`;
  });
  return html`<ul class="queue" aria-label=${t.chat.queue}>${items}</ul>`;
}

interface ItemProps extends Props {
  item: QueuedMessage;
  /** The waiting message above it; empty: it is the first. */
  before: string;
}

function QueuedItem({ agent, item, before, onRescue }: ItemProps) {
  const [isEditing, setEditing] = useState(false);
  const message = useStore((state) => state.chats[agent.id]?.messages.find(({ id }) => id === item.id));
  const whole = message?.kind === 'user' ? message : null;
  if (isEditing && whole) {
    const close = () => setEditing(false);
    const of = {
      agent: agent.id,
      id: item.id,
      text: whole.text,
      hasPictures: whole.images.length + (whole.files?.length ?? 0) > 0,
    };
    return html`
      <li class="editing">
        <${Editor} ...${of} onClose=${close} onRescue=${onRescue} />
      </li>
    `;
  }
  // A message without a text has a picture; how many, the message itself knows.
  const pictures = whole?.images.length || 1;
  return html`
    <li>
      <${Icon} name="idle" size=${16} />
      <span class="ellipsis grow" dir="auto">${item.text ||
        (whole?.files?.length ? t.composer.files(whole.files.length) : t.composer.pictures(pictures))}</span>
      ${item.handed && html`<span class="hint">${t.chat.handed}</span>`}
      <${Actions} agent=${agent} item=${item} before=${before} onEdit=${whole ? () => setEditing(true) : null} />
    </li>
  `;
}

interface ActionsProps extends Omit<ItemProps, 'onRescue'> {
  /** null: its text is not known whole. */
  onEdit: (() => void) | null;
}

function Actions({ agent, item, before, onEdit }: ActionsProps) {
  const { api } = useApp();
  const address = path`/api/agents/${agent.id}/messages/${item.id}`;
  const cancel = () => void api.delete(address).catch(toastError);
  const moveUp = () => void api.put(address, { before }).catch(toastError);
  const sendNow = () => void api.command(`${address}/now`).catch(toastError);
  const now = providerData(agent.provider).features.steer ? t.chat.sendNow : t.chat.interruptAndSend;
  const change = html`
    <${IconButton} icon="play" label=${now} onClick=${sendNow} />
    ${before && html`<${IconButton} icon="up" label=${t.chat.moveUp} onClick=${moveUp} />`}
    ${onEdit && html`<${IconButton} icon="edit" label=${t.chat.editQueued} onClick=${onEdit} />`}
  `;
  return html`
    ${!item.handed && change}
    <${IconButton} icon="cross" label=${t.chat.cancelQueued} onClick=${cancel} />
  `;
}

interface EditorProps {
  agent: string;
  id: string;
  text: string;
  hasPictures: boolean;
  onClose: () => void;
  onRescue: (text: string) => void;
}

/** The text of a waiting message, to be changed. Ctrl or ⌘ with Enter saves, Escape leaves it as it was. */
function Editor({ agent, id, text, hasPictures, onClose, onRescue }: EditorProps) {
  const { api } = useApp();
  const [next, setNext] = useState(text);
  const [busy, setBusy] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  // Before anything else is typed: a key must not reach the page.
  useLayoutEffect(() => area.current?.focus(), []);
  useEffect(() => grow(area.current), [next]);
  async function save() {
    setBusy(true);
    try {
      await api.put(path`/api/agents/${agent}/messages/${id}`, { text: next });
      onClose();
    } catch (error) {
      setBusy(false);
      if (!(error instanceof ApiError) || error.code !== 'already_sent') return toastError(error);
      onRescue(next);
      toast(t.chat.rescued);
      onClose();
    }
  }
  const isEmpty = !next.trim() && !hasPictures;
  function onKey(event: KeyboardEvent) {
    if (isComposing(event)) return;
    if (event.key === 'Escape') onClose();
    else if (event.key === 'Enter' && (event.metaKey || event.ctrlKey) && !isEmpty) void save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  return html`
    <textarea ref=${area} class="input" rows="2" dir="auto" aria-label=${t.chat.editQueued} value=${next}
      onInput=${(event: Event) => setNext((event.target as HTMLTextAreaElement).value)}
      onKeyDown=${onKey}></textarea>
    <div class="row end">
      <${Button} class="small" onClick=${onClose}>${t.common.cancel}<//>
      <${Button} class="small" tone="primary" busy=${busy} disabled=${isEmpty} onClick=${() => void save()}>
        ${t.common.save}
      <//>
    </div>
  `;
}
