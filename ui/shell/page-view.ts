import { Component } from 'preact';
import { html, useLayoutEffect, useRef } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { Button, EmptyState, Skeleton } from '../components/mod.ts';
import { useLazy } from '../hooks/lazy.ts';
import { t } from '../i18n/t.ts';
import { isShared } from '../route.ts';
import type { Target } from './pages.ts';

/** The page of an address; its code is loaded at the first visit. */
export function PageView({ target, machine }: { target: Target; machine: string }) {
  const { View, failed, retry } = useLazy(target.page.view);
  const key = pageKey(target, machine);
  useArrival(key, View !== null);
  if (View) {
    return html`
      <${Boundary} key=${key}>
        <${View} params=${target.params} />
        <//>
    `;
  }
  if (failed) return html`<${Failed} onRetry=${retry} />`;
  return html`
    <div class="page">
      <${Skeleton} lines=${5} />
    </div>
  `;
}

/** Tabs of one thing are one page: going from one to the other keeps what is open. So are all searches. */
const pageKey = ({ path }: Target, machine: string): string =>
  (isShared(path) ? '' : machine) + path.split('/').slice(0, path.startsWith('/search/') ? 2 : 3).join('/');

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
        <${Button} onClick=${onRetry}>${t.common.retry}<//>
      <//>
    </div>
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
