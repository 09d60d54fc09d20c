import { html } from '../html.ts';
import { cell, useCell } from '../cell.ts';
import { t } from '../i18n/en.ts';
import { IconButton } from './button.ts';
import { Icon } from './icon.ts';

interface Toast {
  id: number;
  text: string;
  tone: 'info' | 'error';
}

const toasts = cell<readonly Toast[]>([]);
const SHOWN_FOR = { info: 4000, error: 10_000 };
const MAX_TOASTS = 3;
let count = 0;

/** Says something in passing; errors stay longer. */
export function toast(text: string, tone: Toast['tone'] = 'info'): void {
  const id = ++count;
  toasts.set([...toasts.get().filter((other) => other.text !== text), { id, text, tone }].slice(-MAX_TOASTS));
  setTimeout(() => dismiss(id), SHOWN_FOR[tone]);
}

/** For `promise.catch(toastError)`: says why it failed. */
export const toastError = (error: unknown): void =>
  toast(error instanceof Error && error.message ? error.message : t.common.failed, 'error');

const dismiss = (id: number) => toasts.set(toasts.get().filter((other) => other.id !== id));

/** The open dialogs, the topmost one last. */
export const openDialogs = cell<readonly string[]>([]);

/**
 * Shows the toasts; the shell holds one, and so does every dialog: beside the topmost dialog nothing can be read, heard or hit.
 */
export function Toasts({ dialog }: { dialog?: string }) {
  const isOnTop = useCell(openDialogs, (open) => open.at(-1) === dialog);
  const all = useCell(toasts);
  const list = isOnTop ? all : [];
  return html`<div class="toasts" role="status" aria-live="polite">
    ${
    list.map(({ id, text, tone }) =>
      html`<div key=${id} class=${`toast ${tone}`}>
      <${Icon} name=${tone === 'error' ? 'error' : 'info'} size=${18} /><span>${text}</span>
      <${IconButton} icon="cross" label=${t.common.dismiss} onClick=${() => dismiss(id)} /></div>`
    )
  }
  </div>`;
}
