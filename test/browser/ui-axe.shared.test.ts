/**
 * What axe-core finds on every page and in every state, on a phone and on a desk, in both themes: nothing, of any impact. The
 * rule about labels that say something else than the button is among them, although axe counts it as experimental.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { openUiWorld, PARTS, type UiWorld } from '../support/harness/ui-world.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OPTIONS = { resultTypes: ['violations'], rules: { 'label-content-name-mismatch': { enabled: true } } };

let world: UiWorld;
test.before(async () => {
  world = await openUiWorld();
});
test.after(async () => {
  await world?.close();
});

interface Finding {
  id: string;
  impact: string;
  nodes: { target: string[]; failureSummary: string }[];
}

const IS_WHOLE = process.env.AXE === 'all';
/** Each theme where it is looked at most; with AXE=all both on both. */
const themes = ({ width }: typeof PHONE) =>
  IS_WHOLE ? ['light', 'dark'] as const : width < 600 ? ['light'] as const : ['dark'] as const;

/** What axe finds on the page as it is. */
async function findings(page: Page, name: string): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of themes(page.viewportSize()!)) {
    await page.emulateMedia({ colorScheme });
    await page.waitForFunction((theme) => document.documentElement.dataset.theme === theme, colorScheme);
    const violations = await page.evaluate(
      async (options) => (await (globalThis as any).axe.run(document, options)).violations,
      OPTIONS,
    ) as Finding[];
    for (const { id, impact, nodes } of violations) {
      found.push(`${name} ${colorScheme}: ${id} (${impact}) ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
    }
  }
  return found;
}

const prepare = (page: Page) => page.addInitScript({ content: AXE });

for (const [name, viewport] of [['a phone', PHONE], ['a desk', DESKTOP]] as const) {
  for (const part of PARTS) {
    test(`${part} on ${name}`, async () => {
      assert.equal(await world.walk(part, findings, { viewport, prepare }), []);
    });
  }
}

test.run();
