/**
 * The rules of the tree that no compiler keeps: the direction of imports, that core/wire runs in a browser, that core and
 * relay use nothing but node: and themselves, and that every test file is really run.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Top folder → top folders that it may import. */
const MAY_IMPORT: Record<string, string[]> = {
  core: ['core'],
  agent: ['core', 'agent'],
  relay: ['core', 'relay'],
  ui: ['ui'], // and core/wire, see below
  scripts: ['core', 'agent', 'relay', 'ui', 'scripts', 'test'],
  test: ['core', 'agent', 'relay', 'ui', 'scripts', 'test'],
};
/** Packages outside node: that a folder may import; the rest is refused. */
const PACKAGES: Record<string, string[]> = {
  core: [],
  relay: [],
  agent: ['node-pty', 'nodemailer', '@xterm/headless', '@xterm/addon-serialize', '@xterm/addon-unicode11'],
};

export interface Import {
  file: string;
  target: string;
}

/** Import specifiers of a TypeScript source, static and dynamic. */
export function importsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const pattern =
    /(?:^|[\s;])(?:import|export)\s+(?:type\s+)?(?:[\w*{}\s,$]+\s+from\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;
  return [...code.matchAll(pattern)].map((match) => (match[1] ?? match[2])!);
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'vectors' ? [] : sources(path);
    return /\.(ts|mts)$/.test(entry.name) ? [path] : [];
  });
}

/** @returns one sentence a broken rule */
export function checkTree(root: string): string[] {
  const problems: string[] = [];
  for (const top of Object.keys(MAY_IMPORT)) {
    for (const file of sources(join(root, top))) {
      const name = relative(root, file);
      const source = readFileSync(file, 'utf8');
      for (const target of importsOf(source)) problems.push(...checkImport(root, name, target));
      if (name.startsWith('test/') && name.endsWith('.test.ts') && !/\.run\(\)/.test(source)) {
        problems.push(`${name} never calls .run(): its tests would count as passed without running`);
      }
    }
  }
  return problems;
}

function checkImport(root: string, name: string, target: string): string[] {
  const top = name.split('/')[0]!;
  const browser = top === 'ui' || name.startsWith('core/wire/');
  if (target.startsWith('.')) {
    const to = relative(root, join(root, dirname(name), target));
    const toTop = to.split('/')[0]!;
    if (name.startsWith('core/wire/') && !to.startsWith('core/wire/')) {
      return [`${name} imports ${to}: core/wire must run in a browser, it may only import itself`];
    }
    if (top === 'ui' && toTop === 'core' && to.startsWith('core/wire/')) return [];
    if (MAY_IMPORT[top]!.includes(toTop)) return [];
    return [`${name} imports ${to}: ${top} may only import ${MAY_IMPORT[top]!.join(', ')}`];
  }
  if (target.startsWith('node:')) return browser ? [`${name} imports ${target}: this runs in a browser`] : [];
  const allowed = PACKAGES[top];
  const isAllowed = !allowed || allowed.some((p) => target === p || target.startsWith(`${p}/`));
  return isAllowed ? [] : [`${name} imports ${target}: not in the list of packages that ${top} may use`];
}
