/** How a request that is over is told. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DecisionRecord, RequestMessage, RequestStatus } from '../../../core/api/messages.ts';
import { outcomeOf } from '../../../ui/chat/answers.ts';

const textOf = (status: RequestStatus, decision: string | null) => {
  const record = decision === null ? null : { decision, by: 'a phone', at: 1 } as DecisionRecord;
  return outcomeOf({ request: 'permission', choices: [], status, decision: record } as unknown as RequestMessage).text;
};

test('a decision that the end of the agent cut off is neither lost nor done', () => {
  assert.is(textOf('answered', 'allow'), 'Allowed once');
  assert.is(textOf('expired', 'allow'), 'Allowed once, but the agent ended first');
  assert.is(textOf('expired', 'deny'), 'Denied, but the agent ended first');
  assert.is(textOf('expired', null), 'Expired: the agent ended first');
  assert.is(textOf('cancelled', 'allow'), 'No longer needed');
});

test.run();
