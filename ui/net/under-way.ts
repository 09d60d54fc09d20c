import { signal } from '../state/signal.ts';

/** How much is under way in this page that loading it anew would cut. */
export const underWay = signal(0);
