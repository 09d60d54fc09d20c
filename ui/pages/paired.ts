import { html } from '../html.ts';
import { EmptyState, LinkButton } from '../components/mod.ts';
import { t } from '../i18n/all.ts';

/** What a pairing link shows on a device that is signed in: the link is not used up. */
export default function Paired() {
  return html`
    <div class="page">
      <${EmptyState} isPage icon="devices" title=${t.nav.paired} text=${t.devices.pairedText}>
        <${LinkButton} to="/" tone="primary">${t.notFound.home}<//>
        <${LinkButton} to="/devices">${t.nav.devices}<//>
      <//>
    </div>
  `;
}
