/** When a limit is reset: `Mon, 14:02`. @param at ms since the epoch */
export const resetTime = (at: number): string =>
  new Date(at).toLocaleString([], { weekday: 'short', hour: '2-digit', minute: '2-digit' });
