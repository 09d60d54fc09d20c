/** Collects a provider's events and lets tests wait for one. */
import type { ProviderEvent } from '../../../agent/provider/provider.ts';

export interface Recorder {
  events: ProviderEvent[];
  emit: (event: ProviderEvent) => void;
  /** Resolves with the first event from `from` on that fits. */
  wait<T extends ProviderEvent>(fits: (event: ProviderEvent) => event is T, from?: number): Promise<T>;
  type<K extends ProviderEvent['type']>(type: K, from?: number): Promise<Extract<ProviderEvent, { type: K }>>;
  of<K extends ProviderEvent['type']>(type: K, from?: number): Extract<ProviderEvent, { type: K }>[];
}

/** @param timeoutMs after which a wait fails with what was seen */
export function record(timeoutMs = 20_000): Recorder {
  const events: ProviderEvent[] = [];
  const waiting = new Set<() => void>();
  const wait: Recorder['wait'] = (fits, from = 0) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(
          new Error(`not seen in time; seen: ${events.map((event) => JSON.stringify(event)).join('\n').slice(-4000)}`),
        );
      }, timeoutMs);
      const look = () => {
        const found = events.slice(from).find(fits);
        if (!found) return;
        waiting.delete(look);
        clearTimeout(timer);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return {
    events,
    emit: (event) => {
      events.push(event);
      for (const look of [...waiting]) look();
    },
    wait,
    type: (type, from) =>
      wait((event): event is Extract<ProviderEvent, { type: typeof type }> => event.type === type, from),
    of: (type, from = 0) =>
      events.slice(from).filter((event): event is Extract<ProviderEvent, { type: typeof type }> => event.type === type),
  };
}
