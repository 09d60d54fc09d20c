import { html, useState } from '../html.ts';
import { Icon, toastError } from '../components/mod.ts';
import { t } from '../i18n/t.ts';

/** How long the check mark stays, ms. */
const DONE_MS = 1500;

/** Copies a text to the clipboard: only at the user's click, never at an agent's wish. */
export function CopyButton({ text, label = t.common.copy }: { text: string | (() => string); label?: string }) {
  const [done, setDone] = useState(false);
  async function copy() {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : text());
      setDone(true);
      setTimeout(() => setDone(false), DONE_MS);
    } catch {
      toastError(new Error(t.common.copyFailed));
    }
  }
  if (!globalThis.isSecureContext) return null;
  const name = done ? t.common.copied : label;
  return html`
    <button type="button" class="copy" onClick=${() => void copy()} aria-label=${name} title=${label}>
      <${Icon} name=${done ? 'check' : 'copy'} size=${16} />
    </button>
  `;
}
