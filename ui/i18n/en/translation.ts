/**
 * What another language may say: the same texts, with the same parameters. A text that it does not have yet is said in English;
 * a test lists those.
 */
export type Translation<T> = {
  [K in keyof T]?: T[K] extends string ? string
    : T[K] extends (...parts: infer P) => infer R ? (...parts: P) => Widened<R>
    : T[K] extends readonly unknown[] ? Widened<T[K]>
    : Translation<T[K]>;
};

type Widened<T> = T extends string ? string
  : T extends readonly unknown[] ? { readonly [K in keyof T]: Widened<T[K]> }
  : T extends object ? { [K in keyof T]: Widened<T[K]> }
  : T;

/** Every text of `english`, in the words of the translation where it has any. */
export function merged<T extends object>(english: T, translation: Translation<T>): T {
  const result = { ...english } as Record<string, unknown>;
  for (const [name, text] of Object.entries(translation)) {
    const original = result[name];
    const isGroup = typeof text === 'object' && !Array.isArray(text) && typeof original === 'object';
    result[name] = isGroup ? merged(original as object, text as object) : text;
  }
  return result as T;
}

/** Names of the texts of `english` that the translation has not: `nav.back`. */
export function untranslated(english: object, translation: object, prefix = ''): string[] {
  return Object.entries(english).flatMap(([name, text]) => {
    const own = (translation as Record<string, unknown>)[name];
    if (own === undefined) return [`${prefix}${name}`];
    const isGroup = typeof text === 'object' && !Array.isArray(text);
    return isGroup ? untranslated(text as object, own as object, `${prefix}${name}.`) : [];
  });
}
