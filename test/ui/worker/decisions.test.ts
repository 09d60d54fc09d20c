/** A tap counts once, whatever the network does. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decisionId, DecisionQueue, MAX_AGE_MS, MAX_WAITING } from '../../../ui/worker/decisions.ts';
import type { KeyValueStore } from '../../../ui/worker/storage.ts';

function memoryStore(): KeyValueStore {
  const values = new Map<string, string>();
  return {
    get: (key) => Promise.resolve(values.has(key) ? JSON.parse(values.get(key)!) : undefined),
    set: (key, value) => Promise.resolve(void values.set(key, JSON.stringify(value))),
  };
}

interface Machine {
  fetch: typeof fetch;
  /** Decisions that took effect. */
  decided: { request: string; decision: string; clientId: string; by: string }[];
  posts: number;
  /** The next answers; then it works. */
  faults: ('offline' | 'lost' | number)[];
}

/** Does what the machine does: the first decision wins, the same id again is answered as before. */
function machine(): Machine {
  const result: Machine = { decided: [], posts: 0, faults: [], fetch: undefined as unknown as typeof fetch };
  result.fetch = (path, init) => {
    result.posts++;
    const fault = result.faults.shift();
    if (fault === 'offline') return Promise.reject(new TypeError('Failed to fetch'));
    if (typeof fault === 'number') return Promise.resolve(Response.json({ error: 'x', code: 'y' }, { status: fault }));
    const request = String(path).split('/').at(-1)!;
    const body = JSON.parse(String(init!.body));
    let won = result.decided.find((entry) => entry.request === request);
    if (!won) result.decided.push(won = { request, ...body, by: 'this phone' });
    if (fault === 'lost') return Promise.reject(new TypeError('Failed to fetch'));
    const status = won!.clientId === body.clientId ? 200 : 409;
    return Promise.resolve(Response.json({ decision: won }, { status }));
  };
  return result;
}

const tap = (request = 'r1', decision: 'allow' | 'deny' = 'allow') => ({
  agent: 'a1',
  request,
  decision,
  title: 'Fix asks',
});

test('the id is a UUID made of request and device', async () => {
  const id = await decisionId('r1', 'd1');
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.is(await decisionId('r1', 'd1'), id);
  assert.not.equal(await decisionId('r2', 'd1'), id);
  assert.not.equal(await decisionId('r1', 'd2'), id);
});

test('a tap is delivered; the same tap again changes nothing; the other button afterwards is the first one', async () => {
  const [store, there] = [memoryStore(), machine()];
  const queue = new DecisionQueue(store, there);
  const first = await queue.decide(tap());
  assert.equal(first, { kind: 'done', decision: 'allow', by: 'this phone', mine: true });
  assert.equal(await queue.decide(tap()), first);
  assert.equal(await new DecisionQueue(store, there).decide(tap('r1', 'deny')), first);
  assert.is(there.decided.length, 1);
  assert.equal(await queue.list(), []);
});

for (const fault of ['offline', 'lost', 502, 503, 504, 429, 408, 500] as const) {
  test(`${fault}: kept, and delivered once by the next flush`, async () => {
    const [store, there] = [memoryStore(), machine()];
    there.faults.push(fault);
    assert.equal(await new DecisionQueue(store, there).decide(tap()), { kind: 'later' });
    const settled = await new DecisionQueue(store, there).flush();
    assert.is(settled[0]!.outcome.kind, 'done');
    assert.equal(there.decided.map(({ decision }) => decision), ['allow']);
    assert.equal(await new DecisionQueue(store, there).flush(), []);
  });
}

test('without a login it waits for one', async () => {
  const [store, there] = [memoryStore(), machine()];
  const queue = new DecisionQueue(store, there);
  there.faults.push(401, 401);
  assert.is((await queue.decide(tap())).kind, 'login');
  assert.is((await queue.flush())[0]!.outcome.kind, 'login');
  assert.is((await queue.flush())[0]!.outcome.kind, 'done');
});

test('what was decided elsewhere, is gone, or is refused is said and not kept', async () => {
  const there = machine();
  const queue = new DecisionQueue(memoryStore(), there);
  there.decided.push({ request: 'r1', decision: 'deny', clientId: 'other', by: 'laptop' });
  assert.equal(await queue.decide(tap()), { kind: 'done', decision: 'deny', by: 'laptop', mine: false });
  for (const [status, kind] of [[404, 'gone'], [410, 'gone'], [400, 'refused'], [403, 'refused']] as const) {
    there.faults.push(status);
    assert.is((await queue.decide(tap(`r${status}`))).kind, kind);
  }
  assert.equal(await queue.list(), []);
});

test('two taps without a network are one decision: the first', async () => {
  const [store, there] = [memoryStore(), machine()];
  const queue = new DecisionQueue(store, there);
  there.faults.push('offline', 'offline');
  await Promise.all([queue.decide(tap('r1', 'deny')), queue.decide(tap('r1', 'allow'))]);
  assert.is((await queue.list()).length, 1);
  await queue.flush();
  assert.equal(there.decided.map(({ decision }) => decision), ['deny']);
});

test('what waits is bounded in number and in time', async () => {
  const there = machine();
  let now = 0;
  const queue = new DecisionQueue(memoryStore(), { fetch: there.fetch, now: () => now });
  for (let i = 0; i <= MAX_WAITING; i++) {
    there.faults.push('offline');
    await queue.decide(tap(`r${i}`));
  }
  assert.is((await queue.list()).length, MAX_WAITING);
  assert.is((await queue.list())[0]!.request, 'r1');
  now = MAX_AGE_MS;
  assert.equal(await queue.flush(), []);
  assert.is(there.decided.length, 0);
});

test('an answer goes to the machine whose request it is, though another one claims the same request', async () => {
  const asked: string[] = [];
  const ids: string[] = [];
  const fetched = ((path: string, init: RequestInit) => {
    asked.push(path);
    ids.push(JSON.parse(String(init.body)).clientId);
    return Promise.resolve(Response.json({ decision: { decision: 'allow', clientId: ids.at(-1) } }));
  }) as typeof fetch;
  const queue = new DecisionQueue(memoryStore(), { fetch: fetched });
  for (const machine of ['aaaaaa', 'bbbbbb', undefined]) {
    await queue.decide({ ...tap(), ...(machine ? { machine } : {}) });
  }
  assert.equal(asked, [
    '/m/aaaaaa/api/agents/a1/permissions/r1',
    '/m/bbbbbb/api/agents/a1/permissions/r1',
    '/api/agents/a1/permissions/r1',
  ]);
  assert.is(new Set(ids).size, 3);
});

test.run();
