/** Which content codings a client takes (RFC 9110 section 12.5.3). */

/** Codings of replies, the best first. */
export type Coding = 'br' | 'gzip';

/** Characters of an Accept-Encoding that are read; no client sends more, and reading costs time for each. */
const MAX_ACCEPT = 1024;

/** The best of `offered` that this Accept-Encoding names and does not refuse; null: send it as it is. */
export function chooseCoding(accept: string | undefined, offered: readonly Coding[] = ['br', 'gzip']): Coding | null {
  if (!accept || accept.length > MAX_ACCEPT) return null;
  const taken = new Set(accept.split(',').filter((part) => !isRefused(part)).map(nameOf));
  return offered.find((coding) => taken.has(coding)) ?? null;
}

const nameOf = (part: string): string => part.split(';', 1)[0]!.trim().toLowerCase();

const isRefused = (part: string): boolean =>
  part.split(';').slice(1).some((parameter) => /^\s*q=0(?:\.0{0,3})?\s*$/i.test(parameter));
