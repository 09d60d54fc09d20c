import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createFeedProbe } from '../../../ui/net/feed-probe.ts';

async function probed(...answers: (number | 'offline')[]) {
  let time = 100;
  const probe = createFeedProbe({
    now: () => time,
    fetch: (() => {
      const answer = answers.shift()!;
      return answer === 'offline'
        ? Promise.reject(new TypeError('failed'))
        : Promise.resolve(new Response('{}', { status: answer }));
    }) as typeof fetch,
  });
  const seen: (number | null)[] = [];
  while (answers.length) {
    await probe.ask();
    seen.push(probe.answeredAt.value);
    time++;
  }
  return seen;
}

test('only 426 says that the feed is there and its socket is what does not get through', async () => {
  assert.equal(await probed(426), [100]);
  assert.equal(await probed(200, 401, 403, 404, 502, 503, 504), [null, null, null, null, null, null, null]);
  assert.equal(await probed('offline'), [null]);
});

test('the last answer counts', async () => {
  assert.equal(await probed(426, 502, 426, 'offline', 426), [100, null, 102, null, 104]);
});

test.run();
