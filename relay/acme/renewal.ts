/** When to ask for the next certificate: times as functions of what is known. Pure; `random` is 0 ≤ x < 1. */
import { type FailureKind, isObject } from './problem.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export interface Lifetime {
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
}

/** A certificate is renewed when this share of its life is over, or up to JITTER of it before. */
const RENEW_AT = 2 / 3;
const JITTER = 1 / 20;
/** By then it is renewed whatever the authority's window says. */
const LATEST_AT = 5 / 6;
/** How long a new one is left alone: share of its life, ms at most. */
const EARLIEST_AT = 1 / 8;
const EARLIEST_MS = 12 * HOUR_MS;

/** When to renew a certificate of whose renewal the authority says nothing, ms since the epoch. */
export const renewalTime = ({ notBefore, notAfter }: Lifetime, random: number): number =>
  notBefore + (notAfter - notBefore) * (RENEW_AT - random * JITTER);

/** RFC 9773 section 4.2, ms since the epoch. */
export interface RenewalWindow {
  start: number;
  end: number;
}

/** @param json the body of a renewalInfo answer. @returns null for one without a window, or with an empty one */
export function parseWindow(json: Record<string, unknown>): RenewalWindow | null {
  const { suggestedWindow: window } = json;
  if (!isObject(window)) return null;
  const [start, end] = [Date.parse(String(window.start)), Date.parse(String(window.end))];
  return start < end ? { start, end } : null;
}

/** A time in the window, over which the authority's clients spread; never so late that the certificate could run out. */
export function windowTime(window: RenewalWindow, { notBefore, notAfter }: Lifetime, random: number): number {
  const chosen = window.start + random * (window.end - window.start);
  return Math.min(chosen, notBefore + (notAfter - notBefore) * LATEST_AT);
}

/**
 * Before this it is not renewed, ms since the epoch: a server whose clock is ahead, or an authority that always says "now",
 * would order without end.
 */
export const earliestRenewal = ({ notBefore, notAfter }: Lifetime, takenAt: number): number =>
  takenAt + Math.min((notAfter - notBefore) * EARLIEST_AT, EARLIEST_MS);

/** How often renewalInfo is asked for, ms: what the authority says (RFC 9773 section 4.3.2), within these bounds. */
const MIN_WINDOW_CHECK_MS = HOUR_MS;
const MAX_WINDOW_CHECK_MS = 24 * HOUR_MS;
const WINDOW_CHECK_MS = 6 * HOUR_MS;

export const windowCheckDelay = (retryAfterMs: number | null): number =>
  Math.min(Math.max(retryAfterMs ?? WINDOW_CHECK_MS, MIN_WINDOW_CHECK_MS), MAX_WINDOW_CHECK_MS);

/** First wait after a failure, doubled at each further one, and the longest. */
const DELAYS: Record<FailureKind, { first: number; longest: number }> = {
  unreachable: { first: MINUTE_MS, longest: HOUR_MS },
  limited: { first: HOUR_MS, longest: 6 * HOUR_MS },
  // Let's Encrypt stops an account after some 1,000 failures in a row: this takes half a year to get there.
  refused: { first: 10 * MINUTE_MS, longest: 6 * HOUR_MS },
};

/** @param failures in a row, 1 for the first. @param askedMs the authority's Retry-After. @returns ms */
export function retryDelay(kind: FailureKind, failures: number, askedMs: number | null, random: number): number {
  const { first, longest } = DELAYS[kind];
  const delay = Math.min(first * 2 ** Math.min(failures - 1, 20), longest) * (0.75 + random / 4);
  // Never before it wants to be asked; a little later, because all its clients were told the same.
  return askedMs === null ? delay : Math.max(delay, askedMs + random * MINUTE_MS);
}

/** Let's Encrypt allows five failed checks of a name an hour; one is left for whoever tries by hand. */
export const MAX_FAILED_CHECKS = 4;
export const FAILED_CHECK_WINDOW_MS = HOUR_MS;

/** @param failedAt times of failed checks. @returns ms until one more may be tried, 0: now */
export function budgetDelay(failedAt: readonly number[], now: number): number {
  const recent = recentFailures(failedAt, now);
  if (recent.length < MAX_FAILED_CHECKS) return 0;
  return recent.at(-MAX_FAILED_CHECKS)! + FAILED_CHECK_WINDOW_MS - now;
}

/** Those that still count. A time in the future is a clock that was set back. */
export const recentFailures = (failedAt: readonly number[], now: number): number[] =>
  failedAt.filter((at) => at <= now && at > now - FAILED_CHECK_WINDOW_MS).slice(-MAX_FAILED_CHECKS);
