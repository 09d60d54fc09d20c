/** JSON of strangers. Pure. */

/** Whoever walks through a value may do so by recursion. */
export const MAX_NESTING = 100;
const MAX_SHOWN = 100;

/**
 * What is wrong with this JSON text although it is valid, or null. It is nested too deeply; or one object has a name twice:
 * JSON.parse takes the last one silently, another reader may take the first (RFC 8259 section 4), and who checks and who acts
 * must not see different things.
 * @param text valid JSON
 */
export function jsonFault(text: string): string | null {
  // An array is `null`; an object the names that it has had so far.
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

/** Where the quote is that ends the string which begins at `start`: the first behind an even number of backslashes. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1);; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return at;
  }
}
