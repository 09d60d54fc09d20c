/** Headers as a list and by name: the same reply either way. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HeaderDefaults } from '../../../core/http/default-headers.ts';
import { headerList, headerMap } from '../../../core/http/header-list.ts';

test('a list and an object of the same headers become each other', () => {
  const map = { etag: '"e"', 'set-cookie': ['a', 'b'], 'content-length': 7 };
  const list = ['etag', '"e"', 'set-cookie', 'a', 'set-cookie', 'b', 'content-length', '7'];
  assert.equal(headerList(map), list);
  assert.equal(headerMap(list), { ...map, 'content-length': '7' });
  assert.equal(headerMap(['set-cookie', 'a', 'x', '1', 'set-cookie', 'b', 'set-cookie', 'c']), {
    'set-cookie': ['a', 'b', 'c'],
    x: '1',
  });
});

test('defaults give way to headers of the same name in either form, in any case, and to no others', () => {
  const defaults = new HeaderDefaults({ First: '1', second: '2', third: '3' });
  const own = { SECOND: ['x', 'y'], other: 'z' };
  const merged = ['first', '1', 'third', '3', 'SECOND', 'x', 'SECOND', 'y', 'other', 'z'];
  assert.equal(defaults.merge(own), merged);
  assert.equal(defaults.merge(headerList(own)), merged);
  assert.equal(defaults.merge(undefined), ['first', '1', 'second', '2', 'third', '3']);
  assert.equal(defaults.merge([]), defaults.merge({}));
});

test('a default that is added later is one like the others, and no reply changes the defaults', () => {
  const defaults = new HeaderDefaults({ first: '1' });
  defaults.merge(undefined).push('spoilt', '1');
  defaults.merge(['first', '0']).push('spoilt', '1');
  defaults.add('connection', 'close');
  assert.equal(defaults.merge(['First', '2']), ['connection', 'close', 'First', '2']);
  assert.equal(defaults.merge(['Connection', 'keep-alive']), ['first', '1', 'Connection', 'keep-alive']);
});

test.run();
