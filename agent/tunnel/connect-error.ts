/** Why the relay was not reached: in words, and whether anything left this machine. */
import { WebSocketError } from '../../core/websocket/mod.ts';

/** No name service, no way, no address: nobody has heard of the attempt. */
const OFFLINE = /^(?:ENOTFOUND|EAI_[A-Z]+|ENETUNREACH|ENETDOWN|EHOSTUNREACH|EADDRNOTAVAIL)$/;

/** The attempt, to none of the relay's addresses, left this machine's network: trying again soon costs nobody anything. */
export function isOffline(error: unknown): boolean {
  const cause = causeOf(error);
  const each: SystemError[] = cause instanceof AggregateError ? cause.errors : [cause];
  return each.every(({ code }) => OFFLINE.test(code ?? ''));
}

/** Characters of a Location that are shown. */
const MAX_LOCATION = 200;

/** What the relay's refusals and the network's mean, in words. @param url the tunnel's address */
export function connectError(error: unknown, url: string): string {
  const { code, hostname } = causeOf(error);
  if (code === 'ENOTFOUND') return `no address is known for ${hostname}: is RELAY_URL right, and the network up?`;
  if (code?.startsWith('EAI_')) return `the name ${hostname} cannot be looked up: is the network up?`;
  switch (error instanceof WebSocketError ? error.status : undefined) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return redirected(error as WebSocketError);
    case 400:
    case 401:
    case 403:
    case 405:
      return wrongPath(url, (error as WebSocketError).status!);
    case 404:
      return `there is no relay at this address: ${wrongPath(url, 404)}`;
    case 426:
      return 'the relay speaks another version of the tunnel: use the same version of Agent Monitor on both sides';
    case 429:
      return 'the relay has had too many attempts from this address';
    case 503:
      return 'the relay is shutting down';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function redirected({ status, location }: WebSocketError): string {
  const where = location ? JSON.stringify(location.slice(0, MAX_LOCATION)) : 'a place that it does not name';
  return `the server answered ${status} and sends to ${where}, which is not followed: set RELAY_URL to the relay itself`;
}

/** Something answers there, but not as the tunnel's own path does. */
function wrongPath(url: string, status: number): string {
  const { pathname } = new URL(url);
  const text = `the server answered ${status} at the path ${pathname}`;
  return pathname === '/tunnel' ? text : `${text}: is the path of RELAY_URL right? A relay has its tunnel at /tunnel`;
}

/** What node's errors of sockets and of the name service have. */
interface SystemError {
  code?: string;
  hostname?: string;
}

/** The system's own error behind a failed connection, as far as there is one. */
function causeOf(error: unknown): SystemError {
  const cause = error instanceof WebSocketError ? error.cause : null;
  return cause instanceof Error ? cause as SystemError : {};
}
