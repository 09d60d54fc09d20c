import { Component } from 'preact';
import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.ts';
import type { ComponentChildren, ComponentType } from '../html.ts';
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
  useArrival(pageKey(where), View !== undefined);
  if (View) {
    return html`
      <${Boundary} key=${pageKey(where)}>
        <${View} params=${params} />
        </${Boundary}>
    `;
  }
  if (failed === page) return html`<${Failed} onRetry=${load} />`;
  return html`
    <div class="page">
      <${Skeleton} lines=${5} />
    </div>
  `;
}

/** Tabs of one thing are one page: going from one to the other keeps what is open. */
const pageKey = ({ path }: Where): string => path.split('/').slice(0, 3).join('/');

/** Where the list of agents was left; every other page begins at its top. */
let listPosition = 0;
const isList = (key: string): boolean => key === '/';

/** Scrolls to where a page begins and gives it the focus. */
function useArrival(key: string, isDrawn: boolean): void {
  const first = useRef(true);
  useLayoutEffect(() => {
    if (!isDrawn) return;
    scrollTo(0, isList(key) ? listPosition : 0);
    if (!first.current && !document.activeElement?.matches('input, textarea, select')) {
      document.getElementById('main')?.focus({ preventScroll: true });
    }
    first.current = false;
    if (!isList(key)) return;
    const remember = () => void (listPosition = scrollY);
    addEventListener('scroll', remember, { passive: true });
    return () => removeEventListener('scroll', remember);
  }, [key, isDrawn]);
}

function Failed({ onRetry }: { onRetry: () => void }) {
  return html`
    <div class="page">
      <${EmptyState} icon="warning" title=${t.common.pageFailed}>
        <${Button} onClick=${onRetry}>${t.common.retry}<//></${EmptyState}></div>
  `;
}

/** A fault in one page leaves the rest of the dashboard alone. */
class Boundary extends Component<{ children?: ComponentChildren }, { isBroken: boolean }> {
  override state = { isBroken: false };
  override componentDidCatch(error: unknown) {
    console.error(error);
    this.setState({ isBroken: true });
  }
  override render() {
    if (this.state.isBroken) return html`<${Failed} onRetry=${() => this.setState({ isBroken: false })} />`;
    return this.props.children;
  }
}
