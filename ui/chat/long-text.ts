import { html, useState } from '../html.ts';
import { t } from '../i18n/t.ts';
import { CopyButton } from './copy.ts';

/** Characters shown before "show more". */
const MAX_SHOWN = 4000;

/** A preformatted text, cut until asked for. */
export function LongText({ label, text }: { label: string; text: string }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > MAX_SHOWN;
  const shown = isWhole ? text : text.slice(0, MAX_SHOWN);
  const toggle = () => setWhole(!isWhole);
  return html`
    <figure class="code">
      <figcaption>
        <span>${label}</span>
        <${CopyButton} text=${text} />
      </figcaption>
      <pre tabindex="0">${shown}</pre>
      ${isLong && html`
        <button type="button" class="link-button" onClick=${toggle}>
          ${isWhole ? t.common.showLess : t.common.showMore}
        </button>
      `}
    </figure>
  `;
}
