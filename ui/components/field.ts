import { html, useEffect, useId, useRef } from '../html.ts';
import type { ComponentChildren, VNode } from '../html.ts';
import { t } from '../i18n/t.ts';

export interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  /** What is wrong with the value; shown at the field and told to screen readers. */
  error?: string;
  optional?: boolean;
  /** Draws the control with the attributes that tie it to the label and the error. */
  children: (attributes: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': boolean }) => VNode;
}

/** Label, control, hint and error of one value. */
export function Field({ label, hint, error, optional, children }: FieldProps) {
  const id = useId();
  const about = error ? `${id}-error` : hint ? `${id}-hint` : undefined;
  const note = error
    ? html`<p class="field-error" id=${about} role="alert">${error}</p>`
    : hint && html`<p class="hint" id=${about}>${hint}</p>`;
  return html`
    <div class=${`field ${error ? 'bad' : ''}`}>
      <label for=${id}>${label}${optional && html`<span class="faint"> · ${t.common.optional}</span>`}</label>
      ${children({ id, 'aria-describedby': about, 'aria-invalid': !!error })}
      ${note}
    </div>
  `;
}

type Input = Omit<FieldProps, 'children'> & {
  value: string;
  onInput: (value: string) => void;
  type?: string;
  placeholder?: string;
  [attribute: string]: unknown;
};

/** What was typed. */
const valueOf = (event: Event): string => (event.target as HTMLInputElement).value;

/** A labelled one-line text field. */
export function TextField({ label, hint, error, optional, value, onInput, type = 'text', ...rest }: Input) {
  const read = (event: Event) => onInput(valueOf(event));
  const control = (tie: object) =>
    html`
      <input class="input" type=${type} value=${value} autocomplete="off" onInput=${read} ...${tie}
        ...${rest} />
    `;
  return html`<${Field} label=${label} hint=${hint} error=${error} optional=${optional}>${control}<//>`;
}

/** A labelled text area that grows with its text, up to its CSS max-height. */
export function TextArea(
  { label, hint, error, optional, value, onInput, rows = 3, ...rest }: Input & { rows?: number },
) {
  const ref = useRef<HTMLTextAreaElement>(null);
  useEffect(() => grow(ref.current), [value]);
  const read = (event: Event) => onInput(valueOf(event));
  const control = (tie: object) =>
    html`
      <textarea ref=${ref} class="input" rows=${rows} value=${value} onInput=${read} ...${tie}
        ...${rest}></textarea>
    `;
  return html`<${Field} label=${label} hint=${hint} error=${error} optional=${optional}>${control}<//>`;
}

/** Makes a text area as high as its text. */
export function grow(area: HTMLTextAreaElement | null): void {
  if (!area) return;
  area.style.height = 'auto';
  area.style.height = `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`;
}

interface ToggleProps {
  label: string;
  hint?: string;
  checked: boolean;
  disabled?: boolean;
  onChange: (on: boolean) => void;
}

/** A yes or no. */
export function Toggle({ label, hint, checked, disabled, onChange }: ToggleProps) {
  const read = (event: Event) => onChange((event.target as HTMLInputElement).checked);
  return html`
    <label class="toggle">
      <input type="checkbox" role="switch" checked=${checked} disabled=${disabled} onChange=${read} />
      <span class="track" aria-hidden="true"></span>
      <span class="toggle-text">
        <span>${label}</span>
        ${hint && html`<span class="hint">${hint}</span>`}
      </span>
    </label>
  `;
}
