/** What keys send to a terminal program (xterm's control sequences), for the key bar of phones. */

export type Key = 'esc' | 'tab' | 'up' | 'down' | 'left' | 'right' | 'home' | 'end' | 'pageUp' | 'pageDown';

export interface Modifiers {
  ctrl: boolean;
  alt: boolean;
}

/** CSI letter, or number for `CSI n ~`. */
const CURSOR: Partial<Record<Key, string>> = {
  up: 'A',
  down: 'B',
  right: 'C',
  left: 'D',
  home: 'H',
  end: 'F',
};
const PAGE: Partial<Record<Key, number>> = { pageUp: 5, pageDown: 6 };

/** @param applicationCursor the program asked for application cursor keys (DECCKM) */
export function keySequence(key: Key, { ctrl, alt }: Modifiers, applicationCursor: boolean): string {
  const modifier = 1 + (alt ? 2 : 0) + (ctrl ? 4 : 0);
  const letter = CURSOR[key];
  if (letter) return modifier > 1 ? `\x1b[1;${modifier}${letter}` : `\x1b${applicationCursor ? 'O' : '['}${letter}`;
  const page = PAGE[key];
  if (page) return modifier > 1 ? `\x1b[${page};${modifier}~` : `\x1b[${page}~`;
  return (alt ? '\x1b' : '') + (key === 'esc' ? '\x1b' : '\t');
}

/** What is typed while Ctrl or Alt of the key bar is held. Longer texts (paste, a word of the keyboard) stay as they are. */
export function withModifiers(text: string, { ctrl, alt }: Modifiers): string {
  if ([...text].length !== 1) return text;
  return (alt ? '\x1b' : '') + (ctrl ? control(text) : text);
}

/** Ctrl-A … Ctrl-Z, and the others that a US keyboard has. */
function control(character: string): string {
  const code = character.toUpperCase().charCodeAt(0);
  if (code >= 0x40 && code <= 0x5f) return String.fromCharCode(code - 0x40);
  if (character === ' ' || character === '2') return '\0';
  if (character === '?' || character === '8') return '\x7f';
  if (character === '/' || character === '-') return '\x1f';
  return character;
}
