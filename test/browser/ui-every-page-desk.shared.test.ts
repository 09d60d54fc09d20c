/** Every page and state on a desk, in a long language whose lines begin at the right: nothing is cut, and axe-core finds nothing. */
import { test } from 'uvu';
import { DESKTOP } from '../support/harness/browser.ts';
import { LONG } from '../support/harness/ui-texts.ts';
import { layoutAndAxe, preparedFor, testEveryPage } from '../support/harness/ui-world-tests.ts';

testEveryPage('nothing is cut, axe finds nothing', layoutAndAxe, {
  viewport: DESKTOP,
  texts: LONG,
  prepare: preparedFor('rtl'),
});

test.run();
