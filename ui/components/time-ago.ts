import { html } from '../html.ts';
import { signal, useSignalValue } from '../state/signal.ts';
import { locale, t } from '../i18n/t.ts';

/** The time in ms, moved on once a second by the page's services. */
export const now = signal(Date.now());

/** A span of time in its largest unit: `12 s`, `4 min`, `3 h`, `2 d`. @param ms a length in milliseconds */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return t.time.seconds(seconds);
  if (seconds < 3600) return t.time.minutes(Math.floor(seconds / 60));
  if (seconds < 86_400) return t.time.hours(Math.floor(seconds / 3600));
  return t.time.days(Math.floor(seconds / 86_400));
}

/** From this age on a date says more; ms. */
const MAX_AGO = 7 * 86_400_000;

const shortDate = (at: number): string =>
  new Date(at).toLocaleDateString(locale, { year: 'numeric', month: 'short', day: 'numeric' });

/** Shows the exact time under a pointer. Written no earlier: a browser's first time in words takes it 30 ms. */
export const exactTime = (at: number) => ({ currentTarget }: { currentTarget: EventTarget | null }): void => {
  (currentTarget as HTMLElement).title = new Date(at).toLocaleString(locale);
};

/** `4 min ago`, after a week the date, kept right as time goes by; the exact time under a pointer. */
export function TimeAgo({ at, plain = false }: { at: number; plain?: boolean }) {
  const text = useSignalValue(now, (time) => {
    const passed = time - at;
    if (at <= 0) return '—';
    if (passed > MAX_AGO) return shortDate(at);
    if (passed < 5000) return plain ? span(passed) : t.time.now;
    return plain ? span(passed) : t.time.ago(span(passed));
  });
  return html`<time dateTime=${new Date(at).toISOString()} onPointerEnter=${exactTime(at)}>${text}</time>`;
}
