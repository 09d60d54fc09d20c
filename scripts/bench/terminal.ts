/**
 * `tsx scripts/bench/terminal.ts [MB]`: `cat` of a large file in a browser's terminal, through the relay and on the local page in
 * one run, with what agent, relay, the terminal's process and the tab hold at most meanwhile.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../../test/support/harness/browser.ts';
import { type Product, startProduct } from '../../test/support/harness/product.ts';
import { newTerminal, openTerminalPage } from '../../test/support/harness/terminal-browser.ts';

const MB = Number(process.argv[2] ?? 50);
const SAMPLE_MS = 200;

/** Resident memory in MiB. */
function resident(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) / 1024;
  } catch {
    return 0;
  }
}

const hostOf = (agent: number): number =>
  Number(
    readdirSync('/proc').findLast((name) => {
      try {
        return /^\d+$/.test(name) && readFileSync(`/proc/${name}/status`, 'latin1').includes(`PPid:\t${agent}\n`) &&
          readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('terminal/host.ts');
      } catch {
        return false;
      }
    }) ?? 0,
  );

async function run(product: Product, browser: Browser, name: string, origin: string, login: boolean): Promise<void> {
  const { id } = await newTerminal(product);
  const shown = await openTerminalPage(browser, product, id, { origin, login });
  await shown.type(`exec env PS1='$ ' /bin/sh\n`);
  await shown.type('clear\n');
  await shown.sees(/^\$ *\n*$/);
  const devtools = await shown.page.context().newCDPSession(shown.page);
  await devtools.send('Performance.enable');
  const heap = async () =>
    (await devtools.send('Performance.getMetrics')).metrics.find((entry) => entry.name === 'JSHeapUsedSize')!.value /
    2 ** 20;
  const pids = { agent: product.agent!.child.pid!, relay: product.relay!.child.pid!, host: 0 };
  pids.host = hostOf(pids.agent);
  const before = {
    agent: resident(pids.agent),
    relay: resident(pids.relay),
    host: resident(pids.host),
    tab: await heap(),
  };
  const peak = { ...before };
  const sampling = setInterval(() => {
    for (const part of ['agent', 'relay', 'host'] as const) peak[part] = Math.max(peak[part], resident(pids[part]));
    void heap().then((mb) => peak.tab = Math.max(peak.tab, mb), () => {});
  }, SAMPLE_MS);
  const started = performance.now();
  await shown.type('cat big; echo DO""NE\n');
  await shown.sees(/^DONE/m, 300_000);
  const seconds = (performance.now() - started) / 1000;
  clearInterval(sampling);
  const memory = (Object.keys(peak) as (keyof typeof peak)[])
    .map((part) => `${part} ${before[part].toFixed(0)} → ${peak[part].toFixed(0)} MiB`).join(', ');
  console.log(`${name}: ${(MB / seconds).toFixed(1)} MB/s (${seconds.toFixed(1)} s); ${memory}`);
  await product.fetch(`/api/terminals/${id}`, { method: 'DELETE' });
  await shown.close();
}

const product = await startProduct();
const browser = await launchBrowser();
try {
  const line = 'the quick brown fox jumps over the lazy dog, and on it goes for about a hundred characters a line...\n';
  writeFileSync(join(product.directory, 'big'), line.repeat(Math.floor(MB * 1e6 / line.length)));
  for (let round = 1; round <= 2; round++) {
    await run(product, browser, `round ${round}, relay`, product.relayUrl, true);
    await run(product, browser, `round ${round}, local`, product.localUrl, false);
  }
} finally {
  await browser.close();
  await product.close();
}
