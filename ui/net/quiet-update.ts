/** Takes a newer dashboard when nobody looks: the page loads anew then, and nothing that somebody does is disturbed. */
import type { Timer } from '../state/signal.ts';
import type { SocketClock } from './reconnecting-socket.ts';
import type { WorkerControl } from './service-worker.ts';

/** So long has the page been out of sight, ms. */
export const QUIET_MS = 30_000;

export interface QuietUpdateDeps extends Pick<SocketClock, 'setTimeout' | 'clearTimeout'> {
  worker: Pick<WorkerControl, 'hasUpdate' | 'update'>;
  isVisible(): boolean;
  /** Calls back when that changes. */
  onVisibility(changed: () => void): void;
  /** Something is under way that loading anew would cut: a dialog, a text that is typed, a command on its way. */
  isBusy(): boolean;
}

export function updateWhenQuiet({ worker, isVisible, isBusy, onVisibility, ...clock }: QuietUpdateDeps): void {
  let timer: Timer | null = null;
  const look = () => {
    if (timer !== null) clock.clearTimeout(timer);
    timer = null;
    if (!worker.hasUpdate.value || isVisible()) return;
    timer = clock.setTimeout(() => isBusy() ? look() : worker.update(), QUIET_MS);
  };
  worker.hasUpdate.subscribe(look);
  onVisibility(look);
}
