/** A language that nobody speaks: English, 40 % longer, as German or Finnish are. It shows what a layout cuts. */

/** How much longer than English a text gets. */
export const LONGER = 0.4;

/** Letters that widen a word; with an accent above and a tail below, so that a box that is too low cuts them too. */
const FILL = 'Ęngström';

/** The text as it is, with letters added: single words grow in themselves, sentences by further words. */
export function longer(text: string): string {
  const wanted = Math.ceil(text.trim().length * LONGER);
  if (!wanted || !/\p{L}/u.test(text)) return text;
  const words = FILL.repeat(Math.ceil(wanted / FILL.length)).slice(0, wanted);
  const filled = words.replace(/(.{8})(?=.)/g, '$1 ');
  return text.replace(/\s*$/, (end) => `${/\s/.test(text.trim()) ? ' ' : ''}${filled}${end}`);
}

/** Every text of a language made longer, what functions return too. */
export function lengthened<T>(texts: T): T {
  if (typeof texts === 'string') return longer(texts) as T;
  if (typeof texts === 'function') return ((...parts: unknown[]) => lengthened(texts(...parts))) as T;
  if (Array.isArray(texts)) return texts.map(lengthened) as T;
  if (typeof texts !== 'object' || texts === null) return texts;
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, lengthened(text)])) as T;
}
