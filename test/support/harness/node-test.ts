import { test } from 'uvu';

/** A test that cannot hold on Deno: counted as skipped there. CONTRIBUTING.md has the list, with the reasons. */
export const nodeTest: typeof test | typeof test.skip = 'Deno' in globalThis ? test.skip : test;
