/**
 * What of a machine's answer a browser gets. All machines answer on the dashboard's origin, and one of them may be stolen: its
 * answers are data and nothing else, never a document that runs, a cookie, a redirection to another machine, or a rule that a
 * browser or a proxy would apply to more than this answer.
 */
import { API_CSP, UNTRUSTED_CSP } from '../core/http/default-headers.ts';
import type { HeaderMap } from '../core/http/types.ts';

/** Fields about this answer alone. Every other one is left out, also those that are not invented yet. */
const OWN = new RegExp(`^(?:${
  [
    'content-(?:type|length|encoding|language|range|disposition|digest)|repr-digest|etag|last-modified|accept-ranges',
    'cache-control|vary|date|age|expires|retry-after|allow|server-timing|accept-(?:post|patch)',
    'trailer|connection|upgrade|sec-websocket-(?:accept|protocol|extensions|version)',
  ].join('|')
})$`);

/** Of whatever does not ask for the policy of a file, which a page of ours may show in a frame. */
const ANSWER_CSP = `${API_CSP}; sandbox`;

/** The fields that the browser gets, with a policy under which the answer can do nothing. */
export function machineAnswer(headers: HeaderMap): HeaderMap {
  const answer: Record<string, HeaderMap[string]> = {};
  for (const [name, value] of Object.entries(headers)) if (OWN.test(name.toLowerCase())) answer[name] = value;
  const isFile = Object.entries(headers).some(([name, value]) =>
    name.toLowerCase() === 'content-security-policy' && value === UNTRUSTED_CSP
  );
  answer['content-security-policy'] = isFile ? UNTRUSTED_CSP : ANSWER_CSP;
  return answer;
}
