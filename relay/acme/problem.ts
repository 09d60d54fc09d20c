/** What goes wrong with a certificate authority, and the one sentence about it that names the mend. Pure. */
import { type Identifier, listIdentifiers, parseIdentifier } from './identifier.ts';

/**
 * unreachable: no answer, or none that can be understood; trying again soon is right. limited: the authority has said when.
 * refused: it said no, and will again until something changes.
 */
export type FailureKind = 'unreachable' | 'limited' | 'refused';

/** A problem document (RFC 7807) as RFC 8555 section 6.7 uses it, cut to what is known to be text. */
export interface Problem {
  /** What follows `urn:ietf:params:acme:error:`; '' for any other. */
  type: string;
  detail: string;
  /** The names that subproblems are about. */
  identifiers: Identifier[];
}

export class AcmeError extends Error {
  readonly kind: FailureKind;
  readonly problem: Problem | null;
  /** When the authority wants to be asked again, ms from the answer; null: it did not say. */
  readonly retryAfterMs: number | null;

  constructor(kind: FailureKind, text: string, problem: Problem | null = null, retryAfterMs: number | null = null) {
    super(text);
    this.kind = kind;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** An authority that asks for more than this is asked again after it, ms. */
export const MAX_RETRY_AFTER_MS = 24 * 3600_000;
/** Characters of an authority's words that are repeated. */
const MAX_DETAIL = 300;
/** Subproblems that are read. */
const MAX_SUBPROBLEMS = 100;
const URN = 'urn:ietf:params:acme:error:';

/** @param value a parsed body. @returns a problem without type and detail for what is no problem document */
export function parseProblem(value: unknown): Problem {
  const { type, detail, subproblems } = isObject(value) ? value : {};
  const list = Array.isArray(subproblems) ? subproblems.slice(0, MAX_SUBPROBLEMS) : [];
  return {
    type: typeof type === 'string' && type.startsWith(URN) ? type.slice(URN.length, URN.length + 64) : '',
    detail: typeof detail === 'string' ? detail.slice(0, MAX_DETAIL) : '',
    identifiers: list.flatMap((entry) => identifierOf(isObject(entry) ? entry.identifier : null) ?? []),
  };
}

/** An identifier object of the authority's. @returns null when it is none */
export function identifierOf(value: unknown): Identifier | null {
  if (!isObject(value) || typeof value.value !== 'string') return null;
  const identifier = parseIdentifier(value.value);
  return identifier?.type === value.type ? identifier : null;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 9110 section 10.2.3: seconds or a date. @returns ms from `now`, 0 to MAX_RETRY_AFTER_MS; null when it says nothing */
export function parseRetryAfter(value: string | undefined, now: number): number | null {
  if (value === undefined) return null;
  const ms = /^\d{1,10}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

const MENDS: Record<string, string> = {
  accountDoesNotExist: 'The authority does not know this account.',
  badRevocationStatus: 'The authority says that the certificate was revoked.',
  externalAccountRequired:
    'The authority wants an account that is bound to a customer, which this relay cannot make: set RELAY_ACME_DIRECTORY to another authority.',
  invalidContact: 'The authority refuses the address in RELAY_ACME_EMAIL: set one that receives mail, or none.',
  unsupportedContact: 'The authority refuses the address in RELAY_ACME_EMAIL: set one that receives mail, or none.',
  userActionRequired: 'The authority wants its new terms to be agreed to by hand; open the page that it names.',
  rateLimited: 'The authority gives no more certificates for now.',
  rejectedIdentifier: 'The authority gives no certificate for this name or address: list another in RELAY_DOMAIN.',
  unsupportedIdentifier:
    'The authority gives no certificates for addresses of this kind: set RELAY_DOMAIN to a name, or RELAY_ACME_DIRECTORY to another authority.',
  invalidProfile:
    'The authority has no profile for certificates of IP addresses: set RELAY_DOMAIN to a name, or RELAY_ACME_DIRECTORY to another authority.',
};

/** The sentence for an authority's refusal of a request. */
export function describeProblem(problem: Problem, status: number): string {
  const about = problem.identifiers.length ? `${listIdentifiers(problem.identifiers)}: ` : '';
  const mend = MENDS[problem.type] ?? `The authority refuses the request (${problem.type || `status ${status}`}).`;
  return `${about}${mend}${quoted(problem.detail)}`;
}

const quoted = (detail: string): string => (detail ? ` It says: "${detail}"` : '');

export type ChallengeType = 'tls-alpn-01' | 'http-01';
/** The port that an authority connects to, which no setting changes (RFC 8555 section 8.3, RFC 8737 section 3). */
export const CHALLENGE_PORT: Record<ChallengeType, number> = { 'tls-alpn-01': 443, 'http-01': 80 };

/** One name or address that the authority could not check. */
export interface ValidationFailure {
  identifier: Identifier;
  /** null: refused before any check. */
  challenge: ChallengeType | null;
  problem: Problem;
}

/** Some authorities (pebble) call a closed port "unauthorized"; their words tell. */
const NO_CONNECTION = /\b(?:failed to connect|connection refused|connection reset|timed out|no route to host)\b/i;

/** The sentence for a check that failed. */
export function describeValidation({ identifier, challenge, problem }: ValidationFailure): string {
  const { type, value } = identifier;
  if (challenge === null) return describeProblem({ ...problem, identifiers: [identifier] }, 400);
  const port = CHALLENGE_PORT[challenge];
  const record = value.includes(':') ? 'AAAA' : 'A';
  const say = (text: string) => `${text}${quoted(problem.detail)}`;
  switch (NO_CONNECTION.test(problem.detail) ? 'connection' : problem.type) {
    case 'dns':
      return say(`${value} has no address in the DNS: make an A or AAAA record that points to this server.`);
    case 'connection':
      return say(
        `The authority cannot connect to ${value} on port ${port}: open that port in the firewall` +
          (type === 'dns'
            ? `, or let the name's A and AAAA records point to this server.`
            : ` and forward it to the relay.`),
      );
    case 'caa':
      return say(`A CAA record of ${value} forbids this authority: add it to the record, or remove the record.`);
    case 'tls':
    case 'unauthorized':
    case 'incorrectResponse':
      return say(
        `${value} leads to another server or a proxy, for port ${port} was not answered by this relay: ` +
          (type === 'dns' ? 'let its A and AAAA records point here' : `forward that port to this relay`) +
          `, or use RELAY_TLS_CERT with the certificate of what is in front.`,
      );
    case 'rejectedIdentifier':
    case 'unsupportedIdentifier':
      return describeProblem({ ...problem, identifiers: [identifier] }, 400);
    default:
      return say(
        `The authority could not check ${value} on port ${port} (${problem.type || 'no reason given'}): ` +
          `see that its ${type === 'dns' ? 'A and AAAA records point' : `${record} address leads`} to this server.`,
      );
  }
}
