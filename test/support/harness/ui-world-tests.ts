/** A test for each part of the dashboard that looks at all of its pages and states and finds nothing. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from 'playwright-core';
import { axeFindings, withAxe } from './ui-axe.ts';
import { lastingCuts } from './ui-cuts.ts';
import { inLong } from './ui-texts.ts';
import { type Look, openUiWorld, PARTS, type UiWorld, type WalkOptions } from './ui-world.ts';

/** What is cut, and what axe finds: in one walk, as the way to a state takes longer than both looks. */
export const layoutAndAxe: Look = async (page, name) => [
  ...await lastingCuts(page, name),
  ...await axeFindings(page, name),
];

/** Before the page is loaded: for layoutAndAxe in the long language. */
export const preparedFor = (direction: 'ltr' | 'rtl') => async (page: Page): Promise<void> => {
  await withAxe(page);
  await inLong(page, direction);
};

/** @returns the world, in the tests and after them */
export function testEveryPage(name: string, look: Look, options: WalkOptions): () => UiWorld {
  let world: UiWorld;
  test.before(async () => {
    world = await openUiWorld();
  });
  test.after(async () => {
    await world?.close();
  });
  for (const part of PARTS) {
    test(`${name}: ${part}`, async () => {
      assert.equal(await world.walk(part, look, options), []);
    });
  }
  return () => world;
}
