import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Replaces `~` and a leading `~/` by the home directory, as a shell does: settings that come from a service manager or a .env
 * file have passed through none. `~name` stays as it is.
 */
export const expandHome = (path: string): string => /^~(?=\/|$)/.test(path) ? join(homedir(), path.slice(1)) : path;
