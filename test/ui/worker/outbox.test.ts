/** What a page left is sent without it: in order, as often as it takes, and nothing is dropped that was not answered. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { leaveOutbox, type OutboxCopy, sendOutbox } from '../../../ui/worker/outbox.ts';

function place(...answers: (number | 'offline')[]) {
  const values = new Map<string, unknown>();
  const store = {
    get: (key: string) => Promise.resolve(values.get(key)),
    set: (key: string, value: unknown) => Promise.resolve(void values.set(key, value)),
  };
  const asked: string[] = [];
  const network: typeof fetch = (path, init) => {
    asked.push(`${path} ${init!.body}`);
    const answer = answers.shift() ?? 200;
    if (answer === 'offline') return Promise.reject(new TypeError('Failed to fetch'));
    return Promise.resolve(new Response('{}', { status: answer }));
  };
  return { store, asked, network, left: () => (values.get('outbox') as OutboxCopy[]).map(({ id }) => id) };
}

const message = (id: string, agent = 'a'): OutboxCopy => ({
  id,
  agent,
  path: `/m/${agent}`,
  body: id,
  isOrdered: true,
});
const decision = (id: string): OutboxCopy => ({ id, agent: 'a', path: '/d', body: id, isOrdered: false });

test('all of it is sent, then nothing is left', async () => {
  const { store, asked, network, left } = place();
  await leaveOutbox(store, [message('1'), decision('2'), message('3', 'b')]);
  assert.ok(await sendOutbox(store, network));
  assert.equal(asked, ['/m/a "1"', '/d "2"', '/m/b "3"']);
  assert.equal(left(), []);
  assert.ok(await sendOutbox(store, network));
  assert.is(asked.length, 3);
});

for (const answer of ['offline', 500, 503, 401, 408, 429] as const) {
  test(`${answer}: messages of one agent keep their order; the others go on`, async () => {
    const { store, asked, network, left } = place(answer);
    await leaveOutbox(store, [message('1'), message('2'), decision('3'), message('4', 'b')]);
    assert.not.ok(await sendOutbox(store, network));
    assert.equal(asked, ['/m/a "1"', '/d "3"', '/m/b "4"']);
    assert.equal(left(), ['1', '2']);
    assert.ok(await sendOutbox(store, network));
    assert.equal(asked.slice(3), ['/m/a "1"', '/m/a "2"']);
  });
}

test('a refusal is an answer: the page shows it when it is opened', async () => {
  const { store, network, left } = place(404, 409, 400);
  await leaveOutbox(store, [message('1'), decision('2'), message('3')]);
  assert.ok(await sendOutbox(store, network));
  assert.equal(left(), []);
});

test('what a page adds meanwhile is not lost', async () => {
  const { store, network, left } = place();
  await leaveOutbox(store, [message('1')]);
  const adding: typeof fetch = async (...request) => {
    await leaveOutbox(store, [message('1'), message('2')]);
    return await network(...request);
  };
  assert.not.ok(await sendOutbox(store, adding));
  assert.equal(left(), ['2']);
});

test.run();
