/** The page's side of the service worker: installs it, goes where a notification leads, and takes an update at a quiet moment. */
import { signal } from '../state/signal.ts';
import type { Signal } from '../state/signal.ts';

export const WORKER_ADDRESS = '/sw.js';

export interface WorkerDeps {
  /** Missing where the page did not come by https or from this machine. */
  container: ServiceWorkerContainer | undefined;
  /** Goes to a path of the page. */
  open(path: string): void;
  /** Loads the page anew. */
  reload(): void;
  /** When it may be installed: it fetches every file, and what is looked at comes first. */
  when: Promise<void>;
}

export interface WorkerControl {
  /** A newer dashboard is installed and waits. */
  readonly hasUpdate: Signal<boolean>;
  /** Takes the newer dashboard: the page loads anew, whole. */
  update(): void;
  /** Sends what was tapped on notifications while there was no way. */
  flush(): void;
  /**
   * Takes the notifications of other requests away.
   * @param requests `agent request` of each that waits; before the agent `/m/<machine>`, where the relay tells of machines
   * @param machines of which all requests are known
   */
  waiting(requests: readonly string[], machines: readonly string[]): void;
  /** Resolves when a test that a push service sends has come to this device; rejects after `ms`. */
  testArrives(ms: number): Promise<void>;
  /** The registration that push belongs to; null where there are no service workers. */
  registration(): Promise<ServiceWorkerRegistration | null>;
}

export function startWorker({ container, open, reload, when }: WorkerDeps): WorkerControl {
  const hasUpdate = signal(false);
  if (!container) {
    return {
      hasUpdate,
      update: reload,
      flush() {},
      waiting() {},
      testArrives: () => Promise.reject(new Error('There is no service worker.')),
      registration: () => Promise.resolve(null),
    };
  }
  const install = () => container.register(WORKER_ADDRESS, { updateViaCache: 'none' });
  const ready = when.then(install).then((registration) => {
    followUpdates(registration, container, () => hasUpdate.value = true);
    return registration;
  }, () => null);
  container.addEventListener('message', ({ data }) => {
    const path = pathOf(data);
    if (path) open(path);
  });
  let isTaking = false;
  let hadWorker = container.controller !== null;
  container.addEventListener('controllerchange', () => {
    if (isTaking) return reload();
    // Another tab took it: this page goes on as it is, whole, until its own quiet moment.
    if (hadWorker) hasUpdate.value = true;
    hadWorker = true;
  });
  return {
    hasUpdate,
    flush: () => container.controller?.postMessage({ type: 'flush' }),
    waiting: (requests, machines) => container.controller?.postMessage({ type: 'waiting', requests, machines }),
    testArrives: (ms) => testArrives(container, ms),
    registration: () => ready,
    update() {
      isTaking = true;
      void ready.then((registration) => {
        if (registration?.waiting) registration.waiting.postMessage({ type: 'take-over' });
        else reload();
      });
    },
  };
}

/** A worker that waits beside the one in charge is a newer dashboard; the first one of all is none. */
function followUpdates(registration: ServiceWorkerRegistration, container: ServiceWorkerContainer, found: () => void) {
  const look = () => registration.waiting && container.controller && found();
  look();
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', look);
  });
}

function testArrives(container: ServiceWorkerContainer, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      container.removeEventListener('message', listen);
      settle();
    };
    const listen = ({ data }: MessageEvent) => {
      if ((data as { type?: unknown } | null)?.type === 'test') end(resolve);
    };
    const timer = setTimeout(() => end(() => reject(new Error('Nothing came.'))), ms);
    container.addEventListener('message', listen);
  });
}

/** `{type: 'open', path: '/#/…'}`: a path of this page and nothing else. */
function pathOf(data: unknown): string | null {
  const { type, path } = (data ?? {}) as { type?: unknown; path?: unknown };
  return type === 'open' && typeof path === 'string' && /^\/(#\/.*)?$/.test(path) ? path.slice(2) || '/' : null;
}
