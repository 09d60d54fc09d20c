/** Previews at the relay: whose they are, who is let in, what reaches the machine, and what of its tunnel they use. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Handler, HttpResponse } from '../../core/http/types.ts';
import { MAX_PREVIEW_STREAMS, MAX_WAITING } from '../../relay/previews.ts';
import { ask, enterPreview, openSocket, partsOf, type PreviewSocket } from '../support/harness/preview-browser.ts';
import { startRelay, type TestRelay, type TestRelayOptions } from '../support/harness/relay.ts';
import { until } from '../support/harness/product.ts';

const PREVIEW = '0123456789abcdef0123456789abcdef';

/** What the machine was asked. */
interface Asked {
  url: string;
  headers: Record<string, unknown>;
}

async function setup(options: TestRelayOptions = {}, handler?: Handler) {
  const asked: Asked[] = [];
  const machine: Handler = (req, res) => {
    asked.push({ url: req.url, headers: req.headers });
    if (handler) return handler(req, res);
    if (req.headers.upgrade) {
      const socket = res.upgrade({ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-accept': 'x' });
      socket.on('error', () => {});
      return void socket.pipe(socket);
    }
    res.writeHead(200, { 'content-type': 'text/html', 'set-cookie': ['am_session=evil', 'app=1; Domain=localhost'] });
    res.end('<h1>page</h1>');
  };
  const relay = await startRelay({ previewDomain: 'localhost', machine, ...options });
  const cookie = await relay.login();
  const url = async (session = cookie, body: unknown = { preview: PREVIEW, port: 5173 }) => {
    const response = await relay.fetch('/api/previews/enter', {
      method: 'POST',
      cookie: session,
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return (JSON.parse(text) as { url: string }).url;
  };
  const enter = async (session = cookie) => await enterPreview(relay.port, await url(session));
  return { relay, cookie, url, enter, asked };
}

const signOut = (relay: TestRelay, cookie: string) =>
  relay.fetch('/api/auth/logout', { method: 'POST', cookie }).then((response) => response.body?.cancel());

test('a preview is entered by the ticket of somebody who is logged in, once', async () => {
  const { relay, url, asked } = await setup();
  const denied = await relay.fetch('/api/previews/enter', {
    method: 'POST',
    body: JSON.stringify({ preview: PREVIEW, port: 1 }),
  });
  assert.is(denied.status, 401);
  await denied.body?.cancel();
  const address = await url();
  assert.match(address, new RegExp(`^http://p5173-[a-z2-9]{20}\\.localhost:${relay.port}/`));
  const { host, cookie } = await enterPreview(relay.port, address);
  assert.match(cookie, /^am_preview=[\w-]{43}$/);
  assert.is((await ask(relay.port, host, partsOf(address).path)).status, 401);
  const page = await ask(relay.port, host, '/a?b=1', { headers: { cookie: `${cookie}; am_session=x; app=2` } });
  assert.is(page.body, '<h1>page</h1>');
  assert.equal(page.headers['set-cookie'], ['app=1']);
  assert.is(page.headers['content-security-policy'], "frame-ancestors 'self'");
  assert.equal(asked.map(({ url: target }) => target), [`/api/previews/${PREVIEW}/forward/a?b=1`]);
  assert.is(asked[0]!.headers['x-relay-preview'], PREVIEW);
  assert.is(asked[0]!.headers.cookie, 'app=2');
  await relay.close();
});

test('the cookie of the dashboard lets nobody into a preview, nor that of a preview into the dashboard', async () => {
  const { relay, cookie: session, enter, asked } = await setup();
  const { host, cookie } = await enter();
  const value = cookie.split('=')[1]!;
  for (
    const tried of [session, `am_preview=${session.split('=')[1]}`, 'am_preview=', 'am_preview=x; am_preview=y', '']
  ) {
    assert.is((await ask(relay.port, host, '/', { headers: { cookie: tried } })).status, 401, tried);
  }
  for (const tried of [cookie, `am_session=${value}`]) {
    for (const path of ['/api/agents', '/api/relay/machines', '/m/machine/api/agents']) {
      const response = await relay.fetch(path, { cookie: tried });
      assert.is(response.status, 401, `${path} ${tried}`);
      await response.body?.cancel();
    }
  }
  assert.equal(asked, []);
  // Another page of the host may have set one of the name beside ours.
  for (const others of [`am_preview=x; ${cookie}`, `${cookie}; am_preview=; am_preview=x`]) {
    assert.is((await ask(relay.port, host, '/', { headers: { cookie: others } })).status, 200, others);
  }
  await relay.close();
});

test('whatever lies below the domain of previews is never the dashboard, its API or its tunnel', async () => {
  const { relay, cookie: session, enter, asked } = await setup();
  const { host, cookie } = await enter();
  for (
    const path of [
      '/',
      '/api/auth/check',
      '/api/relay/status',
      '/metrics',
      '/tunnel',
      '/api/agents',
      '/m/machine/api/agents',
    ]
  ) {
    for (const name of ['evil.localhost', 'a.b.localhost', 'p5173-aaaaaaaaaaaaaaaaaaaa.localhost', 'P1.LOCALHOST.']) {
      const reply = await ask(relay.port, `${name}:${relay.port}`, path, {
        headers: { cookie: `${session}; ${cookie}` },
      });
      assert.is(reply.status, 401, `${name} ${path}`);
    }
    assert.is((await ask(relay.port, host, path, { headers: { cookie } })).body, '<h1>page</h1>', path);
  }
  assert.ok(asked.every(({ url }) => url.startsWith(`/api/previews/${PREVIEW}/forward/`)));
  await relay.close();
});

test('a page of the dashboard gets no preview’s content on its own origin', async () => {
  const { relay, cookie, asked } = await setup();
  const said = { 'x-relay-preview': PREVIEW };
  const response = await relay.fetch(`/api/previews/${PREVIEW}/forward/x`, { cookie, headers: said });
  await response.body?.cancel();
  assert.is(asked[0]!.headers['x-relay-preview'], undefined, 'only the relay says so');
  await relay.close();
});

test('a sign-out ends the previews of that login with their connections, and no others', async () => {
  const { relay, cookie: session, enter, url } = await setup();
  const other = await relay.login();
  const [mine, theirs] = [await enter(), await enter(other)];
  const unused = await url();
  const connect = async ({ host, cookie }: { host: string; cookie: string }) =>
    await openSocket(relay.port, host, { cookie, origin: `http://${host}` }) as PreviewSocket;
  const [socket, stays] = [await connect(mine), await connect(theirs)];
  await signOut(relay, session);
  await socket.closed;
  assert.is((await ask(relay.port, mine.host, '/', { headers: { cookie: mine.cookie } })).status, 401);
  assert.is(
    (await ask(relay.port, partsOf(unused).host, partsOf(unused).path)).status,
    401,
    'a ticket that was not used',
  );
  assert.is((await ask(relay.port, theirs.host, '/', { headers: { cookie: theirs.cookie } })).status, 200);
  stays.send('still');
  await until('the echo', () => !stays.socket.destroyed);
  stays.socket.destroy();
  await relay.close();
});

test('previews leave streams to the dashboard, and what waits is served in its turn', async () => {
  const held: HttpResponse[] = [];
  const { relay, cookie: session, enter } = await setup({}, (req, res) => {
    if (req.url.endsWith('/hold')) return void held.push(res);
    res.writeHead(200, {});
    res.end('ok');
  });
  const { host, cookie } = await enter();
  const replies = Array.from(
    { length: MAX_PREVIEW_STREAMS + 10 },
    () => ask(relay.port, host, '/hold', { headers: { cookie } }),
  );
  await until('as many as may', () => held.length === MAX_PREVIEW_STREAMS);
  const dashboard = await relay.fetch('/api/agents', { cookie: session });
  assert.is(await dashboard.text(), 'ok');
  assert.is(held.length, MAX_PREVIEW_STREAMS);
  for (let done = 0; done < MAX_PREVIEW_STREAMS + 10; done++) {
    const res = await until('the next', () => held.shift() ?? null);
    res.writeHead(200, {});
    res.end('held');
  }
  assert.ok((await Promise.all(replies)).every(({ body }) => body === 'held'));
  assert.ok(MAX_WAITING >= 256);
  await relay.close();
});

test('without a domain previews have a port of their own, where the dashboard is not', async () => {
  const { relay, cookie: session, url, asked } = await setup({ previewDomain: null, previewPort: 0 });
  const address = new URL(await url());
  assert.is(address.hostname, '127.0.0.1');
  assert.is.not(Number(address.port), relay.port);
  const port = Number(address.port);
  const { host, cookie } = await enterPreview(port, address.href);
  for (const path of ['/', '/api/agents', '/api/auth/check', '/tunnel']) {
    assert.is(
      (await ask(port, host, path, { headers: { cookie: `${session}; ${cookie}` } })).body,
      '<h1>page</h1>',
      path,
    );
    assert.is((await ask(port, host, path, { headers: { cookie: session } })).status, 401, path);
  }
  assert.ok(asked.every(({ headers }) => headers.cookie === undefined));
  assert.is((await ask(relay.port, `127.0.0.1:${relay.port}`, '/api/agents', { headers: { cookie } })).status, 401);
  await relay.close();
});

test('without domain and port the relay says what to set; another machine than a known one is refused', async () => {
  const { relay, url } = await setup({ previewDomain: null });
  await url().then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /409.*RELAY_PREVIEW_DOMAIN/),
  );
  const body = { machine: 'nobody', preview: PREVIEW, port: 1 };
  await url(undefined, body).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /404.*no_machine/),
  );
  await relay.close();
});

test('tickets and entries are in the audit log, without what lets somebody in', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'preview-audit-'));
  const auditFile = join(directory, 'audit.log');
  const { relay, enter } = await setup({ auditFile });
  const { cookie } = await enter();
  assert.ok(existsSync(auditFile));
  const text = readFileSync(auditFile, 'utf8');
  assert.match(text, /"event":"preview_ticket".*"port":5173/);
  assert.match(text, /"event":"preview_entered".*"port":5173/);
  assert.not.match(text, cookie.split('=')[1]!);
  await relay.close();
  rmSync(directory, { recursive: true });
});

test.run();
