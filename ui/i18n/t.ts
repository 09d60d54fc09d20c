/**
 * The texts that the first page needs, in the language of this device, which is chosen once, when the page loads. Other pages
 * take theirs from all.ts.
 */
import { deviceStorage, keep } from '../device-storage.ts';
import type { ErrorParams } from '../../core/api/errors.ts';
import { first } from './en/first.ts';
import type { ServerWords } from './en/server-words.ts';
import { merged } from './en/translation.ts';
import type { Translation } from './en/translation.ts';

export const LANGUAGES = { en: 'English', zh: '中文' } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = 'language';
const isLanguage = (name: string | null): name is Language => name !== null && Object.hasOwn(LANGUAGES, name);

/** What was chosen on this device, else the first language of the browser that there is. */
function chosen(): Language {
  if (!globalThis.document) return 'en'; // tests
  const own = deviceStorage.getItem(KEY);
  if (isLanguage(own)) return own;
  return navigator.languages.map((tag) => tag.split('-')[0]!).find(isLanguage) ?? 'en';
}

export const language: Language = chosen();

/** Its tag, as a page's `lang` has it. */
export const languageTag = language === 'zh' ? 'zh-CN' : 'en';

/** For dates and numbers: as the browser's owner writes them in this language (`en-GB`), else as the language does. */
export const locale: string | undefined = globalThis.document
  ? navigator.languages.find((tag) => tag.split('-')[0] === language) ?? languageTag
  : undefined; // tests

/** The page begins anew: every text of it changes. */
export function chooseLanguage(next: Language): void {
  keep(KEY, next);
  location.reload();
}

/** `english` in the language of this device. */
export async function inLanguage<T extends object>(english: T): Promise<T> {
  if (language === 'en') return english;
  return merged(english, (await import('./zh.ts')).zh as Translation<T>);
}

export const t = await inLanguage(first);

const words: ServerWords | null = language === 'en' ? null : (await import('./zh.ts')).serverWords;

export const errorText = (code: string, sentence: string, params: ErrorParams): string =>
  words?.error(code, params) ?? sentence;

export const serverText = (text: string): string => words?.sentence(text) ?? text;

export const deviceText = (name: string): string => words?.device(name) ?? name;
