/** A page that comes late shows what one shows that has seen everything: 5,000 generated outputs, cut somewhere. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checked, checkRepaints, skipped } from '../../support/harness/repaint-check.ts';

const PARTS = 5;
const SEEDS = 1000;

for (let part = 1; part <= PARTS; part++) {
  test(`generated outputs, part ${part}: a repaint and the rest leave the state that all of it leaves`, async () => {
    checked.count = skipped.count = 0;
    for (let seed = part * 10_000; seed < part * 10_000 + SEEDS; seed++) {
      const difference = await checkRepaints(seed, 1);
      if (difference) assert.unreachable(JSON.stringify(difference, null, 1));
    }
    assert.is(checked.count + skipped.count, SEEDS);
    assert.ok(skipped.count < SEEDS / 50, `${skipped.count} of ${SEEDS} states were out of reach`);
  });
}

test.run();
