/**
 * The direction of imports: core ← agent, core ← relay, agent ← cli, core/api ← ui; what runs in a browser imports nothing of node:, and
 * core and relay use no package.
 */
import { dirname, join } from 'node:path';
import { type CallExpression, type Node, type StringLiteral, SyntaxKind } from 'typescript/unstable/ast';
import type { Graph } from './cycles.ts';
import { type Source, walk } from './sources.ts';

/** Top directory → top directories that it may import. */
const MAY_IMPORT: Record<string, string[]> = {
  core: ['core'],
  agent: ['core', 'agent'],
  relay: ['core', 'relay'],
  cli: ['core', 'agent', 'cli'],
  ui: ['ui'], // and core/api, see below
  scripts: ['core', 'agent', 'relay', 'cli', 'ui', 'scripts', 'test'],
  test: ['core', 'agent', 'relay', 'cli', 'ui', 'scripts', 'test'],
};
/** Packages that a directory may import; node: always. Directories that are not named may import any. */
const PACKAGES: Record<string, string[]> = {
  core: [],
  relay: [],
  cli: ['uqr'],
  agent: ['node-pty', 'nodemailer', '@xterm/headless', '@xterm/addon-unicode11'],
};
/** Imports that no rule of the tops covers: [from, to] that must not be. */
const FORBIDDEN: [RegExp, RegExp, string][] = [
  [/^core\/api\//, /^(?!core\/api\/)/, 'core/api must run in a browser, it may only import itself'],
  [/^core\/websocket\//, /^core\/tunnel\//, 'a WebSocket knows nothing of what is sent over it'],
  [/^agent\/(?!api\/|server\.ts|main\.ts)/, /^agent\/api\//, 'the API is on top: the domain does not know it'],
  [/^agent\/(process|store)\//, /^agent\/(provider|session|terminal|pipeline|notify|live)\//, 'it lies below these'],
];
/** Layers of the dashboard, lowest first: a directory imports from its own and from lower ones. */
const UI_LAYERS = [
  ['html.ts', 'back.ts', 'format.ts', 'keyboard.ts', 'i18n', 'worker', 'style', 'css.d.ts', 'public'],
  ['state'], // nothing is drawn without its signals
  ['route.ts', 'theme.ts'],
  ['components'],
  ['net'],
  ['app.ts', 'machine-app.ts', 'fleet.ts', 'follow.ts'],
  ['hooks'],
  [
    'machines',
    'connection',
    'agent',
    'chat',
    'files',
    'terminal',
    'forms',
    'desk',
    'handoff',
    'search',
    'previews',
    'usage',
    'schedule',
  ],
  ['pages'],
  ['shell'],
  ['main.ts'],
];

/** Specifiers of the static and dynamic imports and re-exports of a source, and of its types. */
export function importsOf({ file }: Source): string[] {
  const found: string[] = [];
  walk(file, (node) => {
    const specifier = specifierOf(node);
    if (specifier?.kind === SyntaxKind.StringLiteral) found.push((specifier as StringLiteral).text);
  });
  return found;
}

function specifierOf(node: Node): Node | undefined {
  if (node.kind === SyntaxKind.ImportDeclaration || node.kind === SyntaxKind.ExportDeclaration) {
    return (node as Node & { moduleSpecifier?: Node }).moduleSpecifier;
  }
  const isCall = node.kind === SyntaxKind.CallExpression;
  const call = node as CallExpression;
  return isCall && call.expression.kind === SyntaxKind.ImportKeyword ? call.arguments[0] : undefined;
}

/** Which source imports which, by name. Dynamic imports count: what is loaded later is still known here. */
export function importGraph(sources: readonly Source[]): Graph {
  const names = new Set(sources.map(({ name }) => name));
  return new Map(sources.map((source) => [
    source.name,
    new Set(
      importsOf(source).filter((target) => target.startsWith('.'))
        .map((target) => join(dirname(source.name), target)).filter((target) => names.has(target)),
    ),
  ]));
}

/** @returns one sentence a broken rule */
export const importProblems = (sources: readonly Source[]): string[] =>
  sources.flatMap((source) => importsOf(source).flatMap((target) => importProblem(source.name, target)));

function importProblem(name: string, target: string): string[] {
  const top = name.split('/')[0]!;
  if (target.startsWith('.')) return pathProblem(name, join(dirname(name), target));
  const isBrowser = top === 'ui' || name.startsWith('core/api/');
  if (target.startsWith('node:')) return isBrowser ? [`${name} imports ${target}: this runs in a browser`] : [];
  const allowed = PACKAGES[top];
  const isAllowed = !allowed || allowed.some((entry) => target === entry || target.startsWith(`${entry}/`));
  return isAllowed ? [] : [`${name} imports ${target}: not in the list of packages that ${top} may use`];
}

function pathProblem(name: string, to: string): string[] {
  const top = name.split('/')[0]!;
  const forbidden = FORBIDDEN.find(([from, target]) => from.test(name) && target.test(to));
  if (forbidden) return [`${name} imports ${to}: ${forbidden[2]}`];
  if (top === 'ui' && to.startsWith('core/api/')) return [];
  if (!MAY_IMPORT[top]?.includes(to.split('/')[0]!)) {
    return [`${name} imports ${to}: ${top} may only import ${MAY_IMPORT[top]}`];
  }
  return top === 'ui' && layerOf(name) < layerOf(to) ? [`${name} imports ${to}, which lies above it`] : [];
}

/** -1: in no layer, so it may import nothing above the lowest. */
function layerOf(name: string): number {
  const part = name.split('/')[1]!;
  return UI_LAYERS.findIndex((layer) => layer.includes(part));
}
