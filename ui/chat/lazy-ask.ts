import { html, useRef } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { lazy, useLazy } from '../hooks/lazy.ts';
import { useQuiet } from '../hooks/quiet.ts';
import type { AskProps } from './ask.ts';

/** Loaded when an agent waits: a start at which none does needs nothing of it. */
const ask = lazy<AskProps>(() => import('./ask.ts').then(({ Ask }) => ({ default: Ask })));

export function LazyAsk(props: AskProps) {
  const { View } = useLazy(ask);
  return View && html`<${View} ...${props} />`;
}

/** The oldest open request; one that was just answered stays until the user's hand is off the page. */
export function useShownRequest({ pending }: Pick<AgentInfo, 'pending'>): string | undefined {
  const quiet = useQuiet();
  const shown = useRef(pending[0]);
  if (quiet) shown.current = pending[0];
  return shown.current;
}
