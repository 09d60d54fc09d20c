import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INPUT_WINDOW } from '../../../core/api/terminals.ts';
import { InputLedger, MAX_CLIENTS } from '../../../agent/process/holder/input-ledger.ts';

const ledgerWith = (...connected: string[]) => new InputLedger((client) => connected.includes(client));
/** Drops the counts of all others that are not connected. */
const crowd = (ledger: InputLedger) => {
  for (let i = 0; i < MAX_CLIENTS; i++) ledger.receive(`crowd-${i}`, 1);
};

test('what the PTY takes is counted to whom it came from, in order', () => {
  const ledger = ledgerWith();
  ledger.receive('a', 10);
  ledger.receive('b', 5);
  ledger.receive('a', 1);
  assert.equal([...ledger.taken(4)], [['a', 4]]);
  assert.equal([...ledger.taken(8)], [['a', 10], ['b', 2]]);
  assert.equal([...ledger.taken(4)], [['b', 5], ['a', 11]]);
  assert.is(ledger.received('a'), 11);
});

test('the window is the bound, to the byte', () => {
  const ledger = ledgerWith();
  assert.ok(ledger.receive('a', INPUT_WINDOW));
  assert.not.ok(ledger.receive('a', 1));
  assert.ok(ledger.receive('b', 1));
  ledger.taken(1);
  assert.ok(ledger.receive('a', 1));
});

test('clients that only watch are not counted: any number of them drops nobody', () => {
  const ledger = ledgerWith();
  ledger.receive('old', 3);
  for (let i = 0; i < 10 * MAX_CLIENTS; i++) assert.is(ledger.received(`page-${i}`), 0);
  assert.is(ledger.received('old'), 3);
});

test('only so many clients are counted, the latest ones, and a count that was dropped is not said to be 0', () => {
  const ledger = ledgerWith();
  ledger.receive('old', 3);
  ledger.receive('retained', 4);
  for (let i = 0; i < MAX_CLIENTS - 2; i++) ledger.receive(`c${i}`, 1);
  assert.is(ledger.received('retained'), 4);
  assert.is(ledger.received('new'), 0, 'nobody was dropped yet');
  ledger.receive('another', 1);
  assert.is(ledger.received('old'), null);
  assert.is(ledger.received('new'), null, 'it may be one that was dropped');
  assert.is(ledger.received('retained'), 4);
  ledger.taken(1000);
});

test('the count of a connected client is never dropped, however long it is silent', () => {
  const ledger = ledgerWith('watcher');
  ledger.receive('watcher', 7);
  for (let i = 0; i < 3; i++) crowd(ledger);
  assert.is(ledger.received('watcher'), 7);
});

test('input from before a count was dropped does not count when its client comes back', () => {
  const ledger = ledgerWith();
  ledger.receive('a', INPUT_WINDOW);
  crowd(ledger);
  assert.is(ledger.received('a'), null);
  assert.ok(ledger.receive('a', 5), 'from 0 again');
  assert.not.ok(ledger.taken(INPUT_WINDOW).has('a'));
  assert.is(ledger.received('a'), 5);
  assert.equal(ledger.taken(MAX_CLIENTS + 5).get('a'), 5);
});

test.run();
