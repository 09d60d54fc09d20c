/** What is cut for its length is never cut within a character. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { toolTitle } from '../../../agent/provider/claude/tools.ts';
import { LINE_LENGTH, parseDiff } from '../../../agent/workspace/diff.ts';

const HALF = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
/** Of either parity, so that one of them has a character across the bound. */
const TEXTS = ['', 'x'].map((before) => before + '😀'.repeat(LINE_LENGTH));

test('titles of tools', () => {
  for (const command of TEXTS) {
    const title = toolTitle({ command });
    assert.ok(title.length > 0 && title.length < command.length);
    assert.not.match(title, HALF);
  }
});

test('lines of a diff', () => {
  for (const text of TEXTS) {
    const { hunks, truncated } = parseDiff(`--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+${text}\n`, 'x', 'update');
    const [line] = hunks[0]!.lines;
    assert.is(truncated, true);
    assert.match(line!, /…$/);
    assert.not.match(line!, HALF);
  }
});

test.run();
