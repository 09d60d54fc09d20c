import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { jsonFault, MAX_NESTING } from '../../../core/http/json.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

test('a name that one object has twice is found, however it is written', () => {
  const cases: [string, string | null][] = [
    ['{"a":1,"a":2}', 'a'],
    ['{"a":1,"b":{"a":1}}', null],
    ['[{"a":1},{"a":1}]', null],
    ['{"a":[{"b":1,"c":2,"b":3}]}', 'b'],
    ['{"a":{"x":1},"a":1}', 'a'],
    [String.raw`{"\u0061":1,"a":2}`, 'a'],
    [String.raw`{"a\"":1,"a\\":2,"a\\\"":3}`, null],
    [String.raw`{"a\\\"":1,"b":":","a\\\"":3}`, 'a\\"'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
    ['{"a":"a","b":"a:","c":["a","a"]}', null],
    ['{ "a" : 1 , "a" : 2 }', 'a'],
    ['"a"', null],
    ['1', null],
    ['{"":1,"":2}', ''],
  ];
  for (const [text, name] of cases) {
    assert.is(jsonFault(text), name === null ? null : `has ${JSON.stringify(name)} twice in one object`, text);
  }
});

test('nesting has a bound', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  assert.is(jsonFault(nested(MAX_NESTING)), null);
  assert.is(jsonFault(nested(MAX_NESTING + 1)), 'is nested deeper than 100 levels');
  assert.is(jsonFault(nested(500_000)), 'is nested deeper than 100 levels');
});

test('a megabyte of anything costs no more than its length', () => {
  const texts = [
    '[[[[[1]]]]],'.repeat(80_000).replace(/^/, '[') + '1]',
    JSON.stringify('\\'.repeat(500_000)),
    JSON.stringify('"'.repeat(500_000)),
    JSON.stringify(Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`key${i}`, i]))),
    JSON.stringify('x'.repeat(20_000_000)),
  ];
  for (const text of texts) {
    const began = cpuMs();
    assert.is(jsonFault(text), null);
    const ms = cpuMs() - began;
    assert.ok(ms < 500, `${text.slice(0, 20)}: ${ms.toFixed(0)} ms`);
  }
});

test.run();
