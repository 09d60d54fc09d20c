/** What a test file must do so that its tests run and can fail. */
import { type CallExpression, type Node, SyntaxKind } from 'typescript/unstable/ast';
import { lineOf, type Source, walk } from './sources.ts';

/** Runs its tests, or those of another file (over another transport). */
const RUNS = /\.run\(\)|await import\('[^']+\.test\.ts'\)/;

/** @returns one sentence a broken rule */
export function testProblems(source: Source): string[] {
  if (!source.name.startsWith('test/')) return [];
  return [...runProblems(source), ...throwsProblems(source)];
}

function runProblems({ name, file }: Source): string[] {
  const isSilent = name.endsWith('.test.ts') && !RUNS.test(file.text);
  return isSilent ? [`${name} never calls .run(): its tests would count as passed without running`] : [];
}

const TEXTS = new Set<SyntaxKind>([
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateExpression,
]);

/** uvu takes a text in second place for the assertion's message: any error at all passes. */
function throwsProblems({ name, file }: Source): string[] {
  const found: string[] = [];
  walk(file, (node) => {
    if (node.kind !== SyntaxKind.CallExpression) return;
    const { expression, arguments: [, expected] } = node as CallExpression;
    const isThrows = textOf(expression) === 'assert.throws';
    if (!isThrows || !expected || !TEXTS.has(expected.kind)) return;
    const place = `${name}:${lineOf(file, node.getStart(file))}`;
    found.push(`${place} assert.throws with a text accepts every error: give a pattern`);
  });
  return found;

  function textOf(node: Node): string {
    return file.text.slice(node.getStart(file), node.end);
  }
}
