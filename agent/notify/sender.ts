/** What all channels share: a notice goes to one address, or fails with an error that says whether to try again. */
import { cut } from '../../core/api/cut.ts';
import type { NotifyChannel, NotifyEvent } from '../../core/api/notify.ts';
import { postPublic, type PublicAnswer, RequestFailure } from './public-request.ts';

export interface Notice {
  event: NotifyEvent | 'test';
  /** One line. */
  title: string;
  /** A few lines; may be empty. */
  text: string;
  /** Where to act; empty: no address is known. */
  link: string;
  /** Ids of what it is about. */
  agent?: string;
  request?: string;
  /** All that a permission asks for, as it is: present only where it may be allowed from this text alone. */
  approval?: string;
}

export interface Sender {
  readonly channel: NotifyChannel;
  readonly configured: boolean;
  /** What to set when it is not configured. */
  readonly setup: string;
  /**
   * Throws SendError. Its sentence holds no secret and no address.
   * @param id of the delivery: the same for every try, so that a receiver can tell a repetition
   */
  send(to: string, notice: Notice, id: string): Promise<void>;
}

export class SendError extends Error {
  /** Trying again changes nothing: wrong password, unknown recipient. */
  readonly isFinal: boolean;
  /** The service asked for this pause, ms. */
  readonly retryAfterMs: number | null;
  constructor(message: string, options: { isFinal: boolean; retryAfterMs?: number | null }) {
    super(message);
    this.isFinal = options.isFinal;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Time limit of a request to a service, ms. */
const REQUEST_MS = 15_000;
const MAX_PAUSE_MS = 3_600_000;

export interface Post {
  /** "Slack": the sentences begin with it. */
  service: string;
  url: string;
  headers: Record<string, string>;
  body: string;
  /** The service may be in the own network. */
  allowPrivate: boolean;
  /** The sentence for people that explains an answer other than 2xx. */
  explain(status: number, answer: string): string;
}

/**
 * Sends one POST request and follows no redirect. Throws SendError; only 408, 429 and 5xx are not final.
 * @returns the beginning of the answer's body
 */
export async function post({ service, explain, ...request }: Post): Promise<string> {
  const answer = await postPublic({ ...request, timeoutMs: REQUEST_MS }).catch((error) => {
    throw unreachable(service, error);
  });
  if (answer.status >= 200 && answer.status < 300) return answer.text;
  throw refused(service, answer, explain(answer.status, answer.text));
}

/** The error's own message may hold the address, which is a secret. */
function unreachable(service: string, error: unknown): SendError {
  const code = error instanceof RequestFailure ? error.code : 'UNKNOWN';
  if (code === 'PRIVATE_ADDRESS') {
    const why = 'has no public address. Set ALLOW_PRIVATE_ADDRESSES=on if it is inside your own network.';
    return new SendError(`${service} ${why}`, { isFinal: true });
  }
  return new SendError(`${service} could not be reached (${code}).`, { isFinal: false });
}

function refused(service: string, { status, headers }: PublicAnswer, why: string): SendError {
  const pause = Number(headers['retry-after']) * 1000;
  return new SendError(`${service} refused the message (${status}): ${why}`, {
    isFinal: status < 500 && status !== 429 && status !== 408,
    retryAfterMs: pause > 0 ? Math.min(pause, MAX_PAUSE_MS) : null,
  });
}

/** A text cut to `limit` characters, with an ellipsis. */
export const clip = (text: string, limit: number): string => cut(text, limit, '…');

/** The notice as plain text. */
export const plainText = ({ title, text, link }: Notice): string => [title, text, link].filter(Boolean).join('\n\n');

/** Where the owner of the machine may have an address looked up by name: https, or plain http inside the own network. */
export function ownAddress(to: string, service: string, allowPrivate: boolean): URL {
  const url = URL.canParse(to) ? new URL(to) : null;
  if (url && (url.protocol === 'https:' || (allowPrivate && url.protocol === 'http:'))) return url;
  throw new SendError(`The address of ${service} must begin with https://.`, { isFinal: true });
}
