/** What is not sent yet belongs to its agent, whichever page is shown. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pageState } from '../../../ui/chat/draft.ts';

const NONE: readonly string[] = [];

test('who comes while another still reads a picture sees it when it has been read', () => {
  const before = pageState('images.a', NONE);
  const after = pageState('images.a', NONE);
  before.value = ['picture'];
  assert.equal(after.value, ['picture']);
  assert.is(pageState('images.b', NONE).value, NONE);
});

test('what is not as it began is never forgotten, however many agents there are', () => {
  pageState('images.mine', NONE).value = ['picture'];
  for (let i = 0; i < 2_000; i++) pageState(`images.${i}`, NONE);
  assert.equal(pageState('images.mine', NONE).value, ['picture']);
});

test.run();
