import { createHash } from 'node:crypto';

/** A UUID that follows from what it is about: the same command again has the same id, also under another server. */
export function derivedId(about: string): string {
  const hex = createHash('sha256').update(about).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
