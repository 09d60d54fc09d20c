import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BusyError,
  generatePassword,
  hashPassword,
  MAX_RUNNING,
  MAX_WAITING,
  verifyPassword,
} from '../../../core/auth/password.ts';

test('the right password is right and every other wrong', async () => {
  const hash = await hashPassword('pässword 😀');
  assert.ok(await verifyPassword('pässword 😀', hash));
  for (const wrong of ['', 'passwort', 'pässword 😀 ', 'x'.repeat(1_000_000)]) {
    assert.not.ok(await verifyPassword(wrong, hash));
  }
});

test('the same password has another hash each time', async () => {
  assert.is.not((await hashPassword('a')).hash, (await hashPassword('a')).hash);
});

test('derivations beyond the bound are refused at once, the others are done', async () => {
  const hash = await hashPassword('a');
  const total = MAX_RUNNING + MAX_WAITING + 3;
  const results = await Promise.allSettled(Array.from({ length: total }, () => verifyPassword('a', hash)));
  const refused = results.filter((r) => r.status === 'rejected');
  assert.is(refused.length, 3);
  assert.ok(refused.every((r) => r.reason instanceof BusyError));
});

test('generated passwords can be typed and are never the same', () => {
  const some = new Set(Array.from({ length: 100 }, generatePassword));
  assert.is(some.size, 100);
  for (const entry of some) assert.match(entry, /^([a-hjkmnp-z2-9]{5}-){3}[a-hjkmnp-z2-9]{5}$/);
});

test.run();
