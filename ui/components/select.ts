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

/** A few choices side by side, one of them chosen. Arrow keys go from one to the next, as in any group of radio buttons. */
export function Segments({ value, options, onChange, label }: Props & { label: string }) {
  function onKey(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const usable = options.filter((option) => !option.disabled);
    const at = usable.findIndex((option) => option.value === value);
    const next = usable[(at + step + usable.length) % usable.length];
    if (!next) return;
    onChange(next.value);
    const box = event.currentTarget as HTMLElement;
    requestAnimationFrame(() => box.querySelector<HTMLElement>('[aria-checked=true]')?.focus());
  }
  return html`<div class="segments" role="radiogroup" aria-label=${label} onKeyDown=${onKey}>
    ${
    options.map((o) =>
      html`
        <button key=${o.value} type="button" role="radio" aria-checked=${o.value === value}
          tabindex=${o.value === value ? 0 : -1} disabled=${o.disabled} onClick=${() => onChange(o.value)}>${o
            .label}</button>
      `
    )
  }
  </div>`;
}
