/** How long functions are: one that does not fit a screen does more than one job. */
import { type Node, SyntaxKind } from 'typescript/unstable/ast';
import { lineOf, type Source, walk } from './sources.ts';

/** Most lines of a function, and of a component of the dashboard. */
export const MAX_FUNCTION_LINES = 40;
export const MAX_COMPONENT_LINES = 60;

const FUNCTIONS = new Set<SyntaxKind>([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]);

export interface FunctionLength {
  place: string;
  name: string;
  lines: number;
  limit: number;
  /** Most of it is one switch: a table of cases, which is read case by case. */
  isSwitch: boolean;
}

/** Every function of the programs (not of tests and scripts), the longest first. */
export function functionLengths(sources: readonly Source[]): FunctionLength[] {
  return sources.filter(({ name }) => /^(core|relay|agent|cli|ui)\//.test(name)).flatMap(lengthsOf)
    .sort((a, b) => b.lines - a.lines);
}

/** @returns one sentence a function that is too long */
export const lengthProblems = (sources: readonly Source[]): string[] =>
  functionLengths(sources).filter((entry) => entry.lines > entry.limit && !entry.isSwitch)
    .map(({ place, name, lines, limit }) => `${place} ${name} has ${lines} lines; at most ${limit}: split it by job`);

function lengthsOf({ name: path, file }: Source): FunctionLength[] {
  const found: FunctionLength[] = [];
  walk(file, (node) => {
    if (!FUNCTIONS.has(node.kind)) return;
    const first = lineOf(file, node.getStart(file));
    const name = nameOf(node);
    const lines = lineOf(file, node.end) - first + 1;
    found.push({ place: `${path}:${first}`, name, lines, limit: limitOf(path), isSwitch: isSwitch(node, lines) });
  });
  return found;

  function isSwitch(node: Node, lines: number): boolean {
    let longest = 0;
    walk(node, (child) => {
      if (child.kind !== SyntaxKind.SwitchStatement) return;
      longest = Math.max(longest, lineOf(file, child.end) - lineOf(file, child.getStart(file)) + 1);
    });
    return longest > lines / 2;
  }
}

const limitOf = (path: string) => path.startsWith('ui/') ? MAX_COMPONENT_LINES : MAX_FUNCTION_LINES;

function nameOf(node: Node): string {
  const named = node as Node & { name?: { text?: string } };
  const parent = node.parent as (Node & { name?: { text?: string } }) | undefined;
  return named.name?.text ?? parent?.name?.text ??
    (node.kind === SyntaxKind.Constructor ? 'constructor' : '(anonymous)');
}
