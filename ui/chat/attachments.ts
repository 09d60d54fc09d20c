/** Pictures that go with the next message: chosen, pasted or dropped. */
import { html, useRef } from '../html.ts';
import { IconButton, toastError } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { usePageState } from './draft.ts';
import { attach, MAX_TOTAL } from './images.ts';
import type { Attached } from './images.ts';

export interface Attachments {
  readonly images: readonly Attached[];
  add(files: Iterable<Blob>): void;
  /** Adds the pictures among these files. @returns false when there is none */
  addPictures(files: FileList | undefined): boolean;
  remove(image: Attached): void;
  clear(): void;
}

const NO_IMAGES: readonly Attached[] = [];

/** What is attached for an agent; it survives that another page is shown meanwhile. */
export function useAttachments(agent: string): Attachments {
  const [images, setImages] = usePageState(`images.${agent}`, NO_IMAGES);
  async function addAll(files: Iterable<Blob>) {
    let room = MAX_TOTAL - images.reduce((sum, image) => sum + image.data.length, 0);
    for (const file of files) {
      try {
        const image = await attach(file, room, t.composer);
        room -= image.data.length;
        setImages((all) => [...all, image]);
      } catch (error) {
        toastError(error);
      }
    }
  }
  const add = (files: Iterable<Blob>) => void addAll(files);
  function addPictures(files: FileList | undefined): boolean {
    const pictures = [...(files ?? [])].filter((file) => file.type.startsWith('image/'));
    add(pictures);
    return pictures.length > 0;
  }
  return {
    images,
    add,
    addPictures,
    remove: (image) => setImages((all) => all.filter((entry) => entry !== image)),
    clear: () => setImages(NO_IMAGES),
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

export function AttachButton({ attachments, disabled }: { attachments: Attachments; disabled: boolean }) {
  const file = useRef<HTMLInputElement>(null);
  function choose(event: Event) {
    const input = event.target as HTMLInputElement;
    attachments.add([...(input.files ?? [])]);
    input.value = '';
  }
  const open = () => file.current?.click();
  return html`
    <input ref=${file} type="file" accept="image/*" multiple hidden onChange=${choose} />
    <${IconButton} icon="image" label=${t.composer.attach} disabled=${disabled} onClick=${open} />
  `;
}
