/** Reads JSON of unknown shape: a missing or wrong field is read as the empty value of the wanted type. */

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const object = (value: unknown): JsonObject => isObject(value) ? value : {};
export const list = (value: unknown): unknown[] => Array.isArray(value) ? value : [];
export const string = (value: unknown): string => typeof value === 'string' ? value : '';
/** @returns null for anything but a finite number */
export const number = (value: unknown): number | null => Number.isFinite(value) ? value as number : null;
export const strings = (value: unknown): string[] => list(value).filter((entry) => typeof entry === 'string');
