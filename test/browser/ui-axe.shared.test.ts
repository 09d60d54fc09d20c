/** What axe-core finds on every page and in every state on a phone: nothing. */
import { test } from 'uvu';
import { PHONE } from '../support/harness/browser.ts';
import { axeFindings, withAxe } from '../support/harness/ui-axe.ts';
import { testEveryPage } from '../support/harness/ui-world-tests.ts';

testEveryPage('axe finds nothing', axeFindings, { viewport: PHONE, prepare: withAxe });

test.run();
