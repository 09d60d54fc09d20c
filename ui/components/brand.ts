import { html } from '../html.ts';
import { Icon } from './icon.ts';

/** The product's mark. */
export const Mark = () =>
  html`
    <span class="brand-mark">
      <${Icon} name="agents" size=${17} />
    </span>
  `;
