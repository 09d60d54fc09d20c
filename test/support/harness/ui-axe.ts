/** What axe-core finds on a page as it is, of any impact. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import type { Page } from 'playwright-core';
import type { PHONE } from './browser.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Its rule about labels that say something else than the button: experimental for axe, and not for a language made by a machine. */
const LABELS = 'label-content-name-mismatch';
const ALL = { resultTypes: ['violations'], rules: { [LABELS]: { enabled: false } } };
const LABELS_ONLY = { resultTypes: ['violations'], runOnly: { type: 'rule', values: [LABELS] } };

/** Before the page is loaded. */
export const withAxe = (page: Page): Promise<unknown> => page.addInitScript({ content: AXE });

interface Finding {
  id: string;
  impact: string;
  nodes: { target: string[]; failureSummary: string }[];
}

interface WithAxe {
  axe: { run(root: Document, options: typeof ALL | typeof LABELS_ONLY): Promise<{ violations: Finding[] }> };
}

const IS_WHOLE = process.env.AXE === 'all';
/** Each theme where it is looked at most; with AXE=all both on both. */
const themes = ({ width }: typeof PHONE) =>
  IS_WHOLE ? ['light', 'dark'] as const : width < 600 ? ['light'] as const : ['dark'] as const;

export async function axeFindings(page: Page, name: string): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of themes(page.viewportSize()!)) {
    await page.emulateMedia({ colorScheme });
    await page.waitForFunction((theme) => document.documentElement.dataset.theme === theme, colorScheme);
    found.push(...await run(page, `${name} ${colorScheme}`, ALL));
  }
  return found;
}

/** Controls whose accessible name does not hold the words that are seen on them. */
export const labelFindings = (page: Page, name: string): Promise<string[]> => run(page, name, LABELS_ONLY);

async function run(page: Page, name: string, options: typeof ALL | typeof LABELS_ONLY): Promise<string[]> {
  const violations = await page.evaluate(
    async (options) => (await (globalThis as unknown as WithAxe).axe.run(document, options)).violations,
    options,
  );
  return violations.map(({ id, impact, nodes }) =>
    `${name}: ${id} (${impact}) ${nodes.map(({ target }) => target.join(' ')).join(', ')}`
  );
}
