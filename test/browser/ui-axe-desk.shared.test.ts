/** What axe-core finds on every page and in every state on a desk: nothing. */
import { test } from 'uvu';
import { DESKTOP } from '../support/harness/browser.ts';
import { axeFindings, withAxe } from '../support/harness/ui-axe.ts';
import { testEveryPage } from '../support/harness/ui-world-tests.ts';

testEveryPage('axe finds nothing', axeFindings, { viewport: DESKTOP, prepare: withAxe });

test.run();
