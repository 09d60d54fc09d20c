import { html } from '../html.ts';
import { signal, useSignalValue } from '../state/signal.ts';
import { t } from '../i18n/t.ts';
import { IconButton } from './button.ts';
import { Icon } from './icon.ts';

interface Toast {
  id: number;
  text: string;
  tone: 'info' | 'error';
}

const toasts = signal<readonly Toast[]>([]);
const SHOWN_FOR = { info: 4000, error: 10_000 };
const MAX_TOASTS = 3;
let count = 0;

/** Says something in passing; errors stay longer. */
export function toast(text: string, tone: Toast['tone'] = 'info'): void {
  const id = ++count;
  toasts.value = [...toasts.value.filter((other) => other.text !== text), { id, text, tone }].slice(-MAX_TOASTS);
  setTimeout(() => dismiss(id), SHOWN_FOR[tone]);
}

/** For `promise.catch(toastError)`: says why it failed. */
export const toastError = (error: unknown): void =>
  toast(error instanceof Error && error.message ? error.message : t.common.failed, 'error');

const dismiss = (id: number) => toasts.value = toasts.value.filter((other) => other.id !== id);

/** The open dialogs, the topmost one last. */
export const openDialogs = signal<readonly string[]>([]);

/**
 * Shows the toasts; the shell holds one, and so does every dialog: beside the topmost dialog nothing can be read, heard or hit.
 */
export function Toasts({ dialog }: { dialog?: string }) {
  const isOnTop = useSignalValue(openDialogs, (open) => open.at(-1) === dialog);
  const all = useSignalValue(toasts);
  const shown = isOnTop ? all : [];
  return html`
    <div class="toasts" role="status" aria-live="polite">
      ${shown.map((toast) => html`<${ToastView} key=${toast.id} toast=${toast} />`)}
    </div>
  `;
}

function ToastView({ toast: { id, text, tone } }: { toast: Toast }) {
  return html`
    <div class=${`toast ${tone}`}>
      <${Icon} name=${tone === 'error' ? 'error' : 'info'} size=${18} />
      <span>${text}</span>
      <${IconButton} icon="cross" label=${t.common.dismiss} onClick=${() => dismiss(id)} />
    </div>
  `;
}
