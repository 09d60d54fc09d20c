/** Gets a code that logs a phone in, from a dashboard whose password is known. */
import { type PairCode, pairLink } from '../core/api/auth.ts';
import { CommandError, EXIT } from './exit-codes.ts';

/** How long the dashboard may take to answer, ms. */
const ANSWER_MS = 15_000;

export interface Dashboard {
  /** What a phone opens. */
  origin: string;
  /** What is asked, when that is another address of the same dashboard. */
  asked?: string;
  password: string;
}

/**
 * Logs in, asks for a code, logs out: nothing stays but the code, which works once and within a minute.
 * @throws CommandError with a sentence; exit code `loginNeeded` for a wrong password
 */
export async function pairingLink({ origin, asked = origin, password }: Dashboard): Promise<string> {
  const login = await post(asked, '/api/auth/login', { body: JSON.stringify({ password }) });
  const cookie = login.headers.getSetCookie().map((entry) => entry.split(';')[0]).join('; ');
  const { code } = await (await post(asked, '/api/auth/pair', { cookie })).json() as PairCode;
  await post(asked, '/api/auth/logout', { cookie });
  return pairLink(origin, code);
}

async function post(origin: string, path: string, { body = '{}', cookie = '' }): Promise<Response> {
  const headers = { 'content-type': 'application/json', origin, ...(cookie ? { cookie } : {}) };
  const signal = AbortSignal.timeout(ANSWER_MS);
  const response = await fetch(origin + path, { method: 'POST', body, headers, signal, redirect: 'error' })
    .catch((error) => {
      throw new CommandError(`${origin} cannot be reached: ${reasonOf(error)}`, EXIT.unreachable);
    });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({})) as { error?: string };
  const exitCode = response.status === 401 ? EXIT.loginNeeded : EXIT.failed;
  throw new CommandError(`${origin} says: ${error ?? `status ${response.status}`}`, exitCode);
}

/** fetch hides the reason in `cause`. */
export function reasonOf(error: unknown): string {
  const { cause, name, message } = error as {
    cause?: { code?: string; message?: string };
    name?: string;
    message?: string;
  };
  if (name === 'TimeoutError') return 'no answer in time.';
  return `${cause?.message || cause?.code || message || String(error)}.`;
}
