/** One picture as large as the screen allows; the arrow keys go to the next one of its message. */
import { html, useEffect, useState } from '../html.ts';
import { Dialog, IconButton } from '../components/mod.ts';
import { t } from '../i18n/all.ts';

export interface ViewProps {
  /** Addresses of the pictures of one message. */
  urls: readonly string[];
  /** Which one comes first. */
  start: number;
  onClose: () => void;
}

export default function PictureView({ urls, start, onClose }: ViewProps) {
  const [position, setPosition] = useState(start);
  const last = urls.length - 1;
  const move = (by: number) => setPosition((at) => Math.max(0, Math.min(last, at + by)));
  useEffect(() => {
    const onKey = ({ key }: KeyboardEvent) => key === 'ArrowRight' ? move(1) : key === 'ArrowLeft' && move(-1);
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [last]);
  const steps = last > 0 && html`
    <div class="row picture-steps">
      <${IconButton} icon="back" label=${t.user.previousPicture} disabled=${position === 0} onClick=${() => move(-1)} />
      <span class="hint" role="status">${t.user.pictureOf(position + 1, urls.length)}</span>
      <${IconButton} icon="chevron" label=${t.user.nextPicture} disabled=${position === last} onClick=${() =>
        move(1)} />
    </div>
  `;
  return html`
    <${Dialog} title=${t.user.picture} size="full" onClose=${onClose}>
      <a class="picture-full" href=${urls[position]} target="_blank" rel="noopener" title=${t.user.openPicture}>
        <img src=${urls[position]} alt=${t.user.pictureOf(position + 1, urls.length)} />
      </a>
      ${steps}
    <//>
  `;
}
