/** Where an `@` names a file. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mentionIn, withMention } from '../../../ui/chat/mentions.ts';

test('at the end of the text, and not within a word', () => {
  assert.is(mentionIn('look at @src/ca'), 'src/ca');
  assert.is(mentionIn('@'), '');
  assert.is(mentionIn('(@a'), 'a');
  assert.is(mentionIn('me@example.org'), null);
  assert.is(mentionIn('@a b'), null);
  assert.is(withMention('see @x and @crt', 'src/$&cart.ts'), 'see @x and @src/$&cart.ts ');
  assert.is(withMention('see @no', 'my notes.md'), 'see @"my notes.md" ');
});

test.run();
