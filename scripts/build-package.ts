/**
 * `npm run pack`: dist/package, the program as plain JavaScript with everything inside, and dist/agent-monitor-<version>.tgz, which
 * `npm install -g` takes on a machine with nothing but Node. Its tree is the checkout's, so that paths are the same in both.
 */
import { build as bundle, type Metafile } from 'esbuild';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from './build.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = join(ROOT, 'dist/package');
/** What the package takes over as it is. */
const COPIED = [
  'dist/ui',
  'dist/relay.mjs',
  'scripts/deploy/deploy-remote.sh',
  'docs',
  'relay/DEPLOY.md',
  '.env.example',
  'README.md',
  'LICENSE',
  'SECURITY.md',
];
const REQUIRE =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";
/** Not bundled: it has a native part, and everything else works without it. */
const OPTIONAL = ['node-pty'];

interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  type: string;
  engines: Record<string, string>;
  optionalDependencies: Record<string, string>;
}

/** Builds dist/package. @returns its directory */
export async function buildPackage(options: { quick?: boolean } = {}): Promise<string> {
  await build(options);
  rmSync(PACKAGE, { recursive: true, force: true });
  mkdirSync(PACKAGE, { recursive: true });
  const metafile = await bundlePrograms(PACKAGE);
  for (const name of COPIED) {
    const filter = (path: string) => !path.endsWith('docs/screenshots');
    if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(PACKAGE, name), { recursive: true, filter });
  }
  makeExecutable('cli/main.mjs');
  writeFileSync(join(PACKAGE, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
  writeFileSync(join(PACKAGE, 'LICENSES-OF-OTHERS.txt'), licences(metafile));
  return PACKAGE;
}

/**
 * Programs that run in numbers, and longer than the installation that started them: each is one file of the old module system, which
 * takes 2 MiB less than the new one, and reads nothing of the package later.
 */
const HOLDERS = ['agent/process/holder/cli', 'agent/terminal/host'];

/** The programs as plain JavaScript. @returns what the bundler says of them */
export async function bundlePrograms(outdir: string): Promise<Metafile> {
  const isHolder = (name: string) => HOLDERS.includes(name);
  const [all, holders] = await Promise.all([
    bundleAs('esm', programs().filter((name) => !isHolder(name)), outdir),
    bundleAs('cjs', programs().filter(isHolder), outdir),
  ]);
  return { inputs: { ...all.inputs, ...holders.inputs }, outputs: { ...all.outputs, ...holders.outputs } };
}

async function bundleAs(format: 'esm' | 'cjs', names: string[], outdir: string): Promise<Metafile> {
  const { metafile } = await bundle({
    entryPoints: Object.fromEntries(names.map((name) => [name, join(ROOT, `${name}.ts`)])),
    outdir,
    outExtension: { '.js': format === 'esm' ? '.mjs' : '.cjs' },
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: format === 'esm',
    platform: 'node',
    format,
    target: 'node20',
    // What npm installs is read by people who look for the reason of an error: names stay, space goes.
    minifyWhitespace: true,
    minifySyntax: true,
    external: OPTIONAL,
    // Packages of the old module system ask for Node's modules by require.
    banner: format === 'esm' ? { js: REQUIRE } : {},
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    absWorkingDir: ROOT,
  });
  return metafile!;
}

/** @returns the path of the archive */
export async function pack(options: { quick?: boolean } = {}): Promise<string> {
  const directory = await buildPackage(options);
  const printed = execFileSync('npm', ['pack', '--json', '--pack-destination', join(ROOT, 'dist')], {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [{ filename }] = JSON.parse(printed) as [{ filename: string }];
  return join(ROOT, 'dist', filename);
}

/** The entries, and every program that is started by `programFile` (core/installation.ts). */
function programs(): string[] {
  const started = ['core', 'agent', 'cli'].flatMap(sourceFiles).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\bprogramFile\('([^']+)'\)/g)].map((match) => match[1]!)
  );
  return [...new Set(['cli/main', 'agent/main', ...started])];
}

const sourceFiles = (directory: string): string[] =>
  readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    .map((name) => join(ROOT, directory, name));

function makeExecutable(name: string): void {
  const path = join(PACKAGE, name);
  writeFileSync(path, `#!/usr/bin/env node\n${readFileSync(path, 'utf8')}`);
  chmodSync(path, 0o755);
}

/** The published package.json: no development, nothing to install but what is optional. */
function manifest(): object {
  const { name, version, description, license, type, engines, optionalDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Manifest;
  return {
    name,
    version,
    description,
    license,
    type,
    engines,
    bin: { 'agent-monitor': 'cli/main.mjs', 'agent-monitor-relay': 'dist/relay.mjs' },
    optionalDependencies: Object.fromEntries(OPTIONAL.map((entry) => [entry, optionalDependencies[entry]])),
  };
}

/** The licence texts of the packages whose code is inside, which their authors ask to be passed on. */
function licences(metafile: Metafile): string {
  const names = new Set(Object.keys(metafile.inputs).flatMap((path) => packageOf(path) ?? []));
  for (const name of ['preact', 'htm', 'marked', 'uqr', '@xterm/xterm']) names.add(name);
  return [...names].sort().map((name) => {
    const directory = join(ROOT, 'node_modules', name);
    const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
    const { version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
    return `${name} ${version} (${license})\n\n${file ? readFileSync(join(directory, file), 'utf8').trim() : ''}\n`;
  }).join('\n----\n\n');
}

const packageOf = (path: string): string | undefined => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = await pack({ quick: process.argv.includes('--quick') });
  console.log(`${path.slice(ROOT.length)}: ${(statSync(path).size / 2 ** 20).toFixed(2)} MiB`);
}
