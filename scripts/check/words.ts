/** Words that the code gave up for the field's own (see CONTRIBUTING.md): none may come back as an identifier or file name. */
import { basename } from 'node:path';
import { type Identifier, type Node, SyntaxKind } from 'typescript/unstable/ast';
import { lineOf, type Source, walk } from './sources.ts';

/** As any part of an identifier (`endStrays` has `strays`) → what it is called. */
const PARTS: Record<string, string> = {
  house: 'context',
  keeper: 'store or client',
  workshop: 'the resource',
  stray: 'orphan',
  strays: 'orphans',
  loose: 'untyped',
  revocable: 'session connections',
  deaf: 'discarding',
  farewell: 'goodbye',
  barred: 'refusing',
  lease: 'ref counted',
  lend: 'retain',
  slab: 'pool',
  rogue: 'hostile peer',
  chatter: 'bulk traffic',
  told: 'sent, published',
  tell: 'emit, send, publish, report',
  folder: 'directory',
  folders: 'directories',
  runnable: 'command spec',
  proc: 'process',
};
/** As a whole identifier. */
const WHOLE: Record<string, string> = {
  one: 'entry',
  made: 'result',
  given: 'input',
  kept: 'retained',
  placed: 'seeded',
  tt: 't',
  anew: 'again',
  House: 'AgentContext',
  Room: 'an interface at its owner',
  Gate: 'Login',
  Pace: 'Congestion',
  Inbox: 'SocketReader',
  Keeper: 'TunnelClient',
  Scene: 'EventContext',
  Door: 'LocalAccess',
  callUser: 'invokeCallback',
  WireError: 'ValidationError or TunnelProtocolError',
  useKept: 'usePageState',
  useLoaded: 'useResource',
  keepConnected: 'startTunnelClient',
  beginAnew: 'restartFresh',
  keepAside: 'quarantine',
  claimFolder: 'openDataDirectory',
};
/** Whole identifiers, and the part of the tree in which they meant something private. */
const SCOPED: [RegExp, string[]][] = [
  [/^core\/tunnel\//, [
    'pace',
    'filled',
    'pressed',
    'measuring',
    'brief',
    'ring',
    'outgoing',
    'Outgoing',
    'Session',
    'Heartbeat',
  ]],
  [/^core\/websocket\//, ['inbox', 'outbox', 'Outbox', 'linger', 'recycle', 'give']],
  [/^core\/auth\//, ['Session', 'Sessions', 'gate']],
  [/^agent\/session\//, ['Session', 'asked']],
  [/^agent\/notify\//, ['Outbox']],
  [/^ui\/state\//, ['cell', 'Cell']],
  [/^ui\//, ['Link', 'arrange', 'Arranged', 'Arranger']],
];
/** Names that stay, with the reason. */
const EXCEPTIONS: Record<string, string> = {
  'core/api/workspace.ts:placed': 'a field of GET /changes',
  'ui/agent/changed-file.ts:placed': 'the same field',
  'agent/provider/claude/live-sessions.ts:procStart': "a field of Claude's own file",
};
const FILES = new Set(
  ('rooms.ts door.ts guard.ts strays.ts proc.ts runnable.ts loose.ts claim.ts reference.ts inbox.ts slab.ts pace.ts outgoing.ts ' +
    'lease.ts release.ts edge.ts revocable.ts packed.ts cell.ts loaded.ts services.ts relay-watch.ts workshop.ts ' +
    'decision-state.ts arrange.ts house.ts hand-clock.ts rogue.ts chatter.ts cable.ts whole-way.ts gate.ts').split(' '),
);

/** Nodes whose name is a use of a declaration elsewhere. */
const USES = new Set<SyntaxKind>([
  SyntaxKind.PropertyAccessExpression,
  SyntaxKind.PropertyAssignment,
  SyntaxKind.ShorthandPropertyAssignment,
  SyntaxKind.ImportSpecifier,
  SyntaxKind.ExportSpecifier,
  SyntaxKind.MetaProperty,
]);

/** @returns one sentence a name */
export function wordProblems(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => [...fileProblems(source.name), ...identifierProblems(source)]);
}

function fileProblems(name: string): string[] {
  const base = basename(name);
  const isGone = FILES.has(base) || /-lab\.ts$/.test(base) || (base.includes('workshop') && name.endsWith('.ts'));
  return isGone ? [`${name}: this file name was given up for the field's word`] : [];
}

function identifierProblems({ name: path, file }: Source): string[] {
  const scoped = new Set(SCOPED.flatMap(([scope, words]) => scope.test(path) ? words : []));
  const problems = new Map<string, string>();
  walk(file, (node) => {
    if (node.kind !== SyntaxKind.Identifier && node.kind !== SyntaxKind.PrivateIdentifier) return;
    if (!isDeclared(node)) return;
    const word = (node as Identifier).text.replace(/^#/, '');
    const better = betterWord(word, scoped);
    if (better === null || `${path}:${word}` in EXCEPTIONS || problems.has(word)) return;
    problems.set(word, `${path}:${lineOf(file, node.getStart(file))} "${word}": say ${better}`);
  });
  return [...problems.values()];
}

function betterWord(word: string, scoped: ReadonlySet<string>): string | null {
  if (/^[A-Z][A-Z0-9_]*_(LIMIT|COUNT)$/.test(word) || /^KEPT(_|$)/.test(word)) return 'MAX_…';
  if (Object.hasOwn(WHOLE, word)) return WHOLE[word]!;
  if (scoped.has(word)) return 'the word of the table';
  const parts = word.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase().split(/[ _]/);
  const part = parts.find((entry) => Object.hasOwn(PARTS, entry));
  return part === undefined ? null : PARTS[part]!;
}

/** Only where a name is declared: a use of somebody else's name (a field of a CLI's JSON) is not ours to choose. */
function isDeclared(node: Node): boolean {
  const parent = node.parent as (Node & { name?: Node }) | undefined;
  return parent?.name === node && !USES.has(parent.kind);
}
