/** A preview on the machine's own address: found, opened, entered once, seen as a dev server expects it, closed. */
import { Buffer } from 'node:buffer';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_REQUESTS } from '../../../agent/preview/previews.ts';
import type { Preview, PreviewList } from '../../../core/api/previews.ts';
import { type Bench, startBench } from '../../support/harness/agent-server.ts';
import { ask, enterPreview, openSocket, partsOf, type PreviewSocket } from '../../support/harness/preview-browser.ts';
import { until } from '../../support/harness/product.ts';
import { createDevServer } from '../../support/fakes/dev-server.mjs';

let bench: Bench;
let agent: string;
let own: number;
const server = createDevServer();
let port: number;
test.before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  bench = await startBench();
  agent = (await bench.create('hello')).id;
  own = bench.server.port;
});
test.after(async () => {
  await bench?.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const base = () => `/api/agents/${agent}/previews`;

async function open(): Promise<{ preview: Preview; url: string; host: string; cookie: string }> {
  const { status, body: preview } = await bench.call('POST', base(), { port });
  assert.is(status, 201, JSON.stringify(preview));
  const entered = await bench.call('POST', '/api/previews/enter', { preview: preview.id, port });
  assert.is(entered.status, 200, JSON.stringify(entered.body));
  return { preview, url: entered.body.url, ...await enterPreview(own, entered.body.url) };
}

test('an opened port is a page of its own origin, entered by a ticket that works once', async () => {
  const { preview, url, host, cookie } = await open();
  assert.match(host, new RegExp(`^p${port}-[a-z2-9]{20}\\.localhost:${own}$`));
  const again = await bench.call('POST', base(), { port });
  assert.is(again.body.id, preview.id);
  assert.is((await ask(own, host, partsOf(url).path)).status, 401, 'the ticket again');
  assert.is((await ask(own, host, '/x')).status, 401, 'without cookie');
  assert.is((await ask(own, host, '/x', { headers: { cookie: `${cookie}x` } })).status, 401);
  assert.is(
    (await ask(own, `p${port}-aaaaaaaaaaaaaaaaaaaa.localhost:${own}`, '/x', { headers: { cookie } })).status,
    401,
  );
  assert.is(
    (await ask(own, `localhost:${own}`, '/api/agents', { headers: { cookie } })).status,
    200,
    'locally nobody logs in',
  );
  const seen = await ask(own, host, '/some/path?q=1', {
    headers: {
      cookie: `${cookie}; am_session=secret; app=1`,
      referer: `http://${host}/before?x`,
      authorization: 'Bearer x',
    },
  });
  assert.is(seen.status, 200);
  const { url: target, headers } = JSON.parse(seen.body);
  assert.is(target, '/some/path?q=1');
  assert.is(headers.host, `localhost:${port}`);
  assert.is(headers.cookie, 'app=1');
  assert.is(headers.referer, `http://localhost:${port}/before?x`);
  assert.is(headers.authorization, 'Bearer x');
  assert.equal(Object.keys(headers).filter((name) => /^x-(forwarded|relay)/.test(name)), []);
  assert.is(seen.headers['cross-origin-resource-policy'], 'same-origin');
  assert.is(seen.headers['content-security-policy'], "frame-ancestors 'self'");
});

test('the dashboard is never served below the domain of previews, nor a preview on its own', async () => {
  const { preview, cookie, host } = await open();
  for (const path of ['/api/agents', '/api/health', '/', base()]) {
    const { body, status } = await ask(own, host, path, { headers: { cookie } });
    assert.is(status, 200);
    assert.is(JSON.parse(body).url, path, 'the program has answered, not the API');
  }
  assert.is((await ask(own, `evil.localhost:${own}`, '/api/agents')).status, 401);
  const direct = await bench.call('GET', `/api/previews/${preview.id}/forward/x`);
  assert.is(direct.status, 404);
  const said = await bench.call('GET', `/api/previews/${preview.id}/forward/x`, undefined, {
    'x-relay-preview': preview.id,
  });
  assert.is(said.status, 404, 'what a local client says of itself counts for nothing');
});

test('another origin reaches nothing, not even with the cookie', async () => {
  const { cookie, host } = await open();
  const from = (headers: Record<string, string>, method = 'GET') =>
    ask(own, host, '/x', { method, headers: { cookie, ...headers } }).then(({ status }) => status);
  assert.is(await from({ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }), 403);
  assert.is(await from({ origin: 'http://evil.test' }, 'POST'), 403);
  assert.is(await from({ origin: `http://localhost:${own}` }, 'POST'), 403, 'nor the dashboard itself');
  assert.is(await from({ origin: `http://${host}` }, 'POST'), 200);
  assert.is(await openSocket(own, host, { cookie, origin: 'http://evil.test' }), 403);
  assert.is(await openSocket(own, host, { cookie }), 403, 'no Origin');
  assert.is(await openSocket(own, host, { origin: `http://${host}` }), 401, 'no cookie');
  const api = await bench.call('GET', '/api/agents', undefined, {
    'sec-fetch-site': 'same-site',
    'sec-fetch-mode': 'no-cors',
  });
  assert.is(api.status, 403, 'a preview on another port measures nothing of the API');
});

test('bodies go through as they are, redirections stay on the preview, cookies stay its own', async () => {
  const { cookie, host } = await open();
  const headers = { cookie, origin: `http://${host}` };
  const body = randomBytes(3_000_000);
  const posted = JSON.parse((await ask(own, host, '/upload', { method: 'POST', headers, body })).body);
  assert.is(posted.size, body.length);
  assert.is(posted.sha, createHash('sha256').update(body).digest('hex'));
  assert.is(posted.headers.origin, `http://localhost:${port}`);
  const chunked = await ask(own, host, '/put', {
    method: 'PUT',
    headers: { ...headers, 'transfer-encoding': 'chunked' },
    body: 'abc',
  });
  assert.is(JSON.parse(chunked.body).size, 3);
  const deleted = await ask(own, host, '/x', {
    method: 'DELETE',
    headers: { ...headers, 'content-length': '2' },
    body: Buffer.from('ab'),
  });
  assert.is(JSON.parse(deleted.body).size, 2);
  assert.is((await ask(own, host, '/redirect', { headers })).headers.location, '/landed?x=1');
  const elsewhere = await ask(own, host, '/elsewhere', { headers });
  assert.is(elsewhere.status, 302, 'only said to the browser: nothing here follows it');
  const cookies = await ask(own, host, '/cookies', { headers });
  assert.equal(cookies.headers['set-cookie'], ['app=1; Path=/']);
  assert.is(cookies.headers['clear-site-data'], undefined);
  assert.is(cookies.headers['access-control-allow-origin'], undefined);
  assert.match(String(cookies.headers['content-security-policy']), "script-src 'self'");
});

test('a WebSocket is joined both ways, and ends when the preview is closed', async () => {
  const { preview, cookie, host } = await open();
  const headers = { cookie, origin: `http://${host}`, 'sec-websocket-protocol': 'vite-hmr' };
  const socket = await openSocket(own, host, headers) as PreviewSocket;
  assert.is(socket.headers['sec-websocket-protocol'], 'vite-hmr');
  await until('its greeting', () => socket.texts.length > 0);
  assert.equal(JSON.parse(socket.texts[0]!), { origin: `http://localhost:${port}`, host: `localhost:${port}` });
  socket.send('ping');
  await until('the echo', () => socket.texts.includes('ping'));
  const list = (await bench.call('GET', base())).body as PreviewList;
  assert.equal(list.previews.map(({ id }) => id), [preview.id]);
  assert.is((await bench.call('DELETE', `${base()}/${preview.id}`)).status, 200);
  await socket.closed;
  assert.is((await bench.call('DELETE', `${base()}/${preview.id}`)).status, 404);
  assert.is((await ask(own, host, '/x', { headers: { cookie } })).status, 410);
  assert.equal(((await bench.call('GET', base())).body as PreviewList).previews, []);
  const audit = bench.lines.filter((line) => /preview (opened|entered|closed)/.test(line));
  assert.match(audit.join('\n'), new RegExp(`preview opened.*${port}`));
  assert.match(audit.join('\n'), /preview closed.*closed by/);
});

test('events of a server come one by one while the reply goes on, and end when the preview is closed', async () => {
  let emit = (_: string) => {};
  let left = false;
  const events = createServer((req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    emit = (text) => void res.write(`id: ${text}\ndata: ${text}\n\n`);
    emit(`first ${req.headers['last-event-id']}`);
    res.once('close', () => left = true);
  });
  await new Promise<void>((resolve) => events.listen(0, '127.0.0.1', resolve));
  const { port: eventPort } = events.address() as AddressInfo;
  try {
    let preview = {} as Preview;
    await until('the port is known', async () => {
      const { status, body } = await bench.call('POST', base(), { port: eventPort });
      preview = body;
      return status === 201;
    });
    const entered = await bench.call('POST', '/api/previews/enter', { preview: preview.id, port: eventPort });
    const { host, cookie } = await enterPreview(own, entered.body.url);
    let text = '';
    let ended = false;
    const headers = { host, cookie, accept: 'text/event-stream', 'accept-encoding': 'gzip, br', 'last-event-id': '7' };
    const req = request({ port: own, path: '/events', headers, agent: false }, (res) => {
      assert.equal([res.statusCode, res.headers['content-type']], [200, 'text/event-stream']);
      assert.is(res.headers['content-encoding'], undefined);
      res.setEncoding('utf8').on('data', (chunk) => text += chunk);
      res.once('close', () => ended = true);
      res.on('error', () => {});
    });
    req.on('error', () => {});
    req.end();
    await until('the first event', () => text.includes('data: first 7\n\n'));
    for (const name of ['second', 'third']) {
      emit(name);
      await until(`the ${name} event`, () => text.endsWith(`data: ${name}\n\n`));
    }
    assert.not.ok(ended);
    assert.equal((await bench.call('GET', '/api/previews')).body.previews.map(({ id }: Preview) => id), [preview.id]);
    await bench.call('DELETE', `${base()}/${preview.id}`);
    await until('the end on both sides', () => ended && left);
    assert.equal((await bench.call('GET', '/api/previews')).body.previews, []);
  } finally {
    events.closeAllConnections();
    events.close();
  }
});

test('ports that are closed, this server’s own, or no ports at all are refused', async () => {
  const refused = async (body: unknown) => (await bench.call('POST', base(), body)).body.code;
  assert.is(await refused({ port: own }), 'port_refused');
  assert.is(await refused({ port: 1 }), 'port_closed');
  for (const body of [{}, { port: '169.254.169.254:80' }, { port: 0 }, { port: 70_000 }, { host: '169.254.169.254' }]) {
    assert.is(await refused(body), 'bad_request', JSON.stringify(body));
  }
  assert.is((await bench.call('POST', '/api/agents/none/previews', { port })).status, 404);
});

test('previews end with their agent', async () => {
  const other = (await bench.create('hello')).id;
  const { body: preview } = await bench.call('POST', `/api/agents/${other}/previews`, { port });
  const { body: { url } } = await bench.call('POST', '/api/previews/enter', { preview: preview.id, port });
  const { host, cookie } = await enterPreview(own, url);
  assert.is((await ask(own, host, '/x', { headers: { cookie } })).status, 200);
  assert.is((await bench.call('DELETE', `/api/agents/${other}?discardWork=1`)).status, 200);
  assert.is((await ask(own, host, '/x', { headers: { cookie } })).status, 410);
});

test('requests with unusual fields are served or refused, and take no place for ever', async () => {
  const { cookie, host } = await open();
  const get = (...lines: string[]) => rawRequest(['GET /x HTTP/1.1', `Host: ${host}`, `Cookie: ${cookie}`, ...lines]);
  const odd = ['constructor: a', '__proto__: b', 'Trailer: X-Sum'];
  for (let i = 0; i < MAX_REQUESTS; i++) await get(odd[i % odd.length]!);
  assert.match(await get('constructor: a', 'Constructor: b'), '"constructor":"a, b"');
  assert.match(await get('__proto__: b'), 'HTTP/1.1 200 ');
  assert.match(await get('Trailer: X-Sum'), 'HTTP/1.1 200 ');
  const post = `POST /x HTTP/1.1\r\nOrigin: http://${host}`;
  assert.match(
    await rawRequest([post, `Host: ${host}`, `Cookie: ${cookie}`, 'Trailer: X-Sum', 'Content-Length: 0']),
    ' 200 ',
  );
});

/** Sends a head as it stands. @returns the whole answer */
function rawRequest(lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect(own, '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`));
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('end', () => resolve(Buffer.concat(parts).toString()));
    socket.on('error', reject);
  });
}

test.run();
