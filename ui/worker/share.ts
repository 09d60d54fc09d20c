/** What another app shares with the dashboard (the manifest's share target): kept until a page makes a draft of it. */
import type { KeyValueStore } from './storage.ts';

/** Where the browser posts it, and where the page shows it. */
export const SHARE_PATH = '/share';
export const SHARE_PAGE = '/#/share';
const SHARED = 'shared';
/** Characters, files, and bytes of one file. */
const MAX_TEXT = 100_000;
const MAX_PICTURES = 8;
const MAX_PICTURE = 30 * 1024 * 1024;

export interface Shared {
  text: string;
  /** Pictures and other files. */
  pictures: Blob[];
}

/** Keeps what was shared. @returns the answer that leads to the page */
export async function takeShared(store: KeyValueStore, request: Request): Promise<Response> {
  const form = await request.formData();
  const parts = ['title', 'text', 'url'].map((name) => form.get(name)).filter((part) => typeof part === 'string');
  const pictures = form.getAll('pictures').filter((file): file is File =>
    typeof file !== 'string' && file.size <= MAX_PICTURE
  );
  const text = [...new Set(parts.map((part) => part.trim()))].filter(Boolean).join('\n').slice(0, MAX_TEXT);
  await store.set(SHARED, { text, pictures: pictures.slice(0, MAX_PICTURES) });
  return new Response(null, { status: 303, headers: { location: SHARE_PAGE } });
}

/** What was shared; null: nothing. */
export async function readShared(store: KeyValueStore): Promise<Shared | null> {
  return (await store.get(SHARED) ?? null) as Shared | null;
}

/** It has become a draft, or is not wanted. */
export const forgetShared = (store: KeyValueStore): Promise<void> => store.set(SHARED, null);
