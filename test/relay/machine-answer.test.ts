/** A machine's answer is data: what it may say beyond that, however it is written, does not reach a browser. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { API_CSP, UNTRUSTED_CSP } from '../../core/http/default-headers.ts';
import { headerList, headerMap } from '../../core/http/header-list.ts';
import type { HeaderMap } from '../../core/http/types.ts';
import { machineAnswer } from '../../relay/machine-answer.ts';

const answered = (headers: HeaderMap): HeaderMap => headerMap(machineAnswer(headerList(headers)));
const SANDBOX = `${API_CSP}; sandbox`;

test('what is about this answer passes, in the case it was written', () => {
  const own = {
    'Content-Type': 'application/json',
    ETag: '"1"',
    'content-range': 'bytes 0-1/2',
    vary: ['Range', 'Origin'],
  };
  assert.equal(answered(own), { ...own, 'content-security-policy': SANDBOX });
});

for (
  const name of [
    'set-cookie',
    'Set-Cookie',
    'location',
    'strict-transport-security',
    'clear-site-data',
    'refresh',
    'link',
  ]
) {
  test(`${name} is left out`, () => {
    assert.equal(answered({ [name]: 'x' }), { 'content-security-policy': SANDBOX });
  });
}

for (
  const [what, headers, policy] of [
    ['the policy of a file is the one that it may choose', { 'Content-Security-Policy': UNTRUSTED_CSP }, UNTRUSTED_CSP],
    ['any other policy is replaced', { 'content-security-policy': 'default-src *' }, SANDBOX],
    ['a field of another name chooses none', { 'x-policy': UNTRUSTED_CSP }, SANDBOX],
    ['two policies are replaced', { 'content-security-policy': [UNTRUSTED_CSP, 'default-src *'] }, SANDBOX],
  ] as const
) {
  test(what, () => assert.equal(answered(headers), { 'content-security-policy': policy }));
}

test.run();
