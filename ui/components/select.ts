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
  const read = (event: Event) => onChange((event.target as HTMLSelectElement).value);
  return html`
    <span class=${`select ${extra}`}>
      <select value=${value} disabled=${disabled} onChange=${read} ...${rest}>
        ${options.map((option) => html`<${SelectOption} key=${option.value} option=${option} current=${value} />`)}
      </select>
      <${Icon} name="down" size=${16} />
    </span>
  `;
}

function SelectOption({ option, current }: { option: Option; current: string }) {
  const { value, label, disabled } = option;
  return html`<option value=${value} disabled=${disabled} selected=${value === current}>${label}</option>`;
}

export function SelectField({ label, hint, error, optional, ...rest }: Props & Omit<FieldProps, 'children'>) {
  const control = (tie: object) => html`<${Select} ...${rest} ...${tie} />`;
  return html`<${Field} label=${label} hint=${hint} error=${error} optional=${optional}>${control}<//>`;
}

const STEPS: Partial<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** A few choices side by side, one of them chosen. Arrow keys go from one to the next, as in any group of radio buttons. */
export function Segments({ value, options, onChange, label }: Props & { label: string }) {
  function onKey(event: KeyboardEvent) {
    const step = STEPS[event.key];
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
  return html`
    <div class="segments" role="radiogroup" aria-label=${label} onKeyDown=${onKey}>
      ${options.map((option) =>
        html`<${Segment} key=${option.value} option=${option} current=${value} onChange=${onChange} />`
      )}
    </div>
  `;
}

function Segment({ option, current, onChange }: { option: Option; current: string; onChange: Props['onChange'] }) {
  const { value, label, disabled } = option;
  const isChosen = value === current;
  return html`
    <button
      type="button"
      role="radio"
      aria-checked=${isChosen}
      tabindex=${isChosen ? 0 : -1}
      disabled=${disabled}
      onClick=${() => onChange(value)}
    >
      ${label}
    </button>
  `;
}
