/** Whether the page is signed in: what a device's key changes about the end of a login. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AuthCheck } from '../../../core/api/auth.ts';
import type { Api } from '../../../ui/net/api.ts';
import { createAuth } from '../../../ui/net/auth.ts';
import { RENEW_BEFORE_MS } from '../../../ui/worker/device-key.ts';

const NOW = 1_700_000_000_000;

/** @param check what the server says; @param hasKey whether the browser's key counts there */
function page(check: Partial<AuthCheck> | Error, hasKey: boolean) {
  const done: string[] = [];
  const api = {
    get: () => check instanceof Error ? Promise.reject(check) : Promise.resolve(check),
    post: (path: string) => Promise.resolve(void done.push(path)),
  } as unknown as Api;
  const deviceKey = {
    renew: () => Promise.resolve((done.push('renew'), hasKey)),
    attach: () => Promise.resolve(void done.push('attach')),
    forget: () => Promise.resolve(void done.push('forget')),
  };
  Object.assign(globalThis, { location: { hash: '' } });
  const auth = createAuth({
    api,
    deviceKey,
    now: () => NOW,
    onSignedIn: () => done.push('in'),
    onSignedOut: () => done.push('out'),
    onError: (error) => {
      throw error;
    },
  });
  return { auth, done };
}
const OVER = { authenticated: false, loginRequired: true };
const GOOD = { authenticated: true, loginRequired: true, expiresAt: NOW + RENEW_BEFORE_MS };
const SOON = { ...GOOD, expiresAt: NOW + RENEW_BEFORE_MS - 1 };

test('a page begins with the key where the login is over, and renews one that is over soon', async () => {
  const cases: [Partial<AuthCheck>, boolean, string[]][] = [
    [OVER, true, ['renew', 'in']],
    [OVER, false, ['renew', 'out']],
    [GOOD, true, ['in']],
    [SOON, true, ['in', 'renew']],
  ];
  for (const [check, hasKey, expected] of cases) {
    const { auth, done } = page(check, hasKey);
    await auth.begin();
    assert.equal(done, expected);
  }
});

test('an ended feed: another window has renewed the login, this one does, or it is over', async () => {
  const cases: [Partial<AuthCheck> | Error, boolean, string[]][] = [
    [GOOD, true, ['in']],
    [OVER, true, ['renew', 'in']],
    [OVER, false, ['renew', 'out']],
    [new Error('offline'), false, ['renew', 'out']],
  ];
  for (const [check, hasKey, expected] of cases) {
    const { auth, done } = page(check, hasKey);
    await auth.sessionEnded();
    assert.equal(done, expected);
  }
});

test('a login registers the key, a sign-out forgets it', async () => {
  const { auth, done } = page(GOOD, true);
  await auth.loggedIn();
  await auth.signOut();
  assert.equal(done, ['attach', 'in', '/api/auth/logout', 'forget', 'out']);
});

test.run();
