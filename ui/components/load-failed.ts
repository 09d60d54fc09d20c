import { html } from '../html.ts';
import { t } from '../i18n/t.ts';
import { Button } from './button.ts';
import { EmptyState } from './empty.ts';

/** What stands where a page's data would be, when they could not be loaded. */
export function LoadFailed({ error, reload }: { error: string; reload: () => void }) {
  return html`
    <${EmptyState} icon="warning" title=${t.common.loadFailed} text=${error}>
      <${Button} icon="retry" onClick=${reload}>${t.common.retry}<//>
    <//>
  `;
}
