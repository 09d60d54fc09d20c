import { html, useEffect, useMemo, useRef, useState } from '../html.ts';
import type { AgentInfo } from '../../core/wire/types.ts';
import { newId } from '../api.ts';
import { grow, IconButton, toastError } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { api, outbox } from '../services.ts';
import { path } from '../route.ts';
import { useCapabilities } from './capabilities.ts';
import { CommandList, matching } from './commands.ts';
import { useDraft, useKept } from './draft.ts';
import { attach, MAX_TOTAL } from './images.ts';
import type { Attached } from './images.ts';
import { Pickers } from './pickers.ts';
import { Queue } from './queue.ts';

/** On a device with a keyboard Enter sends; on a phone it is a new line. */
const enterSends = () => matchMedia('(pointer: fine)').matches;

const NO_IMAGES: readonly Attached[] = [];

/** Where messages are written: text, pictures, commands; mode, model and effort below it. */
export function Composer({ agent }: { agent: AgentInfo }) {
  const [text, setText] = useDraft(agent.id);
  const [images, setImages] = useKept(`images.${agent.id}`, NO_IMAGES);
  const [chosen, setChosen] = useState(0);
  const [dismissed, setDismissed] = useState('');
  const area = useRef<HTMLTextAreaElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const capabilities = useCapabilities(agent);
  const commands = useMemo(() => matching(text === dismissed ? '' : text, capabilities?.commands ?? []), [
    text,
    dismissed,
    capabilities,
  ]);
  useEffect(() => grow(area.current), [text]);
  const busy = agent.state === 'running' || agent.state === 'starting' || agent.state === 'waiting_input';
  const canSend = agent.resumable && (text.trim() !== '' || images.length > 0);

  function send() {
    if (!canSend) return;
    const pictures = images.map(({ mediaType, data }) => ({ mediaType, data }));
    const body = { text: text.trim(), clientId: newId(), ...(pictures.length ? { images: pictures } : {}) };
    outbox.add({ kind: 'message', agent: agent.id, body });
    setText('');
    setImages(NO_IMAGES);
    area.current?.focus();
  }

  function complete(name: string) {
    setText(`/${name} `);
    setChosen(0);
    area.current?.focus();
  }

  function onKey(event: KeyboardEvent) {
    if (event.isComposing) return;
    if (commands.length) {
      const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
      if (step) {
        event.preventDefault();
        return setChosen((chosen + step + commands.length) % commands.length);
      }
      if (event.key === 'Tab' || (event.key === 'Enter' && !event.shiftKey)) {
        event.preventDefault();
        return complete(commands[Math.min(chosen, commands.length - 1)]!.name);
      }
      if (event.key === 'Escape') return setDismissed(text);
    }
    if (event.key === 'Enter' && !event.shiftKey && (enterSends() || event.metaKey || event.ctrlKey)) {
      event.preventDefault();
      send();
    }
  }

  async function add(files: Iterable<Blob>) {
    let room = MAX_TOTAL - images.reduce((sum, image) => sum + image.data.length, 0);
    for (const picture of files) {
      try {
        const image = await attach(picture, room, t.composer);
        room -= image.data.length;
        setImages((all) => [...all, image]);
      } catch (error) {
        toastError(error);
      }
    }
  }

  function onPaste(event: ClipboardEvent) {
    const files = [...(event.clipboardData?.files ?? [])].filter((f) => f.type.startsWith('image/'));
    if (!files.length) return;
    event.preventDefault();
    void add(files);
  }

  const interrupt = () => api.command(path`/api/agents/${agent.id}/interrupt`).catch(toastError);
  return html`<div class="composer">
    <${Queue} agent=${agent} />
    ${
    commands.length > 0 &&
    html`<${CommandList} commands=${commands} chosen=${Math.min(chosen, commands.length - 1)} onChoose=${complete} />`
  }
    <form class="composer-box" onSubmit=${(event: Event) => {
    event.preventDefault();
    send();
  }} onDragOver=${(event: DragEvent) => event.preventDefault()} onDrop=${(event: DragEvent) => {
    event.preventDefault();
    void add([...(event.dataTransfer?.files ?? [])].filter((f) => f.type.startsWith('image/')));
  }}>
      ${
    images.length > 0 && html`<div class="attached">${
      images.map((image) =>
        html`<div key=${image.id} class="thumb"><img src=${image.url} alt=${t.composer.picture} />
        <${IconButton} icon="cross" label=${t.composer.removePicture} onClick=${() =>
          setImages((all) =>
            all.filter((i) => i !== image)
          )} /></div>`
      )
    }</div>`
  }
      <textarea ref=${area} rows="1" dir="auto" value=${text} disabled=${!agent
    .resumable} aria-label=${t.composer.label}
        placeholder=${
    !agent.resumable
      ? t.composer.closed
      : busy
      ? t.composer.busy
      : t.composer.placeholder(t.provider[agent.provider] ?? agent.provider)
  }
        aria-controls=${commands.length ? 'commands' : undefined} aria-expanded=${commands.length > 0} enterkeyhint=${
    enterSends() ? 'send' : 'enter'
  }
        onInput=${(e: Event) => {
    setText((e.target as HTMLTextAreaElement).value);
    setChosen(0);
  }} onKeyDown=${onKey} onPaste=${onPaste}></textarea>
      <div class="composer-bar">
        <input ref=${file} type="file" accept="image/*" multiple hidden onChange=${(e: Event) => {
    const input = e.target as HTMLInputElement;
    void add([...(input.files ?? [])]);
    input.value = '';
  }} />
        <${IconButton} icon="image" label=${t.composer.attach} disabled=${!agent.resumable} onClick=${() =>
    file.current?.click()} />
        <${Pickers} agent=${agent} capabilities=${capabilities} />
        ${
    busy && html`<${IconButton} icon="stop" label=${t.composer.interrupt} tone="plain" class="interrupt" onClick=${() =>
      void interrupt()} />`
  }
        <${IconButton} icon="send" label=${
    busy ? t.composer.queue : t.composer.send
  } tone="primary" type="submit" disabled=${!canSend} class="send" />
      </div>
    </form>
  </div>`;
}
