/** What the service worker says on notifications: by the codes of core/api/push.ts, and of itself. It loads nothing else. */
import type { PushCode } from '../../../core/api/push.ts';

export type Values = Readonly<Record<string, string | number>>;
type Words = (values: Values) => string;

export const notifications = {
  said: {
    needs_you: ({ name }) => `${name} needs you`,
    agent_needs_you: () => 'An agent needs you',
    failed: ({ name }) => `${name} failed`,
    finished: ({ name }) => `${name} is done`,
    limit_reached: ({ name, provider }) => `${name}: a limit of ${provider} is reached`,
    limit_over: ({ provider }) => `The limit of ${provider} is over`,
    limit_over_text: () => 'Agents that waited for it can go on.',
    task_failed: ({ name }) => `Task "${name}" failed`,
    task_stuck: ({ name }) => `Task "${name}" is stuck`,
    stuck_waits: ({ minutes }) => `Its agent has waited for you for ${minutes} min.`,
    stuck_silent: ({ minutes }) => `Its agent has shown no sign of life for ${minutes} min.`,
    pipeline_failed: () => 'The pipeline ended with failures',
    pipeline_complete: () => 'The pipeline is complete',
    counts: ({ completed, failed, skipped }) =>
      [`${completed} completed`, failed && `${failed} failed`, skipped && `${skipped} skipped`].filter(Boolean).join(
        ', ',
      ),
    agent_news: () => 'An agent has news',
    pipeline_news: () => 'The pipeline has news',
    allowed: ({ by }) => `Allowed by ${by}`,
    denied: ({ by }) => `Denied by ${by}`,
    answered: ({ by }) => `Answered by ${by}`,
    no_longer_asked: () => 'No longer asked',
    done: () => 'Done',
    test: () => 'It works',
    test_text: () => 'Notifications reach this device.',
  } satisfies Record<PushCode, Words> as Record<PushCode, Words>,
  unknown: 'Something needs you',
  openDashboard: 'Open the dashboard.',
  allow: 'Allow once',
  deny: 'Deny',
  review: 'Review',
  moreRequests: (n: number) => (n === 1 ? '1 more request' : `${n} more requests`),
  mine: { allowed: 'Allowed.', denied: 'Denied.', answered: 'Answered.' },
  theirs: {
    allowed: (by: string) => `Already allowed by ${by}.`,
    denied: (by: string) => `Already denied by ${by}.`,
    answered: (by: string) => `Already answered by ${by}.`,
  },
  gone: 'Too late: the agent no longer asks.',
  login: 'Not sent: log in on this device, then it is sent.',
  later: 'No network: it is sent as soon as there is one.',
  /** The server's own words; empty: a status alone. */
  refused: (sentence: string, status: number) => sentence || `The server answered ${status}.`,
  /** "Safari on iPhone": what signed in, as the server calls it. */
  device: (name: string) => name,
};

export type Notifications = typeof notifications;
