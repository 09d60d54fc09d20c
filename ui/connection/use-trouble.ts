import { useApp } from '../app.ts';
import { now } from '../components/mod.ts';
import { isShared, namedMachine, usePath } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';
import { trouble } from './connection.ts';
import type { Trouble } from './connection.ts';

/** What is broken now; null when nothing is. Drawn again each second while something is. */
export function useTrouble(): Trouble | null {
  const { feedProbe, live, relay } = useApp();
  const connection = useSignalValue(live.connection);
  const relayState = useSignalValue(relay.state);
  const answeredAt = useSignalValue(feedProbe.answeredAt);
  useSignalValue(now, (time) => (connection.phase === 'up' ? 0 : time));
  return trouble({
    live: connection,
    relay: relayState,
    answeredAt,
    online: navigator.onLine,
    now: Date.now(),
  });
}

/** The same for the whole page: one of several machines that is away is said on its cards, where all of them are shown. */
export function usePageTrouble(): Trouble | null {
  const { fleet } = useApp();
  const trouble = useTrouble();
  const path = usePath();
  const isOfAll = useSignalValue(namedMachine) === '' && isShared(path);
  const isAnyUp = useSignalValue(
    fleet.apps,
    (apps) => apps.length > 1 && apps.some(({ live }) => live.connection.value.phase === 'up'),
  );
  return isOfAll && isAnyUp ? null : trouble;
}
