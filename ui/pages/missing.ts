import { html } from '../html.ts';
import { EmptyState, LinkButton } from '../components/mod.ts';
import { t } from '../i18n/t.ts';

/** What an address without a page shows. */
export default function Missing() {
  return html`
    <div class="page">
      <${EmptyState} isPage icon="search" title=${t.notFound.title} text=${t.notFound.text}>
        <${LinkButton} to="/" tone="primary">${t.notFound.home}<//>
      <//>
    </div>
  `;
}
