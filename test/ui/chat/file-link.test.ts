/** Which texts of an agent are links to its files. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { placeIn } from '../../../ui/chat/file-link.ts';

const place = (text: string) => placeIn('/home/me/shop', text);

test('paths and lines below the folder', () => {
  assert.equal(place('src/cart.ts'), { file: 'src/cart.ts' });
  assert.equal(place('src/cart.ts:12'), { file: 'src/cart.ts', line: 12 });
  assert.equal(place('src/cart.ts:12:7'), { file: 'src/cart.ts', line: 12 });
  assert.equal(place('src/cart.ts:12-20'), { file: 'src/cart.ts', line: 12 });
  assert.equal(place('./README.md'), { file: 'README.md' });
  assert.equal(place('/home/me/shop/src/ä (1).txt'), { file: 'src/ä (1).txt' });
  assert.equal(place('src/'), { file: 'src/' });
});

test('what is none, and what leads outside', () => {
  for (
    const text of [
      'console.log',
      'npm test',
      'and/or',
      '/etc/passwd.txt',
      '../secret.txt',
      'src/../../x.ts',
      'https://example.org/a.ts',
      '.git/config.txt',
      'a'.repeat(400) + '.ts',
      'src/cart.ts:',
      '$HOME/a.ts',
      '',
    ]
  ) assert.is(place(text), null, text);
});

test.run();
