/**
 * `npm run bench:ui [-- --before <commit>] [--rounds <n>]`: what a user waits for in the dashboard, of this checkout beside an
 * earlier commit of it (the one before, unless another is named) and HAPI, in interleaved rounds of one run. Prints a table of
 * medians, in Markdown.
 */
import process from 'node:process';
import { launchBrowser } from '../../test/support/harness/browser.ts';
import { openHapi } from './ui-hapi.ts';
import { measureAgent, measureList, measureStart, type Row } from './ui-measure.ts';
import { openList, openWorld, ownVersion, type Version, versionOf, type World } from './ui-world.ts';

const DEFAULT_ROUNDS = 3;
const BEFORE = 'HEAD~1';
/** Sizes of the list that is scrolled. */
const LISTS = [100, 1_000];

/** What is measured, and one round of it. */
interface Contender {
  name: string;
  rows: Row[];
  measure(): Promise<Row>;
  close(): Promise<unknown>;
}

async function own(version: Version): Promise<Contender> {
  const world = await openWorld(version).catch((error) => {
    version.close();
    throw error;
  });
  return {
    name: version.name,
    rows: [],
    measure: () => measureOwn(version, world),
    close: () => world.close().finally(version.close),
  };
}

async function measureOwn(version: Version, world: World): Promise<Row> {
  const browser = await launchBrowser();
  try {
    const row: Row = {
      ...await measureStart(browser, world.product.relayUrl, world.cookie, '.agent-card'),
      ...await measureAgent(browser, world, true),
      ...await measureAgent(browser, world, false),
    };
    for (const count of LISTS) {
      const list = await openList(version, count);
      try {
        Object.assign(row, await measureList(browser, list.url, count));
      } finally {
        await list.close();
      }
    }
    return row;
  } finally {
    await browser.close();
  }
}

/** HAPI with its empty list; null: it is not here, and why is printed. */
async function other(): Promise<Contender | null> {
  const hapi = await openHapi();
  if (typeof hapi === 'string') {
    console.log(`HAPI is not measured: ${hapi}\n`);
    return null;
  }
  return {
    name: `HAPI ${hapi.version} (empty list)`,
    rows: [],
    async measure() {
      const browser = await launchBrowser();
      try {
        return await measureStart(browser, hapi.url, '', hapi.selector);
      } finally {
        await browser.close();
      }
    },
    close: hapi.close,
  };
}

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};

function median(list: readonly (number | undefined)[]): number {
  const known = list.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known.length ? known[Math.floor(known.length / 2)]! : NaN;
}

const shown = (value: number): string =>
  isNaN(value) ? '' : value.toLocaleString('en', { maximumFractionDigits: value < 20 ? 1 : 0 });

/** A table with a line for each row: medians, and what the first contender needs of the others. */
function table(contenders: readonly Contender[]): string {
  const [first, ...others] = contenders;
  const head = [' ', ...contenders.map(({ name }) => name), ...others.map(({ name }) => `ratio to ${name}`)];
  const lines = Object.keys(first!.rows[0]!).map((name) => {
    const values = contenders.map(({ rows }) => median(rows.map((row) => row[name])));
    const ratios = values.slice(1).map((value) => isNaN(value) || !value ? '' : (values[0]! / value).toFixed(2));
    return [name, ...values.map(shown), ...ratios];
  });
  const rule = head.map((_, i) => i ? '---:' : '---');
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

async function run(): Promise<void> {
  const contenders: Contender[] = [];
  try {
    contenders.push(await own(ownVersion()));
    contenders.push(await own(versionOf(option('before') ?? BEFORE)));
    const peer = await other();
    if (peer) contenders.push(peer);
    const rounds = Number(option('rounds') ?? DEFAULT_ROUNDS);
    for (let i = 0; i < rounds; i++) {
      for (const { name, rows, measure } of contenders) {
        process.stderr.write(`round ${i + 1} of ${rounds}: ${name}\n`);
        rows.push(await measure());
      }
    }
    console.log(`Medians of ${rounds} interleaved rounds; 1.6 Mbit/s, 150 ms, a quarter of the processor's speed.\n`);
    console.log(table(contenders));
  } finally {
    for (const { close } of contenders) await close();
  }
}

await run();
