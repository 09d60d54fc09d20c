/** The relay's own certificates from pebble, a real ACME server: by both challenges, for names and addresses, and renewed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import { startTunnelClient, type TunnelHandle } from '../../agent/tunnel/client.ts';
import { silentLog } from '../../core/log.ts';
import type { Handler } from '../../core/http/types.ts';
import { accept, type Connection, dial } from '../../core/websocket/mod.ts';
import { parseIdentifier } from '../../relay/acme/identifier.ts';
import { createTransport } from '../../relay/acme/transport.ts';
import { type FakeClock, fakeClock } from '../support/fakes/fake-clock.ts';
import { type Pebble, startPebble } from '../support/harness/pebble.ts';
import { freePort, until } from '../support/harness/product.ts';
import { startRelay, type TestRelay, TOKEN } from '../support/harness/relay.ts';
import { rawHttp } from '../support/network/raw-http.ts';
import { endByExit } from '../support/network/transport.ts';

const DAY = 86_400_000;
const NAME = 'relay.example.net';
/** Leads to an address where nobody listens. */
const CLOSED = 'closed.example.net';
/** Leads to a server that is not the relay. */
const OTHER = { name: 'other.example.net', address: '127.0.0.78' };

let directory: string;
test.before(() => void (directory = mkdtempSync(join(tmpdir(), 'acme-'))));
endByExit();
test.after(() => rmSync(directory, { recursive: true }));

/** A clock that goes on with the real one, and further when it is told to. */
function runningClock(): { clock: FakeClock; stop: () => void } {
  const clock = fakeClock(Date.now());
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    clock.advance(now - last);
    last = now;
  }, 20);
  return { clock, stop: () => clearInterval(timer) };
}

interface Setup {
  relay: TestRelay;
  pebble: Pebble;
  clock: FakeClock;
  /** The root of the certificates, PEM. */
  root: string;
  file: string;
  httpPort: number;
  close(): Promise<void>;
}

interface SetupOptions {
  names: string[];
  /** The challenge that pebble can reach (the other's port is closed); both otherwise. */
  only?: 'tls-alpn-01' | 'http-01';
  nonceReject?: number;
  validity?: number;
  host?: string;
  httpPort?: number;
}

async function setUp(options: SetupOptions): Promise<Setup> {
  const { names, only, nonceReject = 20, validity, host = '127.0.0.1' } = options;
  const [port, closedPort] = await Promise.all([freePort(), freePort()]);
  const httpPort = options.httpPort ?? await freePort();
  const work = mkdtempSync(join(directory, 'x-'));
  const pebble = await startPebble({
    directory: work,
    tlsPort: only === 'http-01' ? closedPort! : port!,
    httpPort: only === 'tls-alpn-01' ? closedPort! : httpPort!,
    names: { [NAME]: '127.0.0.1', [CLOSED]: '127.0.0.77', [OTHER.name]: OTHER.address },
    nonceReject,
    ...(validity ? { validity } : {}),
  });
  const { clock, stop } = runningClock();
  const file = join(work, 'relay.acme.json');
  const identifiers = names.map((name) => parseIdentifier(name)!);
  const relay = await startRelay({
    port: port!,
    host,
    domains: names,
    acme: { identifiers, directory: pebble.directory, email: 'owner@example.net', file, httpPort },
    authority: { transport: createTransport('test', pebble.ca), clock, random: () => 0.5 },
  });
  await relay.relay.certified();
  return {
    relay,
    pebble,
    clock,
    root: await pebble.root(),
    file,
    httpPort,
    async close() {
      await relay.close();
      stop();
      await pebble.close();
    },
  };
}

/** Connects as a browser does: the certificate must be good for this name or address. */
function trusting({ relay, root }: Setup, name: string): Promise<TLSSocket> {
  const isAddress = parseIdentifier(name)!.type === 'ip';
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: name.includes(':') ? name : '127.0.0.1',
      port: relay.port,
      ca: root,
      ALPNProtocols: ['http/1.1'],
      ...(isAddress ? {} : { servername: name }),
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    }, () => resolve(socket));
    socket.on('error', reject);
  });
}

async function serial(setup: Setup, name: string): Promise<string> {
  const socket = await trusting(setup, name);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

for (const only of ['tls-alpn-01', 'http-01'] as const) {
  for (const names of [[NAME], ['127.0.0.1'], [NAME, 'two.example.net', '127.0.0.1']]) {
    test(`${only}: a certificate for ${names.join(', ')} that a browser trusts`, async () => {
      const setup = await setUp({ names, only });
      try {
        for (const name of names) assert.match(await serial(setup, name), /^[0-9A-F]+$/);
        assert.is(setup.relay.relay.waiting(), null);
        assert.is(statSync(setup.file).mode & 0o777, 0o600);
        const redirect = await rawHttp(
          setup.httpPort,
          `GET /x HTTP/1.1\r\nhost: ${names[0]}\r\nconnection: close\r\n\r\n`,
        );
        assert.match(redirect.text, new RegExp(`location: https://${names[0]}:${setup.relay.port}/x\r\n`, 'i'));
      } finally {
        await setup.close();
      }
    });
  }
}

test('tls-alpn-01 for an IPv6 address', async () => {
  const setup = await setUp({ names: ['::1'], only: 'tls-alpn-01', host: '::1' });
  try {
    assert.match(await serial(setup, '::1'), /^[0-9A-F]+$/);
  } finally {
    await setup.close();
  }
});

test('every other good nonce is refused: it takes longer, and works', async () => {
  const setup = await setUp({ names: [NAME], nonceReject: 50 });
  try {
    assert.match(await serial(setup, NAME), /./);
    assert.match(setup.pebble.output(), /badNonce|nonce/i);
  } finally {
    await setup.close();
  }
});

test('a name that leads nowhere and one that leads to another server: the others get theirs, and it is said', async () => {
  const httpPort = await freePort();
  const other = createServer((_req, res) => res.writeHead(404).end('not the relay'));
  await new Promise<void>((resolve) => other.listen(httpPort, OTHER.address, resolve));
  const setup = await setUp({ names: [NAME, CLOSED, OTHER.name], nonceReject: 0, httpPort });
  try {
    assert.match(await serial(setup, NAME), /./);
    const lines = setup.relay.lines.join('\n');
    assert.match(lines, /cannot connect to closed\.example\.net on port 80: open that port/);
    assert.match(
      lines,
      /other\.example\.net leads to another server or a proxy.*let its A and AAAA records point here/,
    );
  } finally {
    other.close();
    await setup.close();
  }
});

test('nothing but wrong names: a page says why, and nobody can log in', async () => {
  const setup = await setUp({ names: [CLOSED], nonceReject: 0 });
  try {
    const reason = /cannot connect to closed\.example\.net/;
    assert.match(setup.relay.relay.waiting()!, reason);
    const plain = await rawHttp(setup.httpPort, `GET / HTTP/1.1\r\nhost: ${CLOSED}\r\nconnection: close\r\n\r\n`);
    assert.is(plain.status, 503);
    assert.match(plain.text, reason);
    for (const [method, path] of [['GET', '/'], ['POST', '/api/auth/login'], ['GET', '/api/agents']] as const) {
      const { status, text } = await insecurely(setup.relay.port, method, path);
      assert.is(status, 503, path);
      assert.match(text, reason);
    }
    assert.is((await insecurely(setup.relay.port, 'GET', '/api/relay/status')).status, 200);
  } finally {
    await setup.close();
  }
});

function insecurely(port: number, method: string, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, rejectUnauthorized: false, agent: false };
    const req = request(options, async (res) => {
      let text = '';
      for await (const chunk of res) text += chunk;
      resolve({ status: res.statusCode!, text });
    });
    req.on('error', reject);
    req.end();
  });
}

// ---- renewal under load

/** Bytes of the download, in slices whose pace the test sets. */
const SLICE = 64 * 1024;
const SLICES = 120;
const slice = (n: number) => Buffer.alloc(SLICE, n);

interface Machine {
  tunnel: TunnelHandle;
  /** Lets the download go on by this many slices. */
  go(slices: number): void;
}

async function startMachine(setup: Setup): Promise<Machine> {
  let allowed = 0;
  let resume = () => {};
  const handler: Handler = async (req, res) => {
    if (req.headers.upgrade) {
      const socket = accept(req, res);
      if (socket) socket.onmessage = (message) => void socket.send(message as string);
      return;
    }
    res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': SLICE * SLICES });
    for (let n = 0; n < SLICES; n++) {
      while (n >= allowed) await new Promise<void>((resolve) => resume = resolve);
      if (!res.write(slice(n))) await new Promise((resolve) => res.once('drain', resolve as () => void));
    }
    res.end();
  };
  const tunnel = await new Promise<TunnelHandle>((resolve, reject) => {
    const handle: TunnelHandle = startTunnelClient({
      url: `wss://127.0.0.1:${setup.relay.port}/tunnel`,
      tls: { ca: setup.root },
      token: TOKEN,
      handler,
      info: { name: 'machine', version: '0' },
      log: silentLog,
      onState: (state) => {
        if (state.kind === 'connected') setTimeout(() => resolve(handle));
        if (state.kind === 'refused') reject(new Error(state.text));
      },
    });
  });
  const go = (slices: number) => {
    allowed += slices;
    resume();
  };
  return { tunnel, go };
}

test('renewed under open WebSockets and a running download: none is cut, new connections have the new one', async () => {
  const names = [NAME, '127.0.0.1'];
  const setup = await setUp({ names, validity: 90 * 86_400 });
  const machine = await startMachine(setup);
  const agent = new Agent({ ca: setup.root, keepAlive: true });
  const sockets: Connection[] = [];
  let states = 0;
  try {
    const { origin } = setup.relay;
    const login = await post(`${origin}/api/auth/login`, agent, origin);
    for (let n = 0; n < 8; n++) {
      const headers = { origin, cookie: login };
      sockets.push(await dial(`${origin.replace('https', 'wss')}/api/live`, { headers, tls: { ca: setup.root } }));
    }
    const received: number[] = new Array(8).fill(0);
    const closed: number[] = [];
    sockets.forEach((socket, n) => {
      socket.onmessage = (message) => received[n] = Number(message);
      socket.onclose = () => closed.push(n);
    });
    const hash = createHash('sha256');
    let bytes = 0;
    const done = new Promise<void>((resolve, reject) => {
      const req = request(`${origin}/api/big`, { agent, headers: { cookie: login } }, (res) => {
        res.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          hash.update(chunk);
        });
        res.on('end', () => resolve());
        res.on('error', reject);
        res.on('aborted', () => reject(new Error('the download was cut')));
      });
      req.on('error', reject);
      req.end();
    });
    done.catch(() => {}); // It is awaited below, unless something else fails first.
    machine.go(SLICES / 4);
    await until('a part of the download', () => bytes > 0 && bytes < SLICE * SLICES);

    const serials = [await serial(setup, NAME)];
    for (let renewal = 1; renewal <= 2; renewal++) {
      // The second is due at once by this clock, but a new certificate is left alone for 12 hours.
      setup.clock.advance(renewal === 1 ? 61 * DAY : 13 * 3_600_000);
      await until(() => `renewal ${renewal}:\n${setup.relay.lines.join('\n')}`, async () => {
        // While the challenge is open, browsers that connect by the same name must not see its certificate.
        const now = await serial(setup, NAME);
        states++;
        return now !== serials.at(-1) && serials.push(now);
      });
      machine.go(SLICES / 4);
      sockets.forEach((socket) => socket.send(String(renewal)));
      await until('echoes', () => received.every((value) => value === renewal));
    }
    machine.go(SLICES);
    await done;

    assert.is(new Set(serials).size, 3);
    assert.is(await serial(setup, '127.0.0.1'), serials[2]);
    assert.is(bytes, SLICE * SLICES);
    const expected = createHash('sha256');
    for (let n = 0; n < SLICES; n++) expected.update(slice(n));
    assert.is(hash.digest('hex'), expected.digest('hex'));
    assert.equal(closed, []);
    assert.ok(states > 2, 'nobody connected meanwhile');
  } finally {
    for (const socket of sockets) socket.terminate();
    agent.destroy();
    await machine.tunnel.close(0);
    await setup.close();
  }
});

function post(url: string, agent: Agent, origin: string): Promise<string> {
  const body = JSON.stringify({ password: 'correct horse battery staple' });
  const headers = { origin, 'content-type': 'application/json', 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const req = request(url, { method: 'POST', agent, headers }, (res) => {
      res.resume();
      res.on('end', () => resolve(res.headers['set-cookie']![0]!.split(';')[0]!));
    });
    req.on('error', reject);
    req.end(body);
  });
}

test('pebble has forgotten everything, account and all, and then is away: served on, renewed when it is back', async () => {
  const setup = await setUp({ names: [NAME], validity: 90 * 86_400, nonceReject: 0 });
  try {
    const first = await serial(setup, NAME);
    await setup.pebble.restart();
    const root = await setup.pebble.root();
    setup.clock.advance(61 * DAY);
    await until(() => `the renewal:\n${setup.relay.lines.join('\n')}`, async () => {
      const socket = await trusting({ ...setup, root }, NAME).catch(() => null);
      socket?.destroy();
      return socket !== null;
    });
    assert.is.not(await serial({ ...setup, root }, NAME), first);
  } finally {
    await setup.close();
  }
});

test.run();
