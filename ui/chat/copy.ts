import { html, useState } from '../html.ts';
import { Icon, toastError } from '../components/mod.ts';
import { t } from '../i18n/en.ts';

/** Copies a text to the clipboard: only at the user's click, never at an agent's wish. */
export function CopyButton({ text }: { text: string }) {
  const [done, setDone] = useState(false);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    } catch {
      toastError(new Error(t.common.copyFailed));
    }
  }
  if (!globalThis.isSecureContext) return null;
  return html`<button type="button" class="copy" onClick=${() => void copy()} aria-label=${
    done ? t.common.copied : t.common.copy
  } title=${t.common.copy}>
    <${Icon} name=${done ? 'check' : 'copy'} size=${16} /></button>`;
}
