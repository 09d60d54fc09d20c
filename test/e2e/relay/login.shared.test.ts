/** Getting in, and not: checks A01, A02, A04, A07-A09, A11, A14, W05. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, hashPassword, MAX_RUNNING, MAX_WAITING, verifyPassword } from '../../../core/auth/password.ts';
import { MAX_TRIES } from '../../../core/auth/tries.ts';
import { fieldsOf, rawHttp, request } from '../../support/network/raw-http.ts';
import { isTls, originOf } from '../../support/network/transport.ts';
import { PASSWORD, startRelay, type TestRelay } from '../../support/harness/relay.ts';

const UPGRADE = {
  origin: 'https://relay.test',
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};
const PROXY = { trustedProxies: ['127.0.0.1'] };
const login = (password: unknown, headers: Record<string, string | string[]> = {}) =>
  request('POST', '/api/auth/login', { 'content-type': 'application/json', ...headers }, JSON.stringify({ password }));

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

withRelay('the eleventh wrong password of an address is not looked at, other addresses are', PROXY, async (relay) => {
  const from = async (address: string, password: string) => {
    const { status, text } = await rawHttp(relay.port, login(password, { 'x-forwarded-for': address }), 10_000);
    return { status, retry: fieldsOf(text)['retry-after'] };
  };
  const wrong = await Promise.all(Array.from({ length: 30 }, () => from('198.51.100.1', 'wrong')));
  assert.is(wrong.filter(({ status }) => status === 401).length, 10);
  assert.is(wrong.filter(({ status, retry }) => status === 429 && Number(retry) > 800).length, 20);
  assert.is((await from('198.51.100.1', PASSWORD)).status, 429, 'also the right one');
  assert.is((await from('203.0.113.5', PASSWORD)).status, 200);
});

withRelay('a login that found no slot is told so with 503, and is no try', {}, async (relay) => {
  const hash = await hashPassword('of somebody else');
  let isDone = false;
  const fill = async () => {
    while (!isDone) {
      const busy = await verifyPassword('x', hash).then(() => false, (error) => error instanceof BusyError);
      if (busy) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const others = Array.from({ length: MAX_RUNNING + MAX_WAITING + 8 }, fill);
  const replies: { status: number; text: string }[] = [];
  try {
    for (let i = 0; i < 3 * MAX_TRIES && replies.filter(({ status }) => status === 503).length <= MAX_TRIES; i++) {
      replies.push(await rawHttp(relay.port, login(PASSWORD), 30_000));
    }
  } finally {
    isDone = true;
  }
  await Promise.all(others);
  const busy = replies.filter(({ status }) => status === 503);
  assert.ok(busy.length > MAX_TRIES, `${replies.map(({ status }) => status)}`);
  for (const { text } of busy) {
    assert.match(text, /"code":"busy"/);
    assert.is(fieldsOf(text)['retry-after'], '2');
  }
  assert.is((await rawHttp(relay.port, login('wrong'), 30_000)).status, 401, 'none of them counted');
});

withRelay('empty, huge and mistyped passwords are 401 or 400, never 500', PROXY, async (relay) => {
  const cases: [unknown, number][] = [['', 401], ['x'.repeat(2 ** 20), 401], [['a'], 400], [{}, 400], [1, 400], [
    null,
    400,
  ]];
  for (const [n, [password, status]] of cases.entries()) {
    const reply = await rawHttp(relay.port, login(password, { 'x-forwarded-for': `203.0.113.${n}` }), 10_000);
    assert.is(reply.status, status);
  }
});

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

withRelay(
  'cookies of the login’s name that others set hide it nowhere in the field, and open nothing',
  {},
  async (relay) => {
    const reply = await relay.fetch('/api/auth/login', {
      method: 'POST',
      body: JSON.stringify({ password: PASSWORD }),
      cookie: 'am_session=planted; am_session=',
    });
    const own = reply.headers.getSetCookie()[0]!.split(';')[0]!;
    const [, id, rest] = /=([^.]*)\.(.*)$/.exec(own)!;
    const forged = `am_session=${'A'.repeat(id!.length)}.${rest}`;
    const status = async (cookie: string) => (await relay.fetch('/api/auth/sessions', { cookie })).status;
    for (const others of ['am_session=x', forged, 'am_session=', Array(150).fill(forged).join('; ')]) {
      for (const cookie of [`${others}; ${own}`, `${own}; ${others}`, `${others}; ${own}; ${others}`]) {
        if (cookie.length < 16_000) assert.is(await status(cookie), 200, cookie.slice(0, 100));
      }
      assert.is(await status(others), 401);
    }
    await relay.fetch('/api/auth/logout', { method: 'POST', cookie: `am_session=x; ${own}` });
    assert.is(await status(`am_session=x; ${own}`), 401, 'signed out is signed out');
  },
);

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

const withPlainRelay: typeof withRelay = (...args) => isTls() || withRelay(...args);

withPlainRelay('plain http: no Secure, no __Host-, no HSTS, whatever a stranger forwards', {}, async (relay) => {
  const { text } = await rawHttp(relay.port, login(PASSWORD, { 'x-forwarded-proto': 'https' }), 5000);
  const fields = fieldsOf(text);
  assert.match(fields['set-cookie']!, /^am_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=86400$/);
  assert.is(fields['strict-transport-security'], undefined);
});

withPlainRelay(
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
    assert.is(await status(`__Host-am_session=x; __Host-am_session=${value}`, tls), 200, 'the one that is ours counts');
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
      origin: originOf('relay.test'),
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

const SETTINGS: Parameters<typeof startRelay>[0][] = [
  { password: null },
  { password: ' ' },
  { domains: ['relay.test'] },
  { trustedProxies: ['0.0.0.0/0', '::/0'] },
  { metricsToken: 'x' },
  { stateFile: '/proc/nowhere' },
  { auditFile: '/proc/nowhere' },
];
for (const settings of SETTINGS) {
  withRelay(`no setting but an empty password opens the door: ${JSON.stringify(settings)}`, settings, async (relay) => {
    const spoofed = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https', authorization: 'Bearer x' };
    assert.is((await rawHttp(relay.port, request('GET', '/api/agents', spoofed))).status, 401);
    const upgrade = await rawHttp(relay.port, request('GET', '/api/live', { ...spoofed, ...UPGRADE }));
    assert.ok([401, 403].includes(upgrade.status), String(upgrade.status));
  });
}

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
  const own = originOf('relay.test');
  for (
    const bad of [
      'http://evil.test',
      'null',
      own.startsWith('https') ? 'http://relay.test' : 'https://relay.test',
      `${own}:1`,
      `${own}.evil`,
      originOf('xrelay.test'),
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

withRelay('no cookie reaches the machine', {
  machine: (req, res) => {
    const body = JSON.stringify({ cookie: req.headers.cookie ?? null });
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(body);
  },
}, async (relay) => {
  const cookie = await relay.login();
  assert.equal(await (await relay.fetch('/api/x', { cookie })).json(), { cookie: null });
  assert.equal(await (await relay.fetch('/api/x', { cookie: `a=1; ${cookie}; b=2` })).json(), { cookie: null });
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
