import { locale } from '../i18n/t.ts';

/** When a limit is reset: `Mon, 14:02`. @param at ms since the epoch */
export const resetTime = (at: number): string =>
  new Date(at).toLocaleString(locale, { weekday: 'short', hour: '2-digit', minute: '2-digit' });
