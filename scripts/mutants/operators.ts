/** The changes that can be made to a source, one place each: what a slip of the hand would leave behind. */
import type { Node, SourceFile } from 'typescript/unstable/ast';
import { SyntaxKind } from 'typescript/unstable/ast';
import { lineOf, type Source, walk } from '../check/sources.ts';

export interface Mutant {
  /** Path of the source from the project's root. */
  file: string;
  line: number;
  /** What was done, in words. */
  what: string;
  /** The source's text from `from` to `to` is replaced by `text`. */
  from: number;
  to: number;
  text: string;
}

/** Operator → the one it becomes: a condition flipped, a bound moved by one. */
const SWAPS: Record<string, string> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '&&': '||',
  '||': '&&',
};

type Change = [what: string, from: number, to: number, text: string];
/** Parts that nodes of some kinds have; the compiler's API types each kind apart. */
interface Parts {
  left?: Node;
  right?: Node;
  operatorToken?: Node;
  operand?: Node;
  operator?: SyntaxKind;
  expression?: Node;
  thenStatement?: Node;
  elseStatement?: Node;
}

export function mutantsOf({ name, file }: Source): Mutant[] {
  const found: Mutant[] = [];
  walk(file, (node) => {
    for (const [what, from, to, text] of changes(file, node as Node & Parts)) {
      found.push({ file: name, line: lineOf(file, from), what, from, to, text });
    }
  });
  return found;
}

/** Where a node's own text begins, behind blanks and comments. */
const startOf = (file: SourceFile, node: Node) => node.getStart(file);
const textOf = (file: SourceFile, node: Node) => file.text.slice(startOf(file, node), node.end);

function changes(file: SourceFile, node: Node & Parts): Change[] {
  switch (node.kind) {
    case SyntaxKind.BinaryExpression:
      return swapped(file, node);
    case SyntaxKind.PrefixUnaryExpression:
      return node.operator === SyntaxKind.ExclamationToken
        ? [['"!" removed', startOf(file, node), node.end, textOf(file, node.operand!)]]
        : [];
    case SyntaxKind.TrueKeyword:
    case SyntaxKind.FalseKeyword:
      return isType(node) ? [] : [flipped(file, node)];
    case SyntaxKind.NumericLiteral:
      return isType(node) ? [] : [['one more', startOf(file, node), node.end, `(${textOf(file, node)} + 1)`]];
    case SyntaxKind.AwaitExpression:
      return [['await removed', startOf(file, node), node.end, textOf(file, node.expression!)]];
    case SyntaxKind.IfStatement:
      return guards(file, node);
    case SyntaxKind.ThrowStatement:
      return [['throw removed', startOf(file, node), node.end, ';']];
    case SyntaxKind.ExpressionStatement:
      return node.expression!.kind === SyntaxKind.StringLiteral
        ? []
        : [['statement removed', startOf(file, node), node.end, ';']];
    default:
      return [];
  }
}

function swapped(file: SourceFile, { operatorToken }: Parts): Change[] {
  const from = startOf(file, operatorToken!);
  const operator = file.text.slice(from, operatorToken!.end);
  const other = SWAPS[operator];
  return other ? [[`"${operator}" is "${other}"`, from, operatorToken!.end, other]] : [];
}

function flipped(file: SourceFile, node: Node): Change {
  const text = textOf(file, node);
  return [`${text} flipped`, startOf(file, node), node.end, text === 'true' ? 'false' : 'true'];
}

function guards(file: SourceFile, node: Node & Parts): Change[] {
  const condition = node.expression!;
  const negated: Change = [
    'condition negated',
    startOf(file, condition),
    condition.end,
    `!(${textOf(file, condition)})`,
  ];
  if (node.elseStatement) return [negated];
  return [negated, ['if removed', startOf(file, node), node.end, ';']];
}

const TYPES: ReadonlySet<SyntaxKind> = new Set([SyntaxKind.LiteralType, SyntaxKind.EnumMember]);
const isType = (node: Node) => TYPES.has(node.parent.kind);

/** The text of a source with the change made. */
export const applied = (source: string, { from, to, text }: Mutant): string =>
  source.slice(0, from) + text + source.slice(to);
