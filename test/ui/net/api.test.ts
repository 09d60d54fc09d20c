import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ApiError, createApi, newId, RETRY_DELAYS } from '../../../ui/net/api.ts';

type Answer = { status: number; body?: unknown; headers?: Record<string, string> } | 'offline';

function setup(...answers: Answer[]) {
  const calls: { path: string; init: RequestInit }[] = [];
  const slept: number[] = [];
  let signedOut = 0;
  const api = createApi({
    fetch: (async (path: string, init: RequestInit) => {
      calls.push({ path, init });
      const answer = answers.shift() ?? { status: 200, body: {} };
      if (answer === 'offline') throw new TypeError('fetch failed');
      const text = answer.body === undefined
        ? ''
        : typeof answer.body === 'string'
        ? answer.body
        : JSON.stringify(answer.body);
      return new Response(text, { status: answer.status, headers: answer.headers ?? {} });
    }) as unknown as typeof fetch,
    onSignedOut: () => signedOut++,
    sleep: (ms) => Promise.resolve(void slept.push(ms)),
  });
  return { api, calls, slept, signedOut: () => signedOut };
}

const failure = (promise: Promise<unknown>): Promise<ApiError> => promise.then(() => assert.unreachable(), (e) => e);

test('a refusal carries the sentence, the word and when to try again', async () => {
  const { api } = setup({
    status: 429,
    body: { error: 'Too many tries.', code: 'too_many_tries' },
    headers: { 'retry-after': '90' },
  });
  const error = await failure(api.post('/api/auth/login', {}));
  assert.is(error.message, 'Too many tries.');
  assert.is(error.code, 'too_many_tries');
  assert.is(error.retryAfter, 90);
});

test('a reply that is no JSON is an error, never a value', async () => {
  assert.is((await failure(setup({ status: 200, body: '<html>' }).api.get('/api/x'))).code, 'bad_reply');
  assert.is((await failure(setup({ status: 502, body: '<html>' }).api.get('/api/x'))).code, 'bad_reply');
  const newer = await failure(setup({ status: 409, body: { error: 'No.', code: 'later' } }).api.get('/api/x'));
  assert.equal([newer.code, newer.status, newer.message], ['bad_reply', 409, 'No.']);
  const inherited = await failure(setup({ status: 400, body: { code: 'toString' } }).api.get('/api/x'));
  assert.equal([inherited.code, inherited.message], ['bad_reply', 'The server answered 400.']);
});

test('401 shows the login page, but not for the login itself', async () => {
  const entry = setup({ status: 401, body: {} });
  await failure(entry.api.get('/api/agents'));
  assert.is(entry.signedOut(), 1);
  const two = setup({ status: 401, body: {} });
  await failure(two.api.post('/api/auth/login', {}));
  assert.is(two.signedOut(), 0);
});

test('only paths of the own origin are called', async () => {
  for (
    const path of ['https://evil.example/api', '//evil.example/api', '/\\evil.example', 'api/agents', 'javascript:1']
  ) {
    const { api, calls } = setup();
    assert.is((await failure(api.get(path))).code, 'bad_path');
    assert.is(calls.length, 0);
  }
});

test('a command is tried again while the way is broken', async () => {
  const { api, calls, slept } = setup('offline', { status: 502, body: {} }, { status: 504, body: {} }, {
    status: 200,
    body: { ok: true },
  });
  assert.equal(await api.command('/api/agents/a/stop'), { ok: true });
  assert.is(calls.length, 4);
  assert.equal(slept, RETRY_DELAYS.slice(0, 3));
});

test('a command that is refused is not tried again', async () => {
  const { api, calls } = setup({ status: 409, body: { error: 'No.', code: 'not_running' } });
  assert.is((await failure(api.command('/api/agents/a/interrupt'))).code, 'not_running');
  assert.is(calls.length, 1);
});

test('ids are UUIDs of version 4 and differ', () => {
  const ids = new Set(Array.from({ length: 1000 }, newId));
  assert.is(ids.size, 1000);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('a file comes as it is; its refusal is a sentence like any other', async () => {
  const { api, signedOut } = setup(
    { status: 200, body: '+caf\u00e9\n' },
    { status: 502, body: { error: 'x', code: 'tunnel_down' } },
    { status: 401, body: {} },
  );
  assert.is(await (await api.file('/api/patch')).text(), '+caf\u00e9\n');
  assert.match((await failure(api.file('/api/patch'))).message, /^The machine is away/);
  await failure(api.file('/api/patch'));
  assert.is(signedOut(), 1);
  assert.is((await failure(api.file('//elsewhere/x'))).code, 'bad_path');
});

/** How long a call of this body is waited for; ms. */
async function patience(act: (api: ReturnType<typeof setup>['api']) => Promise<unknown>): Promise<number> {
  const { setTimeout } = globalThis;
  const waits: number[] = [];
  globalThis.setTimeout = ((action: () => void, ms: number) => {
    waits.push(ms);
    return setTimeout(action, ms);
  }) as typeof globalThis.setTimeout;
  await act(setup().api).finally(() => globalThis.setTimeout = setTimeout);
  return waits[0]!;
}

test('what takes long to send is waited for: 3 MB of pictures at 64 kbit/s are not begun anew', async () => {
  const data = 'A'.repeat(4_000_000);
  assert.is(await patience((api) => api.get('/api/x')), 30_000);
  assert.is(await patience((api) => api.post('/api/x', { text: 'Hello' })), 30_000);
  assert.ok(await patience((api) => api.post('/api/x', { data })) > 4_000_000 / 8);
  assert.ok(await patience((api) => api.raw('PUT', '/api/x', { body: new Blob([data]) })) > 4_000_000 / 8);
  assert.is(await patience((api) => api.post('/api/x', { data }, { timeout: 1000 })), 1000);
});

test.run();
