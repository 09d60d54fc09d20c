/** Getting in, and not: checks A01, A02, A04, A07-A09, A11, A14, W05. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { fieldsOf, rawHttp, request } from '../support/raw-http.ts';
import { PASSWORD, startRelay, type TestRelay } from '../support/relay.ts';

const PROXY = { trustedProxies: ['127.0.0.1'] };
const login = (password: unknown, headers: Record<string, string | string[]> = {}) =>
  request('POST', '/api/auth/login', { 'content-type': 'application/json', ...headers }, JSON.stringify({ password }));

/** 1,000 requests from one address, 50 at a time, by a process of its own. @returns how often each status came */
const flood =
  (port: number, method: string, path: string, body?: string) => async (): Promise<Record<string, number>> => {
    const script = `
    const counts = {};
    let left = 1000;
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': '198.51.100.1' };
    const init = { method: '${method}', headers, body: ${body ? JSON.stringify(body) : 'undefined'} };
    await Promise.all(Array.from({ length: 50 }, async () => {
      while (left-- > 0) {
        const response = await fetch('http://127.0.0.1:${port}${path}', init);
        const early = response.status === 429 && !(response.headers.get('retry-after') > 0);
        const key = early ? '429 without retry-after' : response.status;
        counts[key] = (counts[key] ?? 0) + 1;
        await response.body.cancel();
      }
    }));
    console.log(JSON.stringify(counts));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => output += chunk);
    await once(child, 'close');
    return JSON.parse(output);
  };

/** Asks as somebody who is logged in, again and again, until `work` is done. Milliseconds. */
async function whileRunning(relay: TestRelay, cookie: string, work: () => Promise<unknown>) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  let running = true;
  const done = work().finally(() => running = false);
  const times: number[] = [];
  while (running) {
    const started = performance.now();
    const response = await relay.fetch('/api/agents', { cookie });
    assert.is(response.status, 200);
    await response.body?.cancel();
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await done;
  delay.disable();
  const p99 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]!;
  const stall = delay.max / 1e6;
  return { p99, stall, text: `p99 ${p99.toFixed(0)} ms of ${times.length}, longest stall ${stall.toFixed(0)} ms` };
}

/** Starts a relay for one test. */
function withRelay(name: string, options: Parameters<typeof startRelay>[0], run: (relay: TestRelay) => Promise<void>) {
  test(name, async () => {
    const relay = await startRelay(options);
    try {
      await run(relay);
    } finally {
      await relay.close();
    }
  });
}

withRelay(
  '1,000 wrong passwords, 50 at a time: ten are evaluated, nobody else notices',
  { ...PROXY, machine: true },
  async (relay) => {
    const cookie = await relay.login();
    const attack = flood(relay.port, 'POST', '/api/auth/login', '{"password":"wrong"}');
    // The same number of harmless requests shows what this machine can do at the moment.
    const calm = await whileRunning(relay, cookie, flood(relay.port, 'GET', '/api/relay/status'));
    const memory = process.memoryUsage().rss;
    const running = attack();
    const elsewhere = rawHttp(relay.port, login(PASSWORD, { 'x-forwarded-for': '203.0.113.5' }), 10_000);
    const attacked = await whileRunning(relay, cookie, () => running);
    assert.is((await elsewhere).status, 200, 'the right password from another address');
    assert.equal(await running, { 401: 10, 429: 990 });
    console.log(`attacked: ${attacked.text}; calm: ${calm.text}`);
    assert.ok(attacked.p99 < Math.max(100, 2 * calm.p99));
    assert.ok(attacked.stall < Math.max(100, 2 * calm.stall));
    assert.ok(process.memoryUsage().rss - memory < 100 * 1024 * 1024);
  },
);

withRelay(
  'right, wrong, empty, huge and mistyped passwords: 200, 401 or 400, and equally slow',
  PROXY,
  async (relay) => {
    const cases: [unknown, number][] = [
      [PASSWORD, 200],
      ['wrong', 401],
      ['', 401],
      ['x'.repeat(2 ** 20), 401],
      [['a'], 400],
      [{}, 400],
      [1, 400],
      [null, 400],
    ];
    const fastest = cases.map(() => Infinity);
    // In turns, and the fastest of each: what else runs on the machine meanwhile then counts for nobody.
    for (let round = 0; round < 7; round++) {
      for (const [n, [password, status]] of cases.entries()) {
        const bytes = login(password, { 'x-forwarded-for': `203.0.113.${n}` });
        const started = performance.now();
        assert.is((await rawHttp(relay.port, bytes, 10_000)).status, status);
        fastest[n] = Math.min(fastest[n]!, performance.now() - started);
      }
    }
    const [min, max] = [Math.min(...fastest), Math.max(...fastest)];
    console.log(`fastest ${min.toFixed(1)} ms, slowest ${max.toFixed(1)} ms`);
    assert.ok(max < min * 1.2, fastest.map((ms) => ms.toFixed(1)).join(' '));
  },
);

withRelay('a body that is no JSON, too deep or too large is a 4xx and pollutes nothing', PROXY, async (relay) => {
  const bodies = [
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '\ufeff{}',
    '['.repeat(100_000),
    '{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}}}',
    `{"password":"${'x'.repeat(1_100_000)}"}`,
  ];
  for (const [n, body] of bodies.entries()) {
    const head = { 'content-type': 'application/json', 'x-forwarded-for': `203.0.113.${n}` };
    const bytes = Buffer.from(request('POST', '/api/auth/login', head, body), 'utf8');
    const { status } = await rawHttp(relay.port, bytes, 10_000);
    assert.ok(status >= 400 && status < 500, `${body.slice(0, 20)}: ${status}`);
  }
  const invalid = Buffer.concat([
    Buffer.from(request('POST', '/api/auth/login', { 'content-type': 'application/json', 'content-length': '3' })),
    Buffer.from([0x22, 0xff, 0x22]),
  ]);
  assert.is((await rawHttp(relay.port, invalid, 10_000)).status, 400);
  assert.is(({} as Record<string, unknown>).x, undefined);
});

withRelay('each login has a new id, and a planted cookie is not adopted', {}, async (relay) => {
  const planted = 'am_session=AAAAAAAAAAAAAAAAAAAAAA.1700000000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
  const response = await relay.fetch('/api/auth/login', {
    method: 'POST',
    body: JSON.stringify({ password: PASSWORD }),
    cookie: planted,
  });
  const first = response.headers.getSetCookie()[0]!.split(';')[0]!;
  assert.is.not(first, planted);
  const again = await relay.fetch('/api/auth/login', {
    method: 'POST',
    body: JSON.stringify({ password: PASSWORD }),
    cookie: first,
  });
  const second = again.headers.getSetCookie()[0]!.split(';')[0]!;
  assert.is.not(second, first);
  assert.is((await relay.fetch('/api/auth/sessions', { cookie: first })).status, 401, 'the old one ended');
  assert.is((await relay.fetch('/api/auth/sessions', { cookie: second })).status, 200);
});

withRelay('plain http: no Secure, no __Host-, no HSTS, whatever a stranger forwards', {}, async (relay) => {
  const { text } = await rawHttp(relay.port, login(PASSWORD, { 'x-forwarded-proto': 'https' }), 5000);
  const fields = fieldsOf(text);
  assert.match(fields['set-cookie']!, /^am_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=86400$/);
  assert.is(fields['strict-transport-security'], undefined);
});

withRelay(
  'behind a trusted proxy with TLS: __Host-, Secure and HSTS, and only that cookie counts',
  PROXY,
  async (relay) => {
    const tls = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' };
    const fields = fieldsOf((await rawHttp(relay.port, login(PASSWORD, tls), 5000)).text);
    assert.match(
      fields['set-cookie']!,
      /^__Host-am_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=86400; Secure$/,
    );
    assert.match(fields['strict-transport-security']!, /^max-age=\d+/);
    const value = /=([^;]+)/.exec(fields['set-cookie']!)![1]!;
    const status = async (cookie: string, headers: Record<string, string>) =>
      (await rawHttp(relay.port, request('GET', '/api/auth/sessions', { cookie, ...headers }))).status;
    assert.is(await status(`__Host-am_session=${value}`, tls), 200);
    assert.is(await status(`am_session=${value}`, tls), 401, 'the plain name over TLS');
    assert.is(await status(`__Host-am_session=${value}`, {}), 401, 'the TLS name on plain http');
    assert.is(await status(`__Host-am_session=x; __Host-am_session=${value}`, tls), 401, 'two of the name');
  },
);

const UNKNOWN = [
  '/api/agents',
  '/api/agents/',
  '/API/agents',
  '//api/agents',
  '/api%2fagents',
  '/api/live',
  '/docs',
  '/api/auth/',
  '/api/auth/check/',
  '/api/auth/sessions',
  '/api/auth/sessions/x',
  '/api/auth/pair',
  '/api/auth/sign-out-everywhere',
  '/api/relay/events',
  '/api/relay/status/',
  '/API/relay/status',
  '/api/relay/',
  '/.env',
  '/dist/relay.mjs',
];
withRelay('without a cookie every path and method but the listed ones is 401', { machine: true }, async (relay) => {
  for (const path of UNKNOWN) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const { status } = await rawHttp(relay.port, request(method, path), 5000);
      assert.is(status, 401, `${method} ${path}`);
    }
    const upgrade = request('GET', path, {
      origin: `http://relay.test`,
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    });
    assert.is((await rawHttp(relay.port, upgrade, 5000)).status, 401, `upgrade ${path}`);
  }
  assert.equal(relay.reached, []);
  for (
    const [method, path] of [['POST', '/'], ['PUT', '/api/relay/status'], ['DELETE', '/api/auth/login'], [
      'GET',
      '/api/auth/login',
    ], ['GET', '/api/auth/logout']]
  ) {
    assert.is((await rawHttp(relay.port, request(method!, path!), 5000)).status, 401, `${method} ${path}`);
  }
});

withRelay('the public status names nobody; after a login it does', { machine: true }, async (relay) => {
  const open = await (await relay.fetch('/api/relay/status')).json() as Record<string, unknown>;
  assert.equal(Object.keys(open).sort(), ['tunnelConnected', 'uptime']);
  assert.is(open.tunnelConnected, true);
  const cookie = await relay.login();
  assert.match(await (await relay.fetch('/api/relay/status', { cookie })).text(), /secret-machine-name/);
});

withRelay(
  'changes that another site asks for are 403 before their body is read, and reach nobody',
  { machine: true },
  async (relay) => {
    const cookie = await relay.login();
    const cases: Record<string, string>[] = [
      { origin: 'http://evil.test' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'multipart/form-data; boundary=x' },
      { origin: 'http://evil.test', 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'http' },
    ];
    for (const headers of cases) {
      // A body is announced and never sent: the answer must not wait for it.
      for (const path of ['/api/agents', '/api/auth/login', '/api/auth/logout']) {
        const { status } = await rawHttp(
          relay.port,
          request('POST', path, { cookie, 'content-length': '100', ...headers }),
          2000,
        );
        assert.is(status, 403, `${path} ${JSON.stringify(headers)}`);
      }
    }
    assert.equal(relay.reached, []);
  },
);

withRelay('WebSockets open for our own page only', { machine: true }, async (relay) => {
  const cookie = await relay.login();
  const status = async (origins: string[]) => {
    const head = request('GET', '/api/live', {
      cookie,
      connection: 'Upgrade',
      upgrade: 'websocket',
      origin: origins,
      'x-forwarded-host': 'evil.test',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    });
    return (await rawHttp(relay.port, head, 500)).status;
  };
  const own = 'http://relay.test';
  for (
    const bad of [
      'http://evil.test',
      'null',
      'https://relay.test',
      'http://relay.test:1',
      'http://relay.test.evil',
      'http://xrelay.test',
    ]
  ) {
    assert.is(await status([bad]), 403, bad);
  }
  assert.is(await status([]), 403, 'no Origin');
  assert.is(await status([own, own]), 403, 'two of them');
  assert.equal(relay.reached, []);
  await status([own]);
  assert.equal(relay.reached, ['GET /api/live']);
});

withRelay('our cookie never reaches the machine, others do', {
  machine: (req, res) => {
    const body = JSON.stringify({ cookie: req.headers.cookie ?? null });
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(body);
  },
}, async (relay) => {
  const cookie = await relay.login();
  assert.equal(await (await relay.fetch('/api/x', { cookie })).json(), { cookie: null });
  assert.equal(await (await relay.fetch('/api/x', { cookie: `a=1; ${cookie}; b=2` })).json(), { cookie: 'a=1; b=2' });
});

withRelay('16 KiB of separators in any field are answered at once', {}, async (relay) => {
  for (
    const name of [
      'cookie',
      'accept-encoding',
      'x-forwarded-for',
      'sec-websocket-protocol',
      'sec-websocket-extensions',
      'content-disposition',
      'if-none-match',
      'content-type',
      'host',
    ]
  ) {
    for (const part of [' ', ',', ';', '"', '\\', ', ;']) {
      const { ms } = await rawHttp(
        relay.port,
        request('GET', '/', { [name]: `a${part.repeat(15_000 / part.length)}b` }),
        2000,
      );
      assert.ok(ms < 200, `${name} ${part}: ${ms} ms`);
    }
  }
});

test.run();
