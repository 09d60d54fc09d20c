import type { AppServer } from './server.ts';

/** What a thread needs of the app-server, whether that is a process of ours or the daemon. */
export type AppConnection = Pick<AppServer, 'request' | 'answer'> & {
  /** In a holder: it outlives this server. The daemon is nobody's. */
  readonly held?: AppServer['held'];
};
