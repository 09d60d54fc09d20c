/** Sentences for people about what went wrong or is about to, from Codex's errors and rate limits. */
import { type Loose, number, object, string } from './loose.ts';
import { parseObject } from './jsonl.ts';

const LOGIN = 'Run `codex login` on the agent machine, or correct its API key.';

/** @param error a TurnError: {message, codexErrorInfo, additionalDetails} */
export function errorSentence(error: Loose): string {
  const message = plainMessage(string(error.message)) || 'Codex did not say what went wrong.';
  const info = error.codexErrorInfo;
  const status = httpStatus(info);
  if (status === 401 || status === 403 || info === 'unauthorized') {
    return `Codex is not logged in. ${LOGIN} (${message})`;
  }
  if (info === 'modelNotFound') return `${message} Choose another model.`;
  return message;
}

/** A retry that Codex makes by itself, as a passing notice. */
export function retrySentence(error: Loose): string {
  const details = plainMessage(string(error.additionalDetails));
  return [string(error.message), details].filter(Boolean).join(': ');
}

/** An API's JSON error body as a message is replaced by the message in it. */
function plainMessage(message: string): string {
  const body = message.startsWith('{') ? parseObject(message) : null;
  return body ? string(object(body.error).message) || string(body.message) || message : message;
}

function httpStatus(info: unknown): number | null {
  const first = Object.values(object(info))[0];
  return number(object(first).httpStatusCode);
}

/** Percent of a rate limit from which on it is told. */
const TELL_FROM = 75;
const WARN_FROM = 90;

/** null while there is room. @param now milliseconds since the epoch; `resetsAt` is in seconds */
export function rateLimitNotice(limits: Loose, now: number): { level: 'info' | 'warning'; text: string } | null {
  const windows = [object(limits.primary), object(limits.secondary)]
    .map((one) => ({
      used: number(one.usedPercent) ?? 0,
      minutes: number(one.windowDurationMins),
      resets: number(one.resetsAt),
    }))
    .filter((one) => one.used >= TELL_FROM);
  if (!windows.length) return null;
  const text = windows.map(({ used, minutes, resets }) => {
    const name = minutes === null
      ? 'limit'
      : minutes >= 1440
      ? `${Math.round(minutes / 1440)}-day limit`
      : `${Math.round(minutes / 60)}-hour limit`;
    const left = resets === null ? '' : `, resets in ${duration(resets * 1000 - now)}`;
    return `${name}: ${Math.round(used)} % used${left}`;
  }).join('; ');
  return { level: windows.some((one) => one.used >= WARN_FROM) ? 'warning' : 'info', text: `Codex ${text}` };
}

function duration(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

export const NOT_LOGGED_IN = `Codex is not logged in. ${LOGIN} Then send the message again.`;
