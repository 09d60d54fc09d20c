/** What is open of other agents of this machine, so that everything that is open can be closed in one place. */
import type { Preview } from '../../core/api/previews.ts';
import { useApp, useStore } from '../app.ts';
import { html, useEffect, useState } from '../html.ts';
import { Button, toast, toastError } from '../components/mod.ts';
import { clockTime } from '../format.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';
import { addressOf } from './preview-state.ts';

export function OtherPreviews({ agent }: { agent: string }) {
  const { api } = useApp();
  const [previews, setPreviews] = useState<readonly Preview[]>([]);
  const load = () =>
    // A machine of an older release has no such list.
    void api.get<{ previews: Preview[] }>('/api/previews').then((list) => setPreviews(list.previews), () => {});
  useEffect(load, []);
  const close = (preview: Preview) =>
    void api.delete(`${addressOf(preview.agent)}${path`/${preview.id}`}`)
      .then(() => toast(t.previews.closed), toastError).finally(load);
  const others = previews.filter((preview) => preview.agent !== agent);
  if (!others.length) return null;
  const rows = others.map((preview) =>
    html`<${OtherRow} key=${preview.id} preview=${preview} onClose=${() => close(preview)} />`
  );
  return html`
    <section class="preview-others" aria-label=${t.previews.others}>
      <h3>${t.previews.others}</h3>
      <ul class="preview-list">${rows}</ul>
    </section>
  `;
}

function OtherRow({ preview: { agent, port, expiresAt }, onClose }: { preview: Preview; onClose: () => void }) {
  const name = useStore((state) => state.agents[agent]?.name) ?? '';
  return html`
    <li class="preview-row">
      <span class="preview-text">
        <span class="mono">${t.previews.port(port)}</span>
        <span class="hint">${[name, t.previews.until(clockTime(expiresAt))].filter(Boolean).join(' · ')}</span>
      </span>
      <${Button} aria-label=${t.previews.closeLabel(port)} onClick=${onClose}>${t.previews.close}<//>
    </li>
  `;
}
