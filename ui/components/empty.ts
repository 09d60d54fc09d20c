import { html } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { Icon } from './icon.ts';
import type { IconName } from './icon.ts';

/** What stands where nothing is yet: why, and (as children) what to do. */
export function EmptyState(props: { icon: IconName; title: string; text?: string; children?: ComponentChildren }) {
  return html`<div class="empty"><span class="empty-icon"><${Icon} name=${props.icon} size=${26} /></span>
    <h2>${props.title}</h2>${
    props.text && html`<p>${props.text}</p>`
  }<div class="row center">${props.children}</div></div>`;
}
