import type { AgentInfo } from '../../core/api/agents.ts';
import { useApp, useIsConnected } from '../app.ts';
import { useEffect } from '../html.ts';
import { path } from '../route.ts';

/** While a conversation is looked at, all that is said in it counts as seen; while it runs, at its end. */
export function useSeen({ id, state, lastSeq, seenSeq }: AgentInfo): void {
  const { api } = useApp();
  const isUp = useIsConnected();
  const isOver = state !== 'running' && state !== 'starting';
  useEffect(() => {
    const report = () => {
      if (!isUp || !isOver || lastSeq === seenSeq || document.visibilityState !== 'visible') return;
      // Only a mark: what is missed is said again with the next visit.
      api.put(path`/api/agents/${id}/marks`, { seenSeq: lastSeq }).catch(() => {});
    };
    report();
    document.addEventListener('visibilitychange', report);
    return () => document.removeEventListener('visibilitychange', report);
  }, [id, isUp, isOver, lastSeq]);
}
