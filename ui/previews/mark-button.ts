/** Takes or chooses a screenshot, to be marked. */
import { html, useRef, useState } from '../html.ts';
import { Button, toast } from '../components/mod.ts';
import { lazy, LazyView } from '../hooks/lazy.ts';
import { t } from '../i18n/all.ts';
import { canCapture, capture } from './screenshot.ts';

const markDialog = lazy<{ agent: string; picture: ImageBitmap; onClose: () => void }>(() => import('./mark-dialog.ts'));

export function MarkButtons({ agent }: { agent: string }) {
  const file = useRef<HTMLInputElement>(null);
  const [picture, setPicture] = useState<ImageBitmap | null>(null);
  // Nothing was picked: that is no fault.
  const take = () => void capture().then(setPicture, () => {});
  function choose(event: Event) {
    const input = event.target as HTMLInputElement;
    const chosen = input.files?.[0];
    input.value = '';
    if (chosen) void createImageBitmap(chosen).then(setPicture, () => toast(t.composer.notPicture));
  }
  const close = () => {
    picture?.close();
    setPicture(null);
  };
  const dialog = picture && { agent, picture, onClose: close };
  return html`
    <div class="preview-mark">
      <p class="hint">${t.previews.markHint}</p>
      <div class="row">
        ${canCapture() && html`<${Button} icon="image" onClick=${take}>${t.previews.take}<//>`}
        <${Button} icon="clip" onClick=${() => file.current?.click()}>${t.previews.choose}<//>
      </div>
      <input ref=${file} type="file" accept="image/*" hidden aria-label=${t.previews.choose} onChange=${choose} />
      ${dialog && html`<${LazyView} source=${markDialog} ...${dialog} />`}
    </div>
  `;
}
