/**
 * What of a machine's answer a browser gets. All machines answer on the dashboard's origin, and one of them may be stolen: its
 * answers are data and nothing else, never a document that runs, a cookie, a redirection to another machine, or a rule that a
 * browser or a proxy would apply to more than this answer.
 */
import { API_CSP, UNTRUSTED_CSP } from '../core/http/default-headers.ts';
import type { HeaderList } from '../core/http/types.ts';

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
export function machineAnswer(fields: HeaderList): string[] {
  const answer: string[] = [];
  const policies: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase();
    if (OWN.has(name)) answer.push(fields[i]!, fields[i + 1]!);
    else if (name === 'content-security-policy') policies.push(fields[i + 1]!);
  }
  const isFile = policies.length === 1 && policies[0] === UNTRUSTED_CSP;
  answer.push('content-security-policy', isFile ? UNTRUSTED_CSP : ANSWER_CSP);
  return answer;
}
