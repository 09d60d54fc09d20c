import { useApp } from '../app.ts';
import { useSignalValue } from '../state/signal.ts';
import { needsMe } from '../../core/api/agent-order.ts';

/** How many agents wait for the user, on whichever machine. */
export const useWaiting = (): number =>
  useSignalValue(useApp().fleet.agents, (agents) => agents.filter(needsMe).length);
