import { html } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { Icon } from './icon.ts';

const ICONS = { info: 'info', warn: 'warning', bad: 'error' } as const;

interface Props {
  tone?: keyof typeof ICONS;
  /** It appears because of something the user did: read out at once. */
  alert?: boolean;
  children?: ComponentChildren;
  [attribute: string]: unknown;
}

/** A sentence that stands out on a page. */
export function Note({ tone = 'info', alert = false, children, ...rest }: Props) {
  return html`
    <p class=${tone === 'info' ? 'note' : `note ${tone}`} role=${alert ? 'alert' : undefined} ...${rest}>
      <${Icon} name=${ICONS[tone]} size=${18} />
      <span class="grow">${children}</span>
    </p>
  `;
}
