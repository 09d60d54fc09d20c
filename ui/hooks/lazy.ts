/** Components whose code is loaded when they are first drawn. */
import { html, useEffect } from '../html.ts';
import type { ComponentType } from '../html.ts';
import { signal, useSignalValue } from '../state/signal.ts';
import type { Signal } from '../state/signal.ts';

interface LazyState<Props> {
  View: ComponentType<Props> | null;
  failed: boolean;
}

export interface Lazy<Props> {
  readonly state: Signal<LazyState<Props>>;
  /** Loads the code, unless it is here; again after a failure. */
  load(): void;
}

/** @param load imports a module whose default export is the component */
export function lazy<Props>(load: () => Promise<{ default: ComponentType<Props> }>): Lazy<Props> {
  const state = signal<LazyState<Props>>({ View: null, failed: false });
  return {
    state,
    load() {
      if (state.value.View) return;
      state.value = { View: null, failed: false };
      load().then(
        (module) => state.value = { View: module.default, failed: false },
        () => state.value = { View: null, failed: true },
      );
    },
  };
}

/** One whose code is here from the start: the view that nearly every visit begins with. */
export const loaded = <Props>(View: ComponentType<Props>): Lazy<Props> => ({
  state: signal<LazyState<Props>>({ View, failed: false }),
  load() {},
});

/** The component once its code is here; `retry` when it could not be loaded. */
export function useLazy<Props>(source: Lazy<Props>): LazyState<Props> & { retry: () => void } {
  const state = useSignalValue(source.state);
  useEffect(source.load, [source]);
  return { ...state, retry: () => void reloadPage().catch(source.load) };
}

/**
 * Browsers do not ask again for code that failed, and after an update its address is gone where no service worker keeps it
 * (plain http): the page is loaded anew. Rejects while the server is out of reach, and then it stays.
 */
async function reloadPage(): Promise<void> {
  const { ok } = await fetch('/', { method: 'HEAD', cache: 'no-store' });
  if (!ok) throw new Error('The server does not give the page.');
  location.reload();
}

/** A component that is nothing until its code is here. All but `source` is handed to it. */
export function LazyView<Props extends object>({ source, ...props }: { source: Lazy<Props> } & Props) {
  const { View } = useLazy(source);
  return View && html`<${View} ...${props} />`;
}
