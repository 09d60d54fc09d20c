import { html } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { Icon } from './icon.ts';
import type { IconName } from './icon.ts';

interface Props {
  icon: IconName;
  title: string;
  text?: string;
  /** It is all that the page has: its title is the page's. */
  isPage?: boolean;
  children?: ComponentChildren;
}

/** What stands where nothing is yet: why, and (as children) what to do. */
export function EmptyState(props: Props) {
  const heading = props.isPage ? 'h1' : 'h2';
  return html`
    <div class="empty">
      <span class="empty-icon">
        <${Icon} name=${props.icon} size=${26} />
      </span>
      <${heading}>${props.title}<//>
      ${props.text && html`<p>${props.text}</p>`}
      <div class="row center">${props.children}</div>
    </div>
  `;
}
