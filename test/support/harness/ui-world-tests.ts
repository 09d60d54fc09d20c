/** A test for each part of the dashboard that looks at all of its pages and states and finds nothing. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Look, openUiWorld, PARTS, type UiWorld, type WalkOptions } from './ui-world.ts';

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
