/** Who gets into the local server: L01-L06 of the list of attacks. */
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bench, startBench } from '../../support/harness/agent-server.ts';
import { testUnless } from '../../support/harness/conditional-test.ts';

let bench: Bench;
test.before(async () => {
  bench = await startBench();
});
test.after(() => bench?.close());

interface Answer {
  status: number;
  head: string;
  body: string;
}

/** One raw request, so that Host and Origin are what the test says. */
function raw(head: string[], body = '', host = '127.0.0.1'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(bench.server.port, host);
    let text = '';
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk) => text += chunk);
    socket.on('error', reject);
    socket.on('close', () => {
      const [answer = '', ...rest] = text.split('\r\n\r\n');
      resolve({
        status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0),
        head: answer,
        body: rest.join('\r\n\r\n'),
      });
    });
    socket.write([...head, 'Connection: close', '', body].join('\r\n'));
  });
}

const host = () => `Host: 127.0.0.1:${bench.server.port}`;

test('it answers on both loopback addresses', async () => {
  assert.is((await raw(['GET /api/health HTTP/1.1', host()])).status, 200);
  assert.is((await raw(['GET /api/health HTTP/1.1', `Host: [::1]:${bench.server.port}`], '', '::1')).status, 200);
});

const outer = Object.values(networkInterfaces()).flat().find((entry) =>
  entry && !entry.internal && entry.family === 'IPv4'
);
testUnless(outer ? '' : 'this machine has no other address')('it answers on no other address', async () => {
  const refused = await raw(['GET /api/health HTTP/1.1', host()], '', outer!.address).then(() => false, () => true);
  assert.ok(refused, `${outer!.address} answers`);
});

test('a name that somebody pointed at this machine is refused, for pages, API and sockets', async () => {
  for (
    const name of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '127.0.0.2', '0.0.0.0', '[::]']
  ) {
    for (const path of ['/', '/api/agents', '/api/live']) {
      const { status } = await raw([`GET ${path} HTTP/1.1`, `Host: ${name}:${bench.server.port}`]);
      assert.is(status, 403, `${name}${path}`);
    }
  }
});

test('what another site can make a browser send is refused, and nothing is made', async () => {
  const json = JSON.stringify({ directory: bench.project, prompt: 'hello' });
  const attempts: string[][] = [
    ['Content-Type: application/json', 'Origin: https://evil.example'],
    ['Content-Type: application/json', 'Origin: null'],
    ['Content-Type: application/json', 'Origin: http://localhost:1'],
    ['Content-Type: application/json', `Origin: http://127.0.0.1:${bench.server.port}.evil.example`],
    ['Content-Type: application/json', 'Sec-Fetch-Site: cross-site'],
    ['Content-Type: text/plain'],
    ['Content-Type: application/x-www-form-urlencoded'],
    ['Content-Type: multipart/form-data; boundary=x'],
  ];
  for (const headers of attempts) {
    const { status, head } = await raw([
      'POST /api/agents HTTP/1.1',
      host(),
      `Content-Length: ${json.length}`,
      ...headers,
    ], json);
    assert.is(status, 403, headers.join());
    assert.not.match(head.toLowerCase(), 'access-control-allow-origin');
  }
  for (const method of ['DELETE', 'PUT']) {
    const { status } = await raw([`${method} /api/agents/x HTTP/1.1`, host(), 'Origin: https://evil.example']);
    assert.is(status, 403);
  }
  const preflight = await raw([
    'OPTIONS /api/agents HTTP/1.1',
    host(),
    'Origin: https://evil.example',
    'Access-Control-Request-Method: POST',
  ]);
  assert.is(preflight.status, 403);
  assert.equal((await bench.call('GET', '/api/agents')).body, []);
});

test('a socket of another site is refused; one without an Origin, too', async () => {
  const upgrade = (origin: string) =>
    raw([
      'GET /api/live HTTP/1.1',
      host(),
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ...(origin ? [`Origin: ${origin}`] : []),
    ]);
  for (
    const origin of ['https://evil.example', 'null', '', `https://127.0.0.1:${bench.server.port}`, 'http://127.0.0.1']
  ) {
    assert.is((await upgrade(origin)).status, 403, origin);
  }
});

test('the dashboard’s own page may do everything', async () => {
  const origin = { origin: bench.url };
  const result = await bench.call('POST', '/api/agents', { directory: bench.project }, origin);
  assert.is(result.status, 201);
  assert.is((await bench.call('DELETE', `/api/agents/${result.body.id}`, undefined, origin)).status, 200);
});

/** Only root can be two users. */
const rootTest = process.getuid?.() === 0 && process.platform === 'linux' ? test : test.skip;
rootTest('another user of this machine is refused, on both addresses; the owner needs no login', async () => {
  const asUser = (uid: number, address: string) =>
    new Promise<string>((resolve) => {
      const url = `http://${address}:${bench.server.port}/api/agents`;
      const script = `require('http').get('${url}', (r) => { console.log(r.statusCode); process.exit(); })`;
      const child = spawn(process.execPath, ['-e', script], {
        uid,
        gid: uid,
        cwd: '/',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      child.stdout.on('data', (chunk) => resolve(String(chunk).trim()));
      child.on('error', (error) => resolve(error.message));
    });
  for (const address of ['127.0.0.1', '[::1]']) {
    assert.is(await asUser(65534, address), '401');
    assert.is(await asUser(0, address), '200');
  }
});

test('the local login says that none is needed', async () => {
  const { status, body } = await bench.call('GET', '/api/auth/check');
  assert.is(status, 200);
  assert.is(body.authenticated, true);
  assert.is(body.loginRequired, false);
});

test('DASHBOARD_PASSWORD without HOST is warned of, and a wrong password is never 200', async () => {
  const local = await startBench({ DASHBOARD_PASSWORD: 'correct horse' });
  try {
    assert.is(local.lines.filter((line) => line.includes('DASHBOARD_PASSWORD is set, but')).length, 1);
    for (const password of ['wrong', '', 'correct horse ']) {
      assert.is((await local.call('POST', '/api/auth/login', { password })).status, 401, password);
    }
    assert.is((await local.call('POST', '/api/auth/login', {})).status, 400);
    assert.is((await local.call('POST', '/api/auth/login', { password: 'correct horse' })).status, 200);
    assert.is((await local.call('GET', '/api/agents')).status, 200, 'none is asked for');
    assert.is((await local.call('GET', '/api/auth/check')).body.loginRequired, false);
  } finally {
    await local.close();
  }
});

test('with HOST set a login is asked for everything but the login', async () => {
  const open = await startBench({ HOST: '0.0.0.0', DASHBOARD_PASSWORD: 'correct horse' });
  try {
    for (const path of ['/api/agents', '/api/live', '/api/health', '/api/nothing', '/api']) {
      assert.is((await open.call('GET', path)).status, 401, path);
    }
    const wrong = await open.call('POST', '/api/auth/login', { password: 'wrong' });
    assert.is(wrong.status, 401);
    const response = await fetch(`${open.url}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ password: 'correct horse' }),
    });
    assert.is(response.status, 200);
    await response.body?.cancel();
    const cookie = response.headers.getSetCookie()[0]!.split(';')[0]!;
    assert.is((await open.call('GET', '/api/agents', undefined, { cookie })).status, 200);
    const logout = await open.call('POST', '/api/auth/logout', {}, { cookie });
    assert.is(logout.status, 200);
    assert.is((await open.call('GET', '/api/agents', undefined, { cookie })).status, 401);
  } finally {
    await open.close();
  }
});

test('bodies: too deep, too long, of the wrong type, with a prototype', async () => {
  const post = (body: string, type = 'application/json') =>
    raw(
      ['POST /api/agents HTTP/1.1', host(), `Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`],
      body,
    );
  const started = performance.now();
  assert.is((await post(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).status, 400);
  assert.is((await post(`{"__proto__":{"directory":"/tmp"}}`)).status, 400);
  assert.is((await post(`{"constructor":{"prototype":{"x":1}},"directory":5}`)).status, 400);
  assert.is((await post('{"directory":"/tmp"', 'application/json')).status, 400);
  assert.is((await post('<x/>', 'application/xml')).status, 415);
  assert.ok(performance.now() - started < 1000);
  assert.is(({} as { directory?: string }).directory, undefined);
  const tooLong = await raw([
    'POST /api/agents HTTP/1.1',
    host(),
    'Content-Type: application/json',
    `Content-Length: ${1024 * 1024 + 1}`,
  ]);
  assert.is(tooLong.status, 413);
});

test.run();
