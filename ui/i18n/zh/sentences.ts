/** Finds the Chinese for a sentence of the server. What is none of its own (a program's output) stays as it is. */
import { PHRASES } from './phrases.ts';

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const HOLE = '{}';

interface Phrase {
  pattern: RegExp;
  chinese: string;
}

const fixed = new Map(PHRASES.filter(([english]) => !english.includes(HOLE)));
const open: Phrase[] = PHRASES.filter(([english]) => english.includes(HOLE)).map(([english, chinese]) => ({
  pattern: new RegExp(`^${english.split(HOLE).map(escaped).join('([^]*?)')}$`),
  chinese,
}));

/** `{}` is the next part, `{1}` a certain one. */
function filled(chinese: string, parts: readonly string[]): string {
  let next = 0;
  return chinese.replace(/\{(\d?)\}/g, (_hole, index: string) => parts[index === '' ? next++ : Number(index)] ?? '');
}

/** The text in Chinese: one sentence, or several of which the first ones name nothing. */
export function sentence(text: string): string {
  const whole = fixed.get(text);
  if (whole !== undefined) return whole;
  for (const { pattern, chinese } of open) {
    const parts = pattern.exec(text);
    if (parts) return filled(chinese, parts.slice(1));
  }
  for (const [english, chinese] of fixed) {
    if (text.startsWith(`${english} `)) return chinese + sentence(text.slice(english.length + 1));
  }
  return text;
}

/** `Safari on iPhone`; a name that a person chose stays as it is. */
export function device(name: string): string {
  const parts = /^([\w ]+) on (iPhone|iPad|Android|Windows|ChromeOS|macOS|Linux)$/.exec(name);
  return parts ? `${parts[2]} 上的 ${sentence(parts[1]!)}` : sentence(name);
}
