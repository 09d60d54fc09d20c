import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INPUT_WINDOW } from '../../../core/wire/terminal.ts';
import { CLIENTS_KEPT, Inputs } from '../../../agent/terminal/inputs.ts';

test('what the PTY takes is counted to whom it came from, in order', () => {
  const inputs = new Inputs();
  inputs.receive('a', 10);
  inputs.receive('b', 5);
  inputs.receive('a', 1);
  assert.equal([...inputs.taken(4)], [['a', 4]]);
  assert.equal([...inputs.taken(8)], [['a', 10], ['b', 2]]);
  assert.equal([...inputs.taken(4)], [['b', 5], ['a', 11]]);
  assert.is(inputs.received('a'), 11);
});

test('the window is the bound, to the byte', () => {
  const inputs = new Inputs();
  assert.ok(inputs.receive('a', INPUT_WINDOW));
  assert.not.ok(inputs.receive('a', 1));
  assert.ok(inputs.receive('b', 1));
  inputs.taken(1);
  assert.ok(inputs.receive('a', 1));
});

test('only so many clients are remembered, the latest ones', () => {
  const inputs = new Inputs();
  inputs.receive('old', 3);
  inputs.receive('kept', 4);
  for (let i = 0; i < CLIENTS_KEPT - 2; i++) inputs.receive(`c${i}`, 1);
  assert.is(inputs.received('kept'), 4);
  inputs.receive('one more', 1);
  assert.is(inputs.received('old'), 0);
  assert.is(inputs.received('kept'), 4);
  inputs.taken(1000); // of forgotten ones, too
});

test.run();
