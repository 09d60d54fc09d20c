/** Pictures of the pages, to be looked at: where TEST_SCREENSHOTS names a folder. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Page } from 'playwright-core';

const DIRECTORY = process.env.TEST_SCREENSHOTS;
/** Until the colours have changed, ms. */
const REST_MS = 250;

/** Takes one in light and one in dark colours; nothing where nobody looks. */
export async function takePictures(page: Page, name: string): Promise<void> {
  if (!DIRECTORY) return;
  mkdirSync(DIRECTORY, { recursive: true });
  await page.bringToFront(); // behind another tab its colours do not change
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(REST_MS);
    await page.screenshot({ path: join(DIRECTORY, `${name}-${page.viewportSize()!.width}-${colorScheme}.png`) });
  }
}
