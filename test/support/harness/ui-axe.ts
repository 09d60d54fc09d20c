/**
 * What axe-core finds on a page as it is, of any impact. The rule about labels that say something else than the button is among
 * them, although axe counts it as experimental.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import type { Page } from 'playwright-core';
import type { PHONE } from './browser.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OPTIONS = { resultTypes: ['violations'], rules: { 'label-content-name-mismatch': { enabled: true } } };

/** Before the page is loaded. */
export const withAxe = (page: Page): Promise<unknown> => page.addInitScript({ content: AXE });

interface Finding {
  id: string;
  impact: string;
  nodes: { target: string[]; failureSummary: string }[];
}

interface WithAxe {
  axe: { run(root: Document, options: typeof OPTIONS): Promise<{ violations: Finding[] }> };
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
    const violations = await page.evaluate(
      async (options) => (await (globalThis as unknown as WithAxe).axe.run(document, options)).violations,
      OPTIONS,
    );
    for (const { id, impact, nodes } of violations) {
      found.push(`${name} ${colorScheme}: ${id} (${impact}) ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
    }
  }
  return found;
}
