/** The dashboard's texts in each language, for tests that look for them on its pages; and a language that is 40 % longer. */
import { buildSync } from 'esbuild';
import type { Page } from 'playwright-core';
import { english } from '../../../ui/i18n/en/english.ts';
import { merged } from '../../../ui/i18n/en/translation.ts';
import { zh } from '../../../ui/i18n/zh.ts';
import { ROOT } from './product.ts';
import { lengthened } from '../fakes/long-language.ts';

export type Texts = typeof english;

export const ENGLISH: Texts = english;
export const CHINESE: Texts = merged(english, zh);
export const LONG: Texts = { ...lengthened(english), direction: english.direction };

/** The page is in Chinese from its next load on. */
export const inChinese = (page: Page): Promise<unknown> =>
  page.addInitScript(() => localStorage.setItem('language', 'zh'));

/** The page is in the long language from its next load on: its texts take the place of the Chinese ones. */
export async function inLong(page: Page, direction: 'ltr' | 'rtl'): Promise<void> {
  const script = longLanguage(direction);
  await page.route(
    /\/assets\/zh-[^/]*\.js$/,
    (route) => route.fulfill({ contentType: 'text/javascript', body: script }),
  );
  // A service worker would fetch the real file past the route.
  await page.addInitScript(() => Object.defineProperty(navigator, 'serviceWorker', { value: undefined }));
  await inChinese(page);
}

function longLanguage(direction: string): string {
  const contents = `
    import { english } from './ui/i18n/en/english.ts';
    import { lengthened } from './test/support/fakes/long-language.ts';
    export const zh = { ...lengthened(english), direction: '${direction}' };
    const none = () => undefined;
    const same = (text) => text;
    export const serverWords = { error: none, sentence: same, device: same };
  `;
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: ROOT, loader: 'ts' },
    absWorkingDir: ROOT,
    bundle: true,
    format: 'esm',
    write: false,
  });
  return outputFiles[0]!.text;
}

export const beginsWith = (text: string): RegExp => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
