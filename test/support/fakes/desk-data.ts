/** Sessions that run in terminals, for tests of the dashboard. */
import type { DeskSession } from '../../../core/api/handoff.ts';
import { NOW } from './ui-data.ts';

export const deskSession = (part: Partial<DeskSession> & { id: string }): DeskSession => ({
  ...{ provider: 'claude', pid: 4711, attach: null, isHere: false, version: '2.1.330', others: 0 },
  ...{ name: 'fix-rounding', directory: '/home/dev/projects/shop', status: 'idle', waitingFor: '' },
  ...{ startedAt: NOW - 3_600_000, statusAt: NOW - 60_000 },
  ...part,
});

export const DESK: DeskSession[] = [
  deskSession({ id: 'asks', status: 'waiting', waitingFor: 'permission prompt', others: 1 }),
  deskSession({ id: 'works', name: 'A long name that somebody gave to a session '.repeat(4), status: 'busy' }),
  deskSession({ id: 'behind', name: 'nightly', attach: 'claude attach 2ae3a825' }),
];
