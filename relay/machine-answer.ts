/**
 * What of a machine's answer a browser gets. All machines answer on the dashboard's origin, and one of them may be stolen: its
 * answers are data and nothing else, never a document that runs, a cookie, a redirection to another machine, or a rule that a
 * browser or a proxy would apply to more than this answer.
 */
import { API_CSP, UNTRUSTED_CSP } from '../core/http/default-headers.ts';
import type { HeaderMap } from '../core/http/types.ts';

/** Fields about this answer alone. Every other one is left out, also those that are not invented yet. */
const OWN = new Set(
  [
    'content-type content-length content-encoding content-language content-range content-disposition content-digest',
    'repr-digest etag last-modified accept-ranges cache-control vary date age expires retry-after allow server-timing',
    'accept-post accept-patch trailer connection upgrade',
    'sec-websocket-accept sec-websocket-protocol sec-websocket-extensions sec-websocket-version',
  ].join(' ').split(' '),
);

/** Of whatever does not ask for the policy of a file, which a page of ours may show in a frame. */
const ANSWER_CSP = `${API_CSP}; sandbox`;

/** The fields that the browser gets, with a policy under which the answer can do nothing. */
export function machineAnswer(headers: HeaderMap): HeaderMap {
  const answer: Record<string, HeaderMap[string]> = {};
  let policy = ANSWER_CSP;
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase();
    if (OWN.has(lower)) answer[name] = headers[name]!;
    else if (lower === 'content-security-policy' && headers[name] === UNTRUSTED_CSP) policy = UNTRUSTED_CSP;
  }
  answer['content-security-policy'] = policy;
  return answer;
}
