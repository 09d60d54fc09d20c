import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { importsOf } from '../../scripts/check-tree.ts';

test('importsOf finds static, type-only, re-exported and dynamic imports, and no comments', () => {
  const source = `
    import a from './a.ts';
    import type { B } from "../b.ts";
    import './side.ts';
    export { c } from './c.ts';
    export * from './d.ts';
    // import './commented.ts';
    /* import './also.ts'; */
    const e = await import('./e.ts');
  `;
  assert.equal(importsOf(source), ['./a.ts', '../b.ts', './side.ts', './c.ts', './d.ts', './e.ts']);
});

test.run();
