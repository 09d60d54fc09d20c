/** The language that was chosen on this device, where its service worker finds it. */
import type { KeyValueStore } from './storage.ts';

const LANGUAGE = 'language';

export const keepLanguage = (store: KeyValueStore, language: string): Promise<void> => store.set(LANGUAGE, language);

export const readLanguage = (store: KeyValueStore): Promise<unknown> => store.get(LANGUAGE);
