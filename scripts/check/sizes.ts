/**
 * How large that is which is sent and installed, against the lines of size-budget.json: what grows by more
 * than 3 % does so on purpose, with a changed line in the same commit.
 */
import type { Metafile } from 'esbuild';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { readAssets, WORKER_PATH } from '../../core/http/static.ts';
import { buildRelay, buildUi } from '../build.ts';
import { bundlePrograms } from '../build-package.ts';

const BUDGET = fileURLToPath(new URL('size-budget.json', import.meta.url));
/** What a part may grow by before its line is changed. */
export const MAX_GROWTH = 0.03;

/** Bytes of each part. */
export type Sizes = Readonly<Record<string, number>>;

/** What an agent's page is made of beside the first load. */
const AGENT_PAGE = ['ui/pages/agent.ts', 'ui/chat/chat.ts', 'ui/previews/preview-bar.ts'];

/** Builds everything in a directory of its own, quickly; what browsers get is measured as it is sent, with brotli. */
export async function measureSizes(): Promise<Sizes> {
  const directory = mkdtempSync(join(tmpdir(), 'sizes-'));
  try {
    const ui = join(directory, 'ui');
    const metafile = await buildUi(true, ui);
    const relay = join(directory, 'relay.mjs');
    await buildRelay(relay, ui);
    const programs = await bundlePrograms(join(directory, 'package'));
    const first = firstLoad(ui);
    const agentPage = AGENT_PAGE.flatMap((name) => closureOf(metafile, name)).map((path) =>
      `/assets/${basename(path)}`
    );
    const files = readAssets(ui).reduce((sum, { body }) => sum + body.length, 0);
    return {
      'first load': compressed(ui, first),
      'agent page': compressed(ui, [...new Set(agentPage)].filter((path) => !first.includes(path))),
      'service worker': compressed(ui, [WORKER_PATH]),
      'relay file': statSync(relay).size,
      'package': files + statSync(relay).size + bytesOf(programs),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Bytes of a built dashboard's first load, as they are sent. */
export const firstLoadSize = (ui: string): number => compressed(ui, firstLoad(ui));

/** The page and the files that it names. */
function firstLoad(ui: string): string[] {
  const html = readFileSync(join(ui, 'index.html'), 'utf8');
  return ['/index.html', ...[...html.matchAll(/"(\/assets\/[^"]+)"/g)].map((match) => match[1]!)];
}

const compressed = (ui: string, paths: readonly string[]): number =>
  paths.reduce((sum, path) => sum + brotliCompressSync(readFileSync(join(ui, path))).length, 0);

const bytesOf = ({ outputs }: Metafile): number => Object.values(outputs).reduce((sum, { bytes }) => sum + bytes, 0);

/** The files that are loaded with a part of the page. */
function closureOf({ outputs }: Metafile, source: string): string[] {
  const entry = Object.keys(outputs).find((name) => outputs[name]!.entryPoint?.endsWith(source));
  if (!entry) throw new Error(`${source} is no part that is loaded by itself: change AGENT_PAGE`);
  const found = new Set<string>();
  const visit = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    for (const { path, kind } of outputs[name]?.imports ?? []) if (kind === 'import-statement') visit(path);
  };
  visit(entry);
  return [...found];
}

/** @returns one sentence for each part that is larger than its line allows, or has none */
export function sizeProblems(sizes: Sizes, budget: Sizes): string[] {
  const missing = Object.keys(budget).filter((name) => !(name in sizes)).map((name) =>
    `${name} is not measured any more`
  );
  return missing.concat(
    Object.entries(sizes).flatMap(([name, bytes]) => {
      const line = budget[name];
      if (line === undefined) return [`${name} has no line in size-budget.json; it has ${bytes} bytes`];
      if (bytes <= line * (1 + MAX_GROWTH)) return [];
      const percent = (100 * (bytes / line - 1)).toFixed(1);
      return [`${name} has ${bytes} bytes, ${percent} % more than its line in size-budget.json (${line})`];
    }),
  );
}

export const readBudget = (): Sizes => JSON.parse(readFileSync(BUDGET, 'utf8')) as Sizes;

/** `tsx scripts/check/sizes.ts`: the lines as they would be now. */
if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(await measureSizes(), null, 2));
