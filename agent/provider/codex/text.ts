/** Sentences for people about Codex's errors and rate limits. */
import type { LimitState } from '../../../core/api/messages.ts';
import { type JsonObject, number, object, string } from '../untyped-json.ts';
import { parseObject } from '../../process/jsonl.ts';

const LOGIN = 'Run `codex login` on the agent machine, or correct its API key.';

/** @param error a TurnError: {message, codexErrorInfo, additionalDetails} */
export function errorSentence(error: JsonObject): string {
  const message = plainMessage(string(error.message)) || 'Codex did not say what went wrong.';
  const info = error.codexErrorInfo;
  const status = httpStatus(info);
  if (status === 401 || status === 403 || info === 'unauthorized') {
    return `Codex is not logged in. ${LOGIN} (${message})`;
  }
  if (info === 'modelNotFound') return `${message} Choose another model.`;
  return message;
}

/** Text of a passing notice about a retry that Codex makes by itself. */
export function retrySentence(error: JsonObject): string {
  const details = plainMessage(string(error.additionalDetails));
  return [string(error.message), details].filter(Boolean).join(': ');
}

/** Replaces an API's JSON error body by the message in it. */
function plainMessage(message: string): string {
  const body = message.startsWith('{') ? parseObject(message) : null;
  return body ? string(object(body.error).message) || string(body.message) || message : message;
}

function httpStatus(info: unknown): number | null {
  const first = Object.values(object(info))[0];
  return number(object(first).httpStatusCode);
}

/** Percent of a rate limit from which on a notice is given. */
const NOTICE_FROM = 75;
const WARN_FROM = 90;

interface RateLimitNotice {
  level: 'info' | 'warning';
  text: string;
  limit: LimitState;
}

/** @returns null while the limits are far away. @param now milliseconds since the epoch; `resetsAt` is in seconds */
export function rateLimitNotice(limits: JsonObject, now: number): RateLimitNotice | null {
  const windows = [object(limits.primary), object(limits.secondary)]
    .map((entry) => ({
      used: number(entry.usedPercent) ?? 0,
      minutes: number(entry.windowDurationMins),
      resets: number(entry.resetsAt),
    }))
    .filter((window) => window.used >= NOTICE_FROM);
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
  const full = windows.filter(({ used }) => used >= 100);
  const resets = full.map((window) => window.resets).filter((at) => at !== null);
  return {
    level: windows.some((window) => window.used >= WARN_FROM) ? 'warning' : 'info',
    text: `Codex ${text}`,
    limit: { isReached: full.length > 0, resetsAt: resets.length ? Math.max(...resets) * 1000 : null },
  };
}

function duration(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

export const NOT_LOGGED_IN = `Codex is not logged in. ${LOGIN} Then send the message again.`;
