/** docs/benchmarks.md: what is written is found again. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sectionsOf, textOf } from '../../scripts/bench/sections.ts';

test('sections are found again as they were written, tables and code too', () => {
  const sections = [
    { title: 'One', text: '`npm run x`.\n\n| a | b |\n| --- | ---: |\n| 1 | 2 |' },
    { title: 'Two', text: 'Words.\n\n```text\n# no heading\n### nor this\n```' },
  ];
  assert.equal(sectionsOf(textOf(sections)), sections);
  assert.is(textOf(sectionsOf(textOf(sections))), textOf(sections));
  assert.equal(sectionsOf(textOf([])), []);
});

test.run();
