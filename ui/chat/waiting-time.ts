/** How long a turn or a tool worked, without the time that it waited for a person. Pure. */
import type { RequestMessage } from '../../core/api/messages.ts';

interface Span {
  from: number;
  to: number;
}

const waitOf = ({ at, decision }: RequestMessage): Span | null => decision ? { from: at, to: decision.at } : null;

/** The time in which at least one of the requests was open; ms. */
export function waitedFor(requests: readonly RequestMessage[]): number {
  const spans = requests.map(waitOf).filter((span) => span !== null).sort((a, b) => a.from - b.from);
  let total = 0;
  let end = -Infinity;
  for (const { from, to } of spans) {
    total += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return total;
}

/** @param ms measured by the CLI; some leave the waiting out already, so more waiting than time takes nothing off */
export const workedFor = (ms: number, requests: readonly RequestMessage[]): number => {
  const waited = waitedFor(requests);
  return waited > ms ? ms : ms - waited;
};
