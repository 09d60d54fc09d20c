/**
 * `npm run build`: `dist/ui` (the dashboard, with hashed names and compressed copies) and `dist/relay.mjs` (the relay as one
 * executable file with the dashboard inside).
 */
import { build as bundle, type Metafile, type Plugin } from 'esbuild';
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { type Asset, readAssets, WORKER_PATH } from '../core/http/static.ts';
import { type EntryFiles, entryFiles, firstViewInOne } from './build/first-view.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const UI = join(ROOT, 'dist/ui');
const RELAY = join(ROOT, 'dist/relay.mjs');
const ENTRY = 'ui/main.ts';
const STYLES = 'ui/style/main.css';
const COMPRESSED = new Set(['.html', '.js', '.css', '.svg', '.json', '.webmanifest', '.txt']);

/** Builds everything. `--quick` (development): no brotli, which takes most of the time. */
export async function build(options: { quick?: boolean } = {}): Promise<void> {
  await buildUi(options.quick ?? false);
  await buildRelay();
}

/**
 * ui/main.ts with all that the first view needs, and the styles, under hashed names, ui/index.html with those names, ui/public as it is.
 * @param banner a comment in every script: makes another build of the same sources (tests)
 * @returns what the bundler says of the scripts
 */
export async function buildUi(quick: boolean, target = UI, banner = ''): Promise<Metafile> {
  const fresh = `${target}.${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  const result = await bundle({
    entryPoints: [join(ROOT, ENTRY), join(ROOT, STYLES)],
    outdir: join(fresh, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    metafile: true,
    legalComments: 'none',
    banner: { js: banner },
    logLevel: 'warning',
    loader: { '.svg': 'file', '.woff2': 'file' },
    absWorkingDir: ROOT,
    plugins: [firstViewInOne(ROOT, ENTRY)],
  });
  const entry = entryFiles(result.metafile, ENTRY, STYLES);
  for (const name of entry.unused) rmSync(join(ROOT, name));
  if (existsSync(join(ROOT, 'ui/public'))) cpSync(join(ROOT, 'ui/public'), fresh, { recursive: true });
  writeFileSync(
    join(fresh, 'index.html'),
    withHashedNames(readFileSync(join(ROOT, 'ui/index.html'), 'utf8'), entry),
  );
  await buildWorker(fresh);
  for (const asset of readAssets(fresh)) writeCompressed(fresh, asset, quick);
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
  return result.metafile;
}

/** The service worker knows the files of its build by name, and the build by the hash of what they hold. */
async function buildWorker(directory: string): Promise<void> {
  const assets = readAssets(directory).filter(({ path }) => !/\.(br|gz)$/.test(path));
  const hash = createHash('sha256');
  for (const { path, body } of assets) hash.update(`${path}\n${body.length}\n`).update(body);
  const files = assets.map(({ path }) => (path === '/index.html' ? '/' : path));
  await bundle({
    entryPoints: [join(ROOT, 'ui/worker/main.ts')],
    outfile: join(directory, basename(WORKER_PATH)),
    bundle: true,
    format: 'iife',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    define: {
      SHELL_VERSION: JSON.stringify(hash.digest('hex').slice(0, 16)),
      SHELL_FILES: JSON.stringify([...new Set(files)]),
    },
    absWorkingDir: ROOT,
  });
}

/** The page names `./main.js` and `./style/main.css`; what was made of them has a hash in its name. */
function withHashedNames(html: string, { script, styles }: EntryFiles): string {
  for (const [named, output] of [['"./main.js"', script], ['"./style/main.css"', styles]] as const) {
    if (!html.includes(named)) throw new Error(`ui/index.html must name ${named}`);
    html = html.replace(named, `"/assets/${basename(output)}"`);
  }
  return html;
}

function writeCompressed(directory: string, asset: Asset, quick: boolean): void {
  if (!COMPRESSED.has(extname(asset.path))) return;
  const quality = quick ? 1 : constants.BROTLI_MAX_QUALITY;
  const copies = {
    br: brotliCompressSync(asset.body, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }),
    gz: gzipSync(asset.body, { level: quick ? 1 : 9 }),
  };
  for (const [extension, bytes] of Object.entries(copies)) {
    if (bytes.length < asset.body.length) writeFileSync(join(directory, `${asset.path}.${extension}`), bytes);
  }
}

/** @param ui the dashboard that is put inside */
export async function buildRelay(file = RELAY, ui = UI): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  await bundle({
    entryPoints: [join(ROOT, 'relay/main.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: '#!/usr/bin/env node' },
    define: { RELAY_VERSION: JSON.stringify(version) },
    logLevel: 'warning',
    absWorkingDir: ROOT,
    plugins: [dashboardInside(ui)],
  });
  chmodSync(file, 0o755);
}

/** Puts dist/ui into the file in the place of relay/assets.ts, which reads it from the disk. */
const dashboardInside = (ui: string): Plugin => ({
  name: 'dashboard-inside',
  setup(setup) {
    setup.onLoad({ filter: /[\\/]relay[\\/]assets\.ts$/ }, () => {
      const text = (bytes?: Uint8Array) => bytes && Buffer.from(bytes).toString('base64');
      // What has a brotli copy is kept only as that: the plain bytes come back at start, in a few milliseconds.
      const embedded = readAssets(ui).map(({ path, body, br, gz }) => ({
        path,
        body: br ? undefined : text(body),
        br: text(br),
        gz: text(gz),
      }));
      return {
        loader: 'ts',
        resolveDir: join(ROOT, 'relay'),
        contents: `import { decodeAssets } from './embedded-assets.ts';
          export const loadDashboard = () => decodeAssets(${JSON.stringify(embedded)});`,
      };
    });
  },
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build({ quick: process.argv.includes('--quick') });
}
