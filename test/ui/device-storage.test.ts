/** Blocked storage is no blank page: the module that alone names localStorage never throws for it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ifAllowed, openDeviceStorage } from '../../ui/device-storage.ts';

const refuse = () => {
  throw new Error('The operation is insecure.');
};

const BLOCKED: [string, () => Storage | null | undefined][] = [
  ['it throws', refuse],
  ['it is null', () => null],
  ['there is none', () => undefined],
  ['every use of it throws', () => ({ getItem: refuse }) as unknown as Storage],
];

for (const [name, browser] of BLOCKED) {
  test(`${name}: kept as long as the page lives`, () => {
    const storage = openDeviceStorage(browser);
    assert.is(storage.isMemory, true);
    assert.is(storage.getItem('theme'), null);
    storage.setItem('theme', 'dark');
    assert.equal([storage.getItem('theme'), storage.length, storage.key(0), storage.key(1)], [
      'dark',
      1,
      'theme',
      null,
    ]);
    storage.removeItem('theme');
    assert.is(storage.length, 0);
  });
}

test("where it is allowed it is the browser's own", () => {
  const own = { getItem: () => null } as unknown as Storage;
  assert.is(openDeviceStorage(() => own), own);
  assert.is(openDeviceStorage(() => own).isMemory, undefined);
});

test('what the browser refuses to give is as if there were none', () => {
  assert.is(ifAllowed(refuse), undefined);
  assert.is(ifAllowed(() => null), undefined);
  assert.is(ifAllowed(() => 0), 0);
});

test.run();
