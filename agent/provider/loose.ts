/** Reading JSON whose shape nobody guarantees: a missing or wrong field gives the empty value of the wanted kind. */

export type Loose = Record<string, unknown>;

export const object = (value: unknown): Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Loose : {};
export const list = (value: unknown): unknown[] => Array.isArray(value) ? value : [];
export const string = (value: unknown): string => typeof value === 'string' ? value : '';
/** null for what is no finite number. */
export const number = (value: unknown): number | null => Number.isFinite(value) ? value as number : null;
export const strings = (value: unknown): string[] => list(value).filter((one) => typeof one === 'string');
