import { html } from '../html.ts';
import { PageHead } from '../components/mod.ts';
import { t } from '../i18n/en.ts';

export default function Page() {
  return html`
    <div class="page">
      <${PageHead} title=${t.nav.agents} />
    </div>
  `;
}
