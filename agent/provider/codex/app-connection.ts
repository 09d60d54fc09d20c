import type { AppServer } from './server.ts';

/** What a thread needs of the app-server, whether that is a process of ours or the daemon. */
export type AppConnection = Pick<AppServer, 'request' | 'answer'>;
