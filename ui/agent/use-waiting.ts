import { useApp } from '../app.ts';
import { useSignalValue } from '../state/signal.ts';
import { needsMe } from '../../core/api/agent-order.ts';

/** How many agents, and sessions at the desk, wait for the user, on whichever machine. */
export function useWaiting(): number {
  const { agents, asking } = useApp().fleet;
  return useSignalValue(agents, (all) => all.filter(needsMe).length) + useSignalValue(asking);
}
