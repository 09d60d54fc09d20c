/**
 * Who may use the local server: programs and pages of the user who runs it, on this machine. With HOST set, other machines
 * come in by a login instead. Requests through the tunnel do not come here: the relay let them in.
 */
import type { ErrorCode } from '../../core/api/errors.ts';
import { checkFetchSite, checkOrigin } from '../../core/auth/origin.ts';
import { HttpError } from '../../core/http/reply.ts';
import type { HttpRequest } from '../../core/http/types.ts';

/** Host names of a server that listens on the loopback addresses only. */
const OWN_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Throws 403 for requests that another site made a browser send. Reads no body. @param isOpen HOST is set: any name */
export function checkLocalRequest(req: HttpRequest, isOpen: boolean): void {
  if (!isOpen && !OWN_NAMES.has(hostName(req))) {
    // A page of another site whose name was pointed at this machine (DNS rebinding).
    throw new HttpError(403, 'host_refused', 'Use http://localhost or http://127.0.0.1 to reach this server.');
  }
  checkOrigin(req, false);
  checkFetchSite(req);
}

/** Throws 401 unless the peer is the user `own`. @param user null: it could not be found out, so it is refused */
export function checkPeerUser(user: number | null, own: number): void {
  if (user === own) return;
  const [code, text]: [ErrorCode, string] = user === null
    ? ['unknown_user', 'The server could not find out which user of this machine this connection is from. Try again.']
    : ['other_user', 'This server is open only to the user of this machine who runs it.'];
  throw new HttpError(401, code, text, { connection: 'close' });
}

const hostName = (req: HttpRequest) => (req.headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
