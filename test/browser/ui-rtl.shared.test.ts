/** Every page and state on a desk, in a long language whose lines begin at the right: nothing is cut. */
import { test } from 'uvu';
import { DESKTOP } from '../support/harness/browser.ts';
import { lastingCuts } from '../support/harness/ui-cuts.ts';
import { inLong, LONG } from '../support/harness/ui-texts.ts';
import { testEveryPage } from '../support/harness/ui-world-tests.ts';

testEveryPage('nothing is cut', lastingCuts, {
  viewport: DESKTOP,
  texts: LONG,
  prepare: (page) => inLong(page, 'rtl'),
});

test.run();
