import { html } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { href } from '../route.ts';
import { Icon } from './icon.ts';
import type { IconName } from './icon.ts';
import { Spinner } from './spinner.ts';

export interface ButtonProps {
  /** primary: the one thing to do here; plain: others; quiet: without a frame; danger: ends or deletes something. */
  tone?: 'primary' | 'plain' | 'quiet' | 'danger' | 'allow';
  icon?: IconName;
  /** Work is going on: shows it and takes no click. */
  busy?: boolean;
  disabled?: boolean;
  type?: 'button' | 'submit';
  class?: string;
  onClick?: (event: MouseEvent) => void;
  children?: ComponentChildren;
  /** Any further attribute (aria-…, title, data-…). */
  [attribute: string]: unknown;
}

export function Button(props: ButtonProps) {
  const {
    tone = 'plain',
    icon,
    busy = false,
    disabled = false,
    type = 'button',
    children,
    class: extra = '',
    ...rest
  } = props;
  return html`
    <button type=${type} class=${`button ${tone} ${extra}`} disabled=${disabled || busy} aria-busy=${busy} ...${rest}>
      ${busy ? html`<${Spinner} />` : icon && html`<${Icon} name=${icon} size=${18} />`}
      ${children !== undefined && html`<span>${children}</span>`}
    </button>
  `;
}

/** A button that is only an icon; `label` is what it does. */
export function IconButton(props: Omit<ButtonProps, 'children'> & { icon: IconName; label: string }) {
  const { label, class: extra = '', tone = 'quiet', ...rest } = props;
  return html`<${Button} ...${rest} tone=${tone} class=${`icon-button ${extra}`} aria-label=${label} title=${label} />`;
}

/** A link that looks like a button: for going somewhere. */
export function LinkButton({ to, tone = 'plain', icon, children, ...rest }: ButtonProps & { to: string }) {
  return html`
    <a class=${`button ${tone}`} href=${href(to)} ...${rest}>
      ${icon && html`<${Icon} name=${icon} size=${18} />`}
      <span>${children}</span>
    </a>
  `;
}
