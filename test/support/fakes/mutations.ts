/** Every way to put a value of another type at one place of a JSON value: for parsers, which must refuse it or repair it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Mutation {
  /** Where, e.g. `info.cli.pid`. */
  path: string;
  value: Json;
}

const OTHERS: Json[] = [null, 7, -1, 1.5, '', 'x', true, [], [null], {}, { x: {} }];

/** One copy of `value` for each place in it and each value of OTHERS put there, and one without that place. */
export function* mutations(value: Json, path = '', whole: (part: Json) => Json = (part) => part): Generator<Mutation> {
  for (const other of OTHERS) yield { path: `${path} = ${JSON.stringify(other)}`, value: whole(other) };
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    const place = (replacement: Json): Json =>
      Array.isArray(value)
        ? value.map((entry, i) => (String(i) === key ? replacement : entry))
        : { ...value, [key]: replacement };
    const { [key]: _, ...rest } = value as Record<string, Json>;
    if (!Array.isArray(value)) yield { path: `${path}.${key} missing`, value: whole(rest) };
    yield* mutations(part, `${path}.${key}`, (replacement) => whole(place(replacement)));
  }
}
