import { html } from '../html.ts';
import { Field } from './field.ts';
import type { FieldProps } from './field.ts';
import { Icon } from './icon.ts';

export interface Option {
  value: string;
  label: string;
  disabled?: boolean;
}

interface Props {
  value: string;
  options: readonly Option[];
  onChange: (value: string) => void;
  disabled?: boolean;
  class?: string;
  [attribute: string]: unknown;
}

/** The system's own picker (best on a phone) in the product's clothes. Give it an aria-label, or use SelectField. */
export function Select({ value, options, onChange, disabled, class: extra = '', ...rest }: Props) {
  return html`<span class=${`select ${extra}`}>
    <select value=${value} disabled=${disabled} onChange=${(e: Event) =>
    onChange((e.target as HTMLSelectElement).value)} ...${rest}>
      ${
    options.map((o) =>
      html`<option key=${o.value} value=${o.value} disabled=${o.disabled} selected=${
        o.value === value
      }>${o.label}</option>`
    )
  }
    </select><${Icon} name="down" size=${16} /></span>`;
}

export function SelectField({ label, hint, error, optional, ...rest }: Props & Omit<FieldProps, 'children'>) {
  return html`<${Field} label=${label} hint=${hint} error=${error} optional=${optional}>
    ${(tie: object) => html`<${Select} ...${rest} ...${tie} />`}
  <//>`;
}

/** A few choices side by side, one of them chosen. */
export function Segments({ value, options, onChange, label }: Props & { label: string }) {
  return html`<div class="segments" role="radiogroup" aria-label=${label}>
    ${
    options.map((o) =>
      html`
        <button key=${o.value} type="button" role="radio" aria-checked=${o.value === value}
          disabled=${o.disabled} onClick=${() => onChange(o.value)}>${o.label}</button>
      `
    )
  }
  </div>`;
}
