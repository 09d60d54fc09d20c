/** What goes with the next message: chosen, pasted, dropped or shared. Pictures are made small, other files sent as they are. */
import { html, useRef } from '../html.ts';
import type { AttachmentName } from '../../core/api/messages.ts';
import { type App, useApp } from '../app.ts';
import { Icon, IconButton } from '../components/mod.ts';
import { bytes } from '../format.ts';
import { t } from '../i18n/all.ts';
import { type AttachedFile, useAttachedFiles } from './attach-files.ts';
import { usePageState } from './draft.ts';
import { attach, MAX_TOTAL } from './images.ts';
import type { Attached } from './images.ts';

export interface Attachments {
  readonly images: readonly Attached[];
  readonly files: readonly AttachedFile[];
  /** A file is on its way to the machine: the message has to wait. */
  readonly isSending: boolean;
  /** The files as the message names them. */
  sent(): AttachmentName[];
  add(files: Iterable<Blob>): void;
  remove(image: Attached): void;
  removeFile(file: AttachedFile): void;
  clear(): void;
}

const NO_IMAGES: readonly Attached[] = [];

/** What is attached for an agent; it survives that another page is shown meanwhile. @param app of the agent's machine */
export function useAttachments(agent: string, app: App = useApp()): Attachments {
  const [images, setImages] = usePageState(`images.${agent}`, NO_IMAGES);
  const files = useAttachedFiles(app, agent);
  async function addAll(added: Iterable<Blob>) {
    let room = MAX_TOTAL - images.reduce((sum, image) => sum + image.data.length, 0);
    for (const file of added) {
      // What the browser cannot read, or not make small enough, goes as it is.
      const image = file.type.startsWith('image/') ? await attach(file, room) : null;
      if (!image) files.add(file instanceof File ? file : new File([file], t.composer.picture));
      else {
        room -= image.data.length;
        setImages((all) => [...all, image]);
      }
    }
  }
  return {
    images,
    files: files.files,
    isSending: files.files.some(({ done }) => !done),
    sent: () => files.files.flatMap(({ done }) => done ?? []),
    add: (added) => void addAll([...added]),
    remove: (image) => setImages((all) => all.filter((entry) => entry !== image)),
    removeFile: files.remove,
    clear() {
      setImages(NO_IMAGES);
      files.clear();
    },
  };
}

export function Thumbnails({ attachments }: { attachments: Attachments }) {
  if (!attachments.images.length) return null;
  const thumbnails = attachments.images.map((image) =>
    html`
      <div key=${image.id} class="thumb">
        <img src=${image.url} alt=${t.composer.picture} />
        <${IconButton} icon="cross" label=${t.composer.removePicture} onClick=${() => attachments.remove(image)} />
      </div>
    `
  );
  return html`<div class="attached">${thumbnails}</div>`;
}

/** The other files, each with its progress. */
export function AttachedFiles({ attachments }: { attachments: Attachments }) {
  if (!attachments.files.length) return null;
  const rows = attachments.files.map((file) =>
    html`<${FileRow} key=${file.id} file=${file} onRemove=${() => attachments.removeFile(file)} />`
  );
  return html`<ul class="attached-files" aria-label=${t.composer.attached}>${rows}</ul>`;
}

function FileRow({ file, onRemove }: { file: AttachedFile; onRemove: () => void }) {
  const { name, size, sent, done, waiting } = file;
  const percent = size ? Math.floor((100 * sent) / size) : 0;
  const state = done ? bytes(size) : waiting ? t.files.waiting : t.composer.uploadingFile(percent);
  return html`
    <li>
      <${Icon} name="file" size=${18} />
      <span class="ellipsis grow"><bdi>${name}</bdi></span>
      ${!done && html`<progress max="100" value=${percent} aria-label=${name}></progress>`}
      <span class="hint">${state}</span>
      <${IconButton} icon="cross" label=${t.composer.removeFile(name)} onClick=${onRemove} />
    </li>
  `;
}

export function AttachButton({ attachments, disabled }: { attachments: Attachments; disabled: boolean }) {
  const file = useRef<HTMLInputElement>(null);
  function choose(event: Event) {
    const input = event.target as HTMLInputElement;
    attachments.add([...(input.files ?? [])]);
    input.value = '';
  }
  const open = () => file.current?.click();
  return html`
    <input ref=${file} type="file" multiple hidden onChange=${choose} />
    <${IconButton} icon="clip" label=${t.composer.attach} disabled=${disabled} onClick=${open} />
  `;
}
