/** The other end of "Add a device": this page was opened by a pairing link and signs in with the code in its address. */
import type { Api } from './api.ts';
import { go } from '../route.ts';

const LINK = /^#\/pair\/([\w-]{1,100})$/;

/**
 * Claims the code in the address, if there is one, and takes it out of the address and the history first: it is worth nothing
 * twice. Returns whether it signed in. Rejects with a sentence when the code is no longer valid.
 */
export async function claimPairing(api: Api): Promise<boolean> {
  const code = LINK.exec(location.hash)?.[1];
  if (!code) return false;
  go('/', true); // not replaceState alone: nothing would tell the page to follow
  await api.post('/api/auth/pair/claim', { code });
  return true;
}
