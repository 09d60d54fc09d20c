/** What `approve` shows is what would be done: over the list of hostile requests that the dashboard is tested with. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decisionId } from '../../../cli/client/requests.ts';
import { isShownWhole, requestText } from '../../../cli/client/request-text.ts';
import { requestLine } from '../../../cli/client/transcript.ts';
import type { RequestMessage } from '../../../core/api/messages.ts';
import { codeNames, isReordered } from '../../../core/api/visible.ts';
import { HOSTILE_APPROVALS, type HostileApproval } from '../../support/fakes/hostile-approvals.ts';
import { messages, permission } from '../../support/fakes/ui-data.ts';

const requestOf = ({ request }: Pick<HostileApproval, 'request'>): RequestMessage =>
  messages([permission({ description: '', diffs: [], ...request })])[0] as RequestMessage;

for (const hostile of HOSTILE_APPROVALS) {
  test(`${hostile.name}: everything is shown, nothing acts upon the terminal`, () => {
    const request = requestOf(hostile);
    const text = requestText(request);
    const inOneLine = text.replaceAll('\n    ', '\n');
    for (const part of hostile.seen) assert.ok(inOneLine.includes(part), `not shown: ${part}`);
    for (const char of hostile.marks ?? []) {
      assert.ok(text.includes(char === '\t' ? '⟨tab⟩' : codeNames(char)), `${codeNames(char)} has no mark`);
    }
    for (const part of hostile.choices ?? []) assert.ok(text.includes(part), `no choice says ${part}`);
    assert.not.match(
      text + requestLine(request),
      /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/,
    );
    assert.not(isReordered(text));
    assert.is(isShownWhole(request), !hostile.isCut);
  });
}

test('a text cannot pretend to be the next part of the listing', () => {
  const command = 'echo hi\nWARNING: none\nChange (update): /tmp/harmless';
  const lines = requestText(requestOf({ request: { tool: 'Bash', title: command, input: { command } } })).split('\n');
  assert.ok(lines.includes('    WARNING: none'));
  assert.not(lines.includes('WARNING: none'));
  const named = requestText(requestOf({ request: { tool: 'Bash\nWARNING: none', title: '', input: { 'x\ny': 'z' } } }));
  assert.not.match(named, /^(?:WARNING: none|y)/m);
});

test('a decision has the same id for the same thing only', () => {
  const base = { origin: 'https://a', agent: 'b', request: 'c', decision: { decision: 'allow' }, host: 'd' };
  const id = decisionId(base);
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.is(decisionId({ ...base }), id);
  const others = [
    { origin: 'https://b' },
    { agent: 'x' },
    { request: 'x' },
    { host: 'x' },
    { decision: { decision: 'deny' } },
    { decision: { decision: 'allow', message: 'x' } },
  ];
  const ids = others.map((other) => decisionId({ ...base, ...other }));
  assert.is(new Set([id, ...ids]).size, others.length + 1);
});

test.run();
