/** Changes of a JSON text that leave every other byte of it as it is. What is passed in is valid JSON (JSON.parse took it). */

export interface JsonNode {
  start: number;
  end: number;
  /** Of an object, in order; of two with one name the last counts. */
  members?: { name: string; start: number; value: JsonNode }[];
  items?: JsonNode[];
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /"(?:[^"\\]|\\.)*"|[^,\]}\s]+/y;
/** Deeper than any settings; JSON.parse goes deeper. */
const MAX_DEPTH = 200;

/** Where everything in the text is. Throws RangeError when it is nested too deep. */
export const jsonNode = (text: string): JsonNode => new Scanner(text).value(0);

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonNode {
    if (depth > MAX_DEPTH) throw new RangeError('nested too deep');
    this.#space();
    const start = this.#at;
    const opening = this.#text[start];
    if (opening === '{') return this.#object(start, depth);
    if (opening === '[') return this.#array(start, depth);
    this.#match(SCALAR);
    return { start, end: this.#at };
  }

  #object(start: number, depth: number): JsonNode {
    const members: NonNullable<JsonNode['members']> = [];
    while (this.#next('}')) {
      const at = this.#at;
      const name = JSON.parse(this.#match(SCALAR)) as string;
      this.#space();
      this.#at++; // the colon
      members.push({ name, start: at, value: this.value(depth + 1) });
    }
    return { start, end: this.#at, members };
  }

  #array(start: number, depth: number): JsonNode {
    const items: JsonNode[] = [];
    while (this.#next(']')) items.push(this.value(depth + 1));
    return { start, end: this.#at, items };
  }

  /** Steps over what opens or divides, or over the end. @returns whether another entry follows */
  #next(closing: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== closing) {
      this.#at++;
      this.#space();
    }
    if (this.#text[this.#at] !== closing) return true;
    this.#at++;
    return false;
  }

  #space(): void {
    this.#match(SPACE);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }
}

export const memberOf = (node: JsonNode | undefined, name: string): JsonNode | undefined =>
  node?.members?.findLast((member) => member.name === name)?.value;

interface Place {
  /** Where entries of the list begin and end. */
  entries: { start: number; end: number }[];
  node: JsonNode;
}

const placeOf = (node: JsonNode): Place => ({
  node,
  entries: node.members
    ? node.members.map(({ start, value }) => ({ start, end: value.end }))
    : (node.items ?? []).map(({ start, end }) => ({ start, end })),
});

/** Adds a member (`name` given) or an item behind the last one, in the manner of what is there. */
export function added(text: string, node: JsonNode, value: unknown, name?: string): string {
  const { entries } = placeOf(node);
  const last = entries.at(-1);
  const space = last ? spaceBefore(text, last.start) : `\n${indentAt(text, node.start)}${unitOf(text)}`;
  const entry = `${space}${name === undefined ? '' : `${JSON.stringify(name)}: `}${worded(text, value, space)}`;
  if (last) return `${text.slice(0, last.end)},${entry}${text.slice(last.end)}`;
  const end = `\n${indentAt(text, node.start)}`;
  return `${text.slice(0, node.start + 1)}${entry}${end}${text.slice(node.end - 1)}`;
}

/** Without one of the members or items; one that becomes empty has nothing between its brackets. */
export function withoutEntry(text: string, node: JsonNode, index: number): string {
  const { entries } = placeOf(node);
  const entry = entries[index]!;
  if (entries.length === 1) return text.slice(0, node.start + 1) + text.slice(node.end - 1);
  const before = entries[index - 1];
  const [from, to] = before ? [before.end, entry.end] : [entry.start, entries[index + 1]!.start];
  return text.slice(0, from) + text.slice(to);
}

function spaceBefore(text: string, start: number): string {
  let from = start;
  while (from > 0 && ' \t\r\n'.includes(text[from - 1]!)) from--;
  return text.slice(from, start);
}

/** What stands before the first character of the line. */
function indentAt(text: string, at: number): string {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  return /^[ \t]*/.exec(line)![0];
}

/** By how much the text is indented; two spaces where it is not. */
const unitOf = (text: string): string => /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';

/** On lines of their own where the others are. */
function worded(text: string, value: unknown, space: string): string {
  if (!space.includes('\n')) return JSON.stringify(value);
  const indent = space.slice(space.lastIndexOf('\n') + 1);
  return JSON.stringify(value, null, unitOf(text)).replaceAll('\n', `\n${indent}`);
}
