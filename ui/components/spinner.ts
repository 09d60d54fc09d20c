import { html } from '../html.ts';
import { t } from '../i18n/t.ts';

export function Spinner({ label }: { label?: string }) {
  const role = label ? 'status' : undefined;
  return html`<span class="spinner" role=${role} aria-label=${label} aria-hidden=${!label}></span>`;
}

/** Grey bars in place of what is being loaded. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return html`
    <div class="skeleton" role="status" aria-label=${t.common.loading}>
      ${Array.from({ length: lines }, (_, i) => html`<span key=${i} class=${`bar w${i % 3}`}></span>`)}
    </div>
  `;
}
