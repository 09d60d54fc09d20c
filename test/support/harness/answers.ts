/** Pressing the buttons that answer an agent: they take no press before they have stood at their place for a while. */
import type { Locator } from 'playwright-core';

/** More than two looks of the page at where its buttons are, ms. */
const SETTLE_MS = 250;

/** Presses an answer as a reader would: it is scrolled to, stands still, and then takes the press. */
export async function pressAnswer(button: Locator): Promise<void> {
  await button.scrollIntoViewIfNeeded();
  await button.page().waitForTimeout(SETTLE_MS);
  await button.click();
}

/** Waits until this answer takes presses. @returns the middle of it */
export async function readyAnswer(button: Locator): Promise<{ x: number; y: number }> {
  const element = (await button.elementHandle())!;
  await button.page().waitForFunction((answer) => answer.getAttribute('aria-disabled') === 'false', element);
  const { x, y, width, height } = (await button.boundingBox())!;
  return { x: x + width / 2, y: y + height / 2 };
}
