import { html, useEffect, useState } from '../html.ts';
import type { ComponentType } from '../html.ts';
import { Button, EmptyState, Skeleton } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import type { Page, PageProps, Where } from '../route.ts';

const loaded = new Map<Page, ComponentType<PageProps>>();

/** The page of an address; its code is loaded at the first visit. */
export function PageView({ where }: { where: Where }) {
  const { page, params } = where;
  const [, redraw] = useState(0);
  const [failed, setFailed] = useState<Page | null>(null);
  function load() {
    setFailed(null);
    page.load().then((module) => {
      loaded.set(page, module.default);
      redraw((n) => n + 1);
    }, () => setFailed(page));
  }
  useEffect(() => {
    if (!loaded.has(page)) load();
  }, [page]);
  const View = loaded.get(page);
  if (View) return html`<${View} key=${page.load.toString()} params=${params} />`;
  if (failed === page) {
    return html`
      <div class="page">
        <${EmptyState} icon="warning" title=${t.common.pageFailed}>
          <${Button} onClick=${load}>${t.common.retry}<//></${EmptyState}></div>
    `;
  }
  return html`
    <div class="page">
      <${Skeleton} lines=${5} />
    </div>
  `;
}
