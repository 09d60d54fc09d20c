/** The proof of a program of this user: in a file that nobody else reads, new at each start, and nothing through the tunnel. */
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { askForProof, LOCAL_TOKEN_FIELD, LocalToken, readLocalToken } from '../../../agent/access/local-token.ts';
import { Failure } from '../../../core/api/errors.ts';
import type { HttpRequest } from '../../../core/http/types.ts';

const directory = mkdtempSync(join(tmpdir(), 'local-token-'));
test.after(() => rmSync(directory, { recursive: true, force: true }));

const request = (token: string | string[] | undefined, transport = 'local') =>
  ({ transport, headers: { [LOCAL_TOKEN_FIELD]: token } }) as unknown as HttpRequest;
const isRefused = (check: () => void) => {
  try {
    check();
    return false;
  } catch (error) {
    assert.instance(error, Failure);
    assert.is((error as Failure).code, 'local_only');
    return true;
  }
};

test('who has read the file is let in, on the machine itself', async () => {
  const token = await LocalToken.create(directory);
  const text = readLocalToken(directory);
  assert.match(text, /^[0-9a-f]{64}$/);
  assert.is(statSync(join(directory, 'local-token')).mode & 0o777, 0o600);
  assert.not(isRefused(() => token.check(request(text))));
  for (const wrong of [undefined, '', text.slice(1), `${text}0`, text.toUpperCase(), [text]]) {
    assert.ok(isRefused(() => token.check(request(wrong))), String(wrong));
  }
  assert.ok(isRefused(() => token.check(request(text, 'tunnel'))));
});

test('each start has another, and a link in its place is replaced, not followed', async () => {
  const before = readLocalToken(directory);
  const elsewhere = join(directory, 'elsewhere');
  writeFileSync(elsewhere, 'untouched');
  rmSync(join(directory, 'local-token'));
  symlinkSync(elsewhere, join(directory, 'local-token'));
  assert.is(readLocalToken(directory), '');
  const token = await LocalToken.create(directory);
  assert.is(readFileSync(elsewhere, 'utf8'), 'untouched');
  assert.is.not(readLocalToken(directory), before);
  assert.ok(isRefused(() => token.check(request(before))));
  assert.not(isRefused(() => token.check(request(readLocalToken(directory)))));
});

test('the server proves that the port is its own, and only on the machine itself', async () => {
  const token = await LocalToken.create(directory);
  const { nonce, isProof } = askForProof(readLocalToken(directory), 3456);
  const proof = token.prove(request(undefined), nonce, 3456);
  assert.ok(isProof(proof));
  for (const other of [undefined, '', [proof], proof.toUpperCase(), token.prove(request(undefined), nonce, 3457)]) {
    assert.not(isProof(other), 'what listens on another port passes on a proof for that one');
  }
  assert.not(askForProof(readLocalToken(directory), 3456).isProof(proof), 'each question has an answer of its own');
  assert.not(askForProof('', 3456).isProof(proof));
  assert.ok(isRefused(() => token.prove(request(undefined, 'tunnel'), nonce, 3456)));
  for (const bad of [null, '', nonce.slice(1), `${nonce}0`]) {
    assert.throws(() => token.prove(request(undefined), bad, 3456), /nonce/);
  }
});

test('without a file there is no proof', async () => {
  const missing = join(directory, 'missing');
  assert.is(readLocalToken(missing), '');
  const token = await LocalToken.create(missing);
  for (const wrong of ['', undefined]) assert.ok(isRefused(() => token.check(request(wrong))));
});

test.run();
