/** Pictures through the real Codex (`npm run test:clis`): a file that it looks at. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CodexHarness, codexHarness } from '../support/harness/codex-harness.ts';
import { ROOT } from '../support/harness/product.ts';

const directory = mkdtempSync(join(tmpdir(), 'codex-pictures-'));
const path = join(directory, 'drawing.png');

let harness: CodexHarness;
test.before(async () => {
  copyFileSync(join(ROOT, 'ui/public/icon-192.png'), path);
  const view = { tool: { name: 'view_image', arguments: { path } } };
  harness = await codexHarness({
    rules: [{ match: '^look', steps: [view, { text: 'seen' }] }],
    default: { text: 'Stub answer.' },
  });
});
test.after(async () => {
  await harness?.close();
  rmSync(directory, { recursive: true, force: true });
});

test('a picture that it looks at is named by its file', async () => {
  const { session, seen } = harness.open({ mode: 'bypassPermissions' });
  session.send({ id: 'm1', text: 'look at it', images: [] });
  const { status, pictures } = await seen.type('tool.end');
  assert.is(status, 'done');
  assert.equal(pictures, [{ path }]);
  assert.is((await seen.type('turn.end')).outcome, 'done');
  await session.stop();
});

test.run();
