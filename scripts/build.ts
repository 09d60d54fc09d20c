/**
 * `npm run build`: `dist/ui` (the dashboard, with hashed names and compressed copies) and `dist/relay.mjs` (the relay as one
 * executable file with the dashboard inside).
 */
import { build as bundle, type Metafile, type Plugin } from 'esbuild';
import { Buffer } from 'node:buffer';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { type Asset, readAssets } from '../core/http/static.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const UI = join(ROOT, 'dist/ui');
const RELAY = join(ROOT, 'dist/relay.mjs');
const COMPRESSED = new Set(['.html', '.js', '.css', '.svg', '.json', '.webmanifest', '.txt']);

/** Builds everything. `--quick` (development): no brotli, which takes most of the time. */
export async function build(options: { quick?: boolean } = {}): Promise<void> {
  await buildUi(options.quick ?? false);
  await buildRelay();
}

/** ui/main.ts and the styles that it imports under hashed names, ui/index.html with those names, ui/public as it is. */
export async function buildUi(quick: boolean): Promise<void> {
  const fresh = join(ROOT, `dist/ui.${process.pid}`);
  rmSync(fresh, { recursive: true, force: true });
  const result = await bundle({
    entryPoints: [join(ROOT, 'ui/main.ts')],
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
    logLevel: 'warning',
    loader: { '.svg': 'file', '.woff2': 'file' },
    absWorkingDir: ROOT,
  });
  if (existsSync(join(ROOT, 'ui/public'))) cpSync(join(ROOT, 'ui/public'), fresh, { recursive: true });
  writeFileSync(
    join(fresh, 'index.html'),
    withHashedNames(readFileSync(join(ROOT, 'ui/index.html'), 'utf8'), result.metafile),
  );
  for (const asset of readAssets(fresh)) writeCompressed(fresh, asset, quick);
  rmSync(UI, { recursive: true, force: true });
  renameSync(fresh, UI);
}

/** The page names `./main.js` and `./main.css`; what was made of them has a hash in its name. */
function withHashedNames(html: string, metafile: Metafile): string {
  const entry = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === 'ui/main.ts')!;
  const made: Record<string, string | undefined> = { '"./main.js"': entry[0], '"./main.css"': entry[1].cssBundle };
  for (const [named, output] of Object.entries(made)) {
    if (!output || !html.includes(named)) {
      throw new Error(`ui/index.html must name ${named}, and ui/main.ts must import it`);
    }
    html = html.replace(named, `"/assets/${basename(output)}"`);
  }
  return html;
}

function writeCompressed(folder: string, asset: Asset, quick: boolean): void {
  if (!COMPRESSED.has(extname(asset.path))) return;
  const quality = quick ? 1 : constants.BROTLI_MAX_QUALITY;
  const copies = {
    br: brotliCompressSync(asset.body, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }),
    gz: gzipSync(asset.body, { level: quick ? 1 : 9 }),
  };
  for (const [extension, bytes] of Object.entries(copies)) {
    if (bytes.length < asset.body.length) writeFileSync(join(folder, `${asset.path}.${extension}`), bytes);
  }
}

async function buildRelay(): Promise<void> {
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  await bundle({
    entryPoints: [join(ROOT, 'relay/main.ts')],
    outfile: RELAY,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: '#!/usr/bin/env node' },
    define: { RELAY_VERSION: JSON.stringify(version) },
    logLevel: 'warning',
    absWorkingDir: ROOT,
    plugins: [dashboardInside],
  });
  chmodSync(RELAY, 0o755);
}

/** Puts dist/ui into the file in the place of relay/dashboard.ts, which reads it from the disk. */
const dashboardInside: Plugin = {
  name: 'dashboard-inside',
  setup(setup) {
    setup.onLoad({ filter: /[\\/]relay[\\/]dashboard\.ts$/ }, () => {
      const text = (bytes?: Uint8Array) => bytes && Buffer.from(bytes).toString('base64');
      // What has a brotli copy is kept only as that: the plain bytes come back at start, in a few milliseconds.
      const packed = readAssets(UI).map(({ path, body, br, gz }) => ({
        path,
        body: br ? undefined : text(body),
        br: text(br),
        gz: text(gz),
      }));
      return {
        loader: 'ts',
        resolveDir: join(ROOT, 'relay'),
        contents: `import { unpack } from './packed.ts';
          export const loadDashboard = () => unpack(${JSON.stringify(packed)});`,
      };
    });
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build({ quick: process.argv.includes('--quick') });
}
