/** Sentences for people: what went wrong in Claude Code and what to do. */
import type { LimitState } from '../../../core/api/messages.ts';
import { type JsonObject, list, number, string } from '../untyped-json.ts';

export const notLoggedIn =
  'Claude Code is not logged in on the agent machine. Run `claude` there and type /login (or set ANTHROPIC_API_KEY), then send the message again.';

/** @param line a `result` that is no success */
export function turnText(line: JsonObject): string {
  const said = string(line.result) || list(line.errors).map(string).filter(Boolean).join('\n');
  const text = said || `The turn ended with ${string(line.terminal_reason) || string(line.subtype) || 'an error'}.`;
  const isLogin = line.api_error_status === 401 || /please run \/login|not logged in/i.test(text);
  return isLogin ? `${text}\n${notLoggedIn}` : text;
}

/** @param line system/api_retry */
export function retryText(line: JsonObject): string {
  const status = number(line.error_status);
  const why = [string(line.error).replaceAll('_', ' '), status === null ? '' : `(${status})`].filter(Boolean).join(' ');
  const delay = Math.max(1, Math.round((number(line.retry_delay_ms) ?? 0) / 1000));
  return `The API answered: ${why || 'error'}. Try ${number(line.attempt) ?? 1} of ${
    number(line.max_retries) ?? '?'
  } in ${delay} s.`;
}

/** What a rate limit event says, for programs. `resetsAt` is in seconds. */
export function limitState(info: JsonObject): LimitState {
  const resets = number(info.resetsAt);
  return { isReached: info.status === 'rejected', resetsAt: resets === null ? null : resets * 1000 };
}

/** Empty while the limit is far away. */
export function rateLimitText(info: JsonObject): string {
  if (info.status === 'allowed' || !info.status) return '';
  const kind = string(info.rateLimitType).replaceAll('_', '-') || 'rate';
  const used = number(info.utilization);
  const resets = number(info.resetsAt);
  const when = resets === null
    ? ''
    : ` It resets at ${new Date(resets * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC.`;
  if (info.status === 'rejected') return `The ${kind} limit is reached.${when}`;
  return `The ${kind} limit is nearly reached${used === null ? '' : ` (${Math.round(used * 100)} %)`}.${when}`;
}
