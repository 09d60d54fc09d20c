/** Why the relay was not reached: in words, and whether anything left this machine. */
import { WebSocketError } from '../core/websocket/mod.ts';

/** No name service, no way, no address: nobody has heard of the attempt. */
const OFFLINE = /^(?:ENOTFOUND|EAI_[A-Z]+|ENETUNREACH|ENETDOWN|EHOSTUNREACH|EADDRNOTAVAIL)$/;

/** The attempt, to none of the relay's addresses, left this machine's network: trying again soon costs nobody anything. */
export function isOffline(error: unknown): boolean {
  const cause = causeOf(error);
  const each: SystemError[] = cause instanceof AggregateError ? cause.errors : [cause];
  return each.every(({ code }) => OFFLINE.test(code ?? ''));
}

/** What the relay's refusals and the network's mean, in words. */
export function connectError(error: unknown): string {
  const { code, hostname } = causeOf(error);
  if (code === 'ENOTFOUND') return `no address is known for ${hostname}: is RELAY_URL right, and the network up?`;
  if (code?.startsWith('EAI_')) return `the name ${hostname} cannot be looked up: is the network up?`;
  switch (error instanceof WebSocketError ? error.status : undefined) {
    case 404:
      return 'there is no relay at this address';
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
