/** The pictures of a message as thumbnails, each with a full view. What is not kept is said in words. */
import { html, useContext, useState } from '../html.ts';
import type { Picture } from '../../core/api/messages.ts';
import { useApp } from '../app.ts';
import { Icon } from '../components/mod.ts';
import { bytes } from '../format.ts';
import { lazy, LazyView } from '../hooks/lazy.ts';
import { t } from '../i18n/all.ts';
import { at, path } from '../route.ts';
import { AgentContext } from './agent-context.ts';
import type { ViewProps } from './picture-view.ts';

const view = lazy<ViewProps>(() => import('./picture-view.ts'));

export function Pictures({ pictures }: { pictures: readonly Picture[] }) {
  const { machine } = useApp();
  const agent = useContext(AgentContext);
  const [gone, setGone] = useState<readonly string[]>([]);
  const [shown, setShown] = useState(-1);
  if (!pictures.length) return null;
  const isThere = ({ hash = '' }: Picture) => hash !== '' && !gone.includes(hash);
  const urlOf = ({ hash = '' }: Picture) => at(machine, path`/api/agents/${agent}/pictures/${hash}`);
  const there = pictures.filter(isThere);
  const thumbs = pictures.map((picture, i) =>
    isThere(picture)
      ? html`
        <${Thumb}
          key=${picture.hash}
          url=${urlOf(picture)}
          label=${t.user.image(bytes(picture.size))}
          onOpen=${() => setShown(there.indexOf(picture))}
          onMissing=${() => setGone([...gone, picture.hash!])}
        />
      `
      : html`<${PictureNote} key=${i}>${t.user.image(bytes(picture.size))}<//>`
  );
  const close = () => setShown(-1);
  return html`
    <div class="pictures">${thumbs}</div>
    ${shown >= 0 && html`<${LazyView} source=${view} urls=${there.map(urlOf)} start=${shown} onClose=${close} />`}
  `;
}

interface ThumbProps {
  url: string;
  label: string;
  onOpen: () => void;
  /** It is not kept any more. */
  onMissing: () => void;
}

function Thumb({ url, label, onOpen, onMissing }: ThumbProps) {
  return html`
    <button type="button" class="picture-thumb" aria-label=${label} onClick=${onOpen}>
      <img src=${url} alt="" loading="lazy" decoding="async" onError=${onMissing} />
    </button>
  `;
}

/** Says that a message has a picture. */
export function PictureNote({ children }: { children?: string }) {
  return html`
    <div class="bubble-image">
      <${Icon} name="image" size=${16} />
      ${children}
    </div>
  `;
}
