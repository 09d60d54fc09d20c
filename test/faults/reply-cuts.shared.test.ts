/**
 * A reply that is cut (sign-out, shutdown, a client that does not read, a machine that aborts) never looks complete: curl fails
 * on it, directly, over TLS, and behind an nginx that asks by HTTP/1.0, as nginx does unless told otherwise.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Handler } from '../../core/http/types.ts';
import { freePort, until } from '../support/harness/product.ts';
import { startRelay, type TestRelay } from '../support/harness/relay.ts';
import { rawHttp, request } from '../support/network/raw-http.ts';
import { useTransport } from '../support/network/transport.ts';

const STALL_MS = 1_000;
const PART = 100_000;

let directory: string;
test.before(() => void (directory = mkdtempSync(join(tmpdir(), 'cuts-'))));
test.after(() => rmSync(directory, { recursive: true, force: true }));

/** /part sends a part of a reply; /flood sends without end. Both have no length. */
function fileServer(): { machine: Handler; abort: () => void; closed: () => boolean } {
  let abort = () => {};
  let isClosed = false;
  const machine: Handler = (req, res) => {
    abort = () => void res.destroy();
    res.on('close', () => isClosed = true);
    res.writeHead(200, { 'content-type': 'application/octet-stream' });
    const write = () => {
      while (!isClosed && res.write(Buffer.alloc(PART)));
    };
    if (req.url === '/api/part') return void res.write(Buffer.alloc(PART));
    res.on('drain', write);
    write();
  };
  return { machine, abort: () => abort(), closed: () => isClosed };
}

/** What stands between curl and the relay. @returns the origin to ask */
interface Front {
  name: string;
  transport: 'plain' | 'TLS';
  start(relay: TestRelay): Promise<{ origin: string; stop(): Promise<void> }>;
}
const direct = (transport: Front['transport']): Front => ({
  name: `directly (${transport})`,
  transport,
  start: (relay) => Promise.resolve({ origin: relay.origin, stop: () => Promise.resolve() }),
});
const nginx: Front = {
  name: 'behind nginx',
  transport: 'plain',
  async start(relay) {
    const port = await freePort();
    const place = mkdtempSync(join(directory, 'nginx-'));
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${place};`);
    writeFileSync(
      join(place, 'nginx.conf'),
      `daemon off; master_process off; ${process.getuid?.() === 0 ? 'user root;' : ''} pid ${place}/pid; events {}
       http { access_log off; ${temporary.join(' ')}
         server { listen 127.0.0.1:${port};
           location / { proxy_pass http://127.0.0.1:${relay.port}; proxy_set_header Host $http_host; proxy_buffering off; }
         } }`,
    );
    const child = spawn('/usr/sbin/nginx', ['-c', join(place, 'nginx.conf'), '-e', join(place, 'error.log')]);
    await until('nginx', async () => (await rawHttp(port, request('GET', '/'), 500)).status === 200);
    const stop = async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    };
    return { origin: `http://127.0.0.1:${port}`, stop };
  },
};

/** Ways to cut a reply; `isFlood`: the client stops reading in the middle of an endless one. */
const CUTS: [name: string, isFlood: boolean, cut: (relay: TestRelay, cookie: string, abort: () => void) => unknown][] =
  [
    ['sign-out', false, (relay, cookie) => signOut(relay, cookie)],
    ['sign-out of a client that does not read', true, (relay, cookie) => signOut(relay, cookie)],
    ['shutdown', false, (relay) => relay.relay.close(300)],
    ['shutdown, and the client does not read', true, (relay) => relay.relay.close(300)],
    ['the limit for clients that do not read', true, () => {}],
    ['an abort of the machine', false, (_relay, _cookie, abort) => abort()],
  ];
async function signOut(relay: TestRelay, cookie: string): Promise<void> {
  assert.is((await relay.fetch('/api/auth/logout', { method: 'POST', cookie })).status, 200);
}

const REQUESTS: [name: string, args: string[]][] = [
  ['HTTP/1.0', ['--http1.0', '--no-alpn']],
  ['HTTP/1.1', ['--http1.1']],
  ['an upgrade that is answered by an ordinary reply', ['-H', 'Connection: Upgrade', '-H', 'Upgrade: x']],
];

for (const front of [direct('plain'), direct('TLS'), nginx]) {
  for (const [asked, args] of REQUESTS) {
    // To an HTTP/1.0 client nginx itself can only say the end by closing.
    if (front === nginx && asked === 'HTTP/1.0') continue;
    for (const [name, isFlood, cut] of CUTS) {
      test(`${front.name}, ${asked}: ${name}: curl fails`, async () => {
        const { machine, abort, closed } = fileServer();
        useTransport(front.transport);
        const relay = await startRelay({ machine, limits: { stallMs: STALL_MS } });
        const way = await front.start(relay);
        const file = join(directory, 'got');
        rmSync(file, { force: true });
        let curl: ChildProcess | null = null;
        try {
          const cookie = await relay.login();
          const url = `${way.origin}/api/${isFlood ? 'flood' : 'part'}`;
          const fields = ['-H', `Cookie: ${cookie}`, '-H', `Origin: ${way.origin}`];
          curl = spawn('curl', ['-sk', '-N', '-o', file, ...args, ...fields, url]);
          await until('a part of the reply', () => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) >= PART);
          if (isFlood) curl.kill('SIGSTOP');
          await cut(relay, cookie, abort);
          await until('the end of the exchange', closed);
          curl.kill('SIGCONT');
          const [code] = curl.exitCode === null ? await once(curl, 'close') : [curl.exitCode];
          assert.is.not(code, 0, `curl takes ${statSync(file).size} bytes for the whole`);
        } finally {
          curl?.kill('SIGKILL');
          await way.stop();
          await relay.close();
        }
      });
    }
  }
}

test.run();
