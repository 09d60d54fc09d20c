/** The language of notifications: what was chosen on this device's pages, else the browser's. */
import type { PushPayload, PushWords, Worded } from '../../core/api/push.ts';
import { type Notifications, notifications as english } from '../i18n/en/notifications.ts';
import { notifications as chinese } from '../i18n/zh/notifications.ts';
import { readLanguage } from './language.ts';
import type { KeyValueStore } from './storage.ts';

/** @param browser its languages, the preferred first */
export async function chosenWords(store: KeyValueStore, browser: readonly string[] = []): Promise<Notifications> {
  const own = await readLanguage(store).catch(() => null);
  const all = typeof own === 'string' ? [own] : browser.map((tag) => tag.split('-')[0]);
  return all.find((language) => language === 'zh' || language === 'en') === 'zh' ? chinese : english;
}

/** Title and body in these words; as the machine worded them where it is newer than this worker, or older. */
export function worded(payload: PushPayload & { title: string; body?: string }, words: Notifications): PushText {
  const { title, body = '' } = payload;
  const said: PushWords = payload.words ?? {};
  return { title: wordsFor(said.title, words) ?? title, body: wordsFor(said.body, words) ?? body };
}

export interface PushText {
  title: string;
  body: string;
}

function wordsFor(said: Worded | undefined, { said: all }: Notifications): string | null {
  if (typeof said?.code !== 'string' || !Object.hasOwn(all, said.code)) return null;
  return all[said.code]({ ...said.params });
}
