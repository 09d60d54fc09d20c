/** The nginx configuration of relay/DEPLOY.md in a real nginx with TLS: the whole way in a browser, cookies, addresses. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChildProcess } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { launchBrowser, PHONE } from '../support/harness/browser.ts';
import { makeCertificate, nginxBlock, startNginx } from '../support/harness/nginx.ts';
import { freePort, type Product, ROOT, startProduct, until } from '../support/harness/product.ts';
import { endToEnd } from '../support/harness/end-to-end.ts';

let directory: string;
let nginx: ChildProcess;
let product: Product;
let browser: Browser;
let origin: string;
let ca: Buffer;

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'nginx-'));
  product = await startProduct({
    relayEnv: { TRUSTED_PROXIES: '127.0.0.1' },
    agentEnv: { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') },
  });
  ca = makeCertificate(directory, ['localhost']);
  const port = await freePort();
  const block = nginxBlock('relay/DEPLOY.md')
    .replace('server_name relay.example.org', 'server_name localhost')
    .replace('127.0.0.1:3457', `127.0.0.1:${product.relayPort}`);
  nginx = startNginx(directory, block, port);
  origin = `https://localhost:${port}`;
  await until('nginx', () => ask('/api/relay/status').then(() => true, () => false));
  const key = new X509Certificate(ca).publicKey.export({ type: 'spki', format: 'der' });
  const pin = createHash('sha256').update(key).digest('base64');
  browser = await launchBrowser([`--ignore-certificate-errors-spki-list=${pin}`]);
});
test.after(async () => {
  await browser?.close();
  nginx?.kill('SIGTERM');
  await product?.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

function ask(
  path: string,
  options: { method?: string; body?: string; from?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', body, from = '127.0.0.1', headers } = options;
    const req = request(origin + path, {
      method,
      ca,
      localAddress: from,
      family: 4,
      headers: { 'content-type': 'application/json', ...headers },
    }, (res) => {
      let text = '';
      res.on('data', (chunk) => text += chunk);
      res.on('end', () => resolve({ status: res.statusCode!, headers: res.headers, body: text }));
    });
    req.on('error', reject);
    req.end(body);
  });
}

test('the whole way in a browser over https', async () => {
  const proxied = Object.create(product, { relayUrl: { value: origin } }) as Product;
  await endToEnd({ product: proxied, browser, relay: true, viewport: PHONE }, {
    prompt: 'a greeting in a file',
    file: 'hello-from-the-demo.md',
    done: /Done|written|is there/,
    second: 'and once more without a file',
    secondAnswer: /You said: .*once more/,
    endsOpen: true,
    third: 'after the restart',
    thirdAnswer: /You said: .*after the restart/,
    cost: /\$0\.\d+|<\s1\s¢/,
  });
});

test("the cookie is for TLS only, HSTS is on, and the session has the client's address", async () => {
  const login = await ask('/api/auth/login', {
    method: 'POST',
    body: JSON.stringify({ password: product.password }),
    from: '127.0.0.2',
  });
  assert.is(login.status, 200);
  const cookie = login.headers['set-cookie']![0]!;
  assert.match(cookie, /^__Host-am_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=86400; Secure$/);
  assert.match(String(login.headers['strict-transport-security']), /^max-age=/);
  const list = await ask('/api/auth/sessions', { from: '127.0.0.2', headers: { cookie: cookie.split(';')[0]! } });
  const { sessions } = JSON.parse(list.body) as { sessions: { address: string; current: boolean }[] };
  assert.is(sessions.find(({ current }) => current)!.address, '127.0.0.2');
});

test('an address that a client makes up itself is not believed', async () => {
  const statuses = [];
  for (let i = 0; i < 12; i++) {
    const body = JSON.stringify({ password: 'wrong' });
    statuses.push(
      (await ask('/api/auth/login', {
        method: 'POST',
        body,
        from: '127.0.0.3',
        headers: { 'x-forwarded-for': `203.0.113.${i}` },
      })).status,
    );
  }
  assert.equal(statuses.slice(10), [429, 429]);
});

test.run();
