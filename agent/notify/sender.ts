/** What every channel has in common: a notice goes to one address, or fails in a way that says whether to try again. */
import { Buffer } from 'node:buffer';
import type { NotifyChannel } from '../../core/wire/workshop.ts';

export interface Notice {
  /** One line. */
  title: string;
  /** A few lines; may be empty. */
  text: string;
  /** Where to act; empty: no address is known. */
  link: string;
}

export interface Sender {
  readonly channel: NotifyChannel;
  readonly configured: boolean;
  /** What to set when it is not configured. */
  readonly setup: string;
  /** Throws SendError. Its sentence holds no secret and no address. */
  send(to: string, notice: Notice): Promise<void>;
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

/** A request to a service takes at most so long, ms. */
const REQUEST_MS = 15_000;
/** Bytes of an answer that are read. */
const ANSWER_LIMIT = 4096;
const MAX_PAUSE_MS = 3_600_000;

export interface Post {
  /** "Slack": the sentences begin with it. */
  service: string;
  url: string;
  headers: Record<string, string>;
  body: string;
  /** The words for people in an answer that is no success. */
  explain(status: number, answer: string): string;
}

/** Sends one POST request that is not redirected. Throws SendError; 408, 429 and 5xx may be tried again, all else may not. */
export async function post({ service, url, headers, body, explain }: Post): Promise<void> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_MS),
    });
  } catch (error) {
    // The error's own message may hold the address, which is a secret.
    throw new SendError(`${service} could not be reached (${codeOf(error)}).`, { isFinal: false });
  }
  const answer = await readAnswer(response);
  if (response.ok) return;
  const isFinal = response.status < 500 && response.status !== 429 && response.status !== 408;
  const pause = Number(response.headers.get('retry-after')) * 1000;
  throw new SendError(`${service} refused the message (${response.status}): ${explain(response.status, answer)}`, {
    isFinal,
    retryAfterMs: pause > 0 ? Math.min(pause, MAX_PAUSE_MS) : null,
  });
}

function codeOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  return cause?.code ?? (name === 'TimeoutError' ? 'no answer' : name ?? 'unknown');
}

async function readAnswer(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= ANSWER_LIMIT) break;
    }
  } catch { /* the status is known */ }
  return Buffer.concat(chunks).toString('utf8').slice(0, ANSWER_LIMIT);
}

/** A text cut to `limit` characters, with an ellipsis, never in the middle of a character. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** The notice as plain text. */
export const plainText = ({ title, text, link }: Notice): string => [title, text, link].filter(Boolean).join('\n\n');
