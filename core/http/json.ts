/** Checks JSON from strangers. Pure. */

/** Deepest nesting that is accepted, so that code may walk through a value by recursion. */
export const MAX_NESTING = 100;
const MAX_SHOWN = 100;

/**
 * What is wrong with this valid JSON text, or null: it is nested too deeply, or one object has a name twice. JSON.parse
 * silently takes the last one, another reader may take the first (RFC 8259 section 4); a check and the code behind it must
 * not see different values.
 * @param text valid JSON
 */
export function jsonFault(text: string): string | null {
  // null for an array; for an object, its names so far.
  const open: (Set<string> | null)[] = [];
  let from = 0;
  let to = 0;
  for (let at = 0; at < text.length; at++) {
    if (open.length > MAX_NESTING) return `is nested deeper than ${MAX_NESTING} levels`;
    switch (text[at]) {
      case '{':
        open.push(new Set());
        break;
      case '[':
        open.push(null);
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case '"':
        from = at;
        to = at = endOfString(text, at);
        break;
      case ':': {
        const names = open.at(-1)!;
        const name = JSON.parse(text.slice(from, to + 1)) as string;
        if (names.has(name)) return `has ${JSON.stringify(name.slice(0, MAX_SHOWN))} twice in one object`;
        names.add(name);
      }
    }
  }
  return null;
}

/** Offset of the quote that ends the string starting at `start`: the first behind an even number of backslashes. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1);; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return at;
  }
}
