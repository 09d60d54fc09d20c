/**
 * Three machines at one relay, each with a canary in everything that it says and in everything that is said to it, while
 * tunnels and browsers are cut: no record, request, answer, event, message or cookie has the canary of another machine.
 */
import { randomUUID } from 'node:crypto';
import { Agent as PlainAgent, type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startTunnelClient, type TunnelHandle } from '../../../agent/tunnel/client.ts';
import type { MachineEntry } from '../../../core/api/machines.ts';
import type { Handler, HttpRequest, HttpResponse } from '../../../core/http/types.ts';
import { silentLog } from '../../../core/log.ts';
import { accept, type Connection, dial } from '../../../core/websocket/mod.ts';
import { seeded } from '../../support/fakes/seeded.ts';
import { startRelay, type TestRelay, TOKEN } from '../../support/harness/relay.ts';
import { tapTunnels, type TunnelTap } from '../../support/harness/tunnel-tap.ts';
import { until } from '../../support/harness/tunnel-pair.ts';
import { createThrottledLink, CUTS, type ThrottledLink } from '../../support/network/throttled-link.ts';
import { isTls, originAt, webSocketAt } from '../../support/network/transport.ts';

const IDS = ['machine1', 'machine2', 'machine3'];
const ROUNDS = 40;
/** In every so many rounds one tunnel is cut. */
const CUT_EVERY = 5;
const SEED = Number(process.env.SEED ?? 18);
/** Body of an answer at most, bytes: more than a record and less than a window. */
const MAX_BODY = 100_000;

const canary = (id: string, where: string) => `canary-${id}-${where}`;
/** The machines whose canaries a text has. */
const owners = (text: string) => new Set(Array.from(text.matchAll(/canary-(machine\d)/g), ([, id]) => id!));

interface Canaries {
  id: string;
  tunnel: TunnelHandle;
  cable: ThrottledLink;
  /** All that reached its handler. */
  heard: string;
}

/** What the machines' ends of tunnels and the readers have seen of whom: `who saw what`, of every canary that is not theirs. */
const leaks: string[] = [];
function see(who: string, id: string, text: string): number {
  const seen = owners(text);
  for (const owner of seen) {
    if (owner === id) continue;
    const at = text.indexOf(`canary-${owner}`);
    leaks.push(`${who} of ${id}: …${text.slice(Math.max(0, at - 60), at + 60)}`);
  }
  return seen.size;
}

/** Every field that a machine may try, allowed or not. */
const fieldsOf = (id: string, n: number) => ({
  'Content-Type': `text/plain; charset=${canary(id, 'type')}`,
  ETag: `"${canary(id, `etag-${n}`)}"`,
  'Content-Language': canary(id, 'language'),
  'Server-Timing': canary(id, 'timing'),
  'Set-Cookie': [`${canary(id, 'name')}=1; Path=/`, `am=${canary(id, 'value')}; Path=/m/`],
  Location: `/m/machine1/api/x?${canary(id, 'location')}`,
  Link: `</${canary(id, 'link')}>; rel=preload`,
  'X-Canary': canary(id, 'field'),
  'X-Relay-Device': canary(id, 'word'),
  Vary: canary(id, 'vary'),
  Trailer: 'X-Canary, ETag, Set-Cookie',
});

function machineHandler(machine: Canaries, random: () => number): Handler {
  const { id } = machine;
  const hear = (text: string) => {
    machine.heard += `${text}\n`;
    see('handler', id, text);
  };
  return (req, res) => {
    hear(`${req.method} ${req.url} ${req.peer} ${req.rawHeaders.join('\n')}`);
    if (req.headers.upgrade) return void talk(id, accept(req, res), hear);
    if (req.url.startsWith('/api/stream')) return stream(id, res);
    if (req.headers['x-relay-event']) return void (res.writeHead(200), res.end('{}'));
    let body = '';
    req.on('data', (chunk) => body += chunk);
    req.on('end', () => {
      hear(`${body} ${(req as HttpRequest & { rawTrailers?: string[] }).rawTrailers?.join('\n')}`);
      answer(id, res, Math.floor(random() * MAX_BODY));
    });
  };
}
function answer(id: string, res: HttpResponse, size: number): void {
  res.inform?.(103, { ...fieldsOf(id, 103), 'X-Early': canary(id, 'early') });
  res.writeHead(200, fieldsOf(id, size));
  res.write(`${canary(id, 'body')} `.repeat(Math.ceil(size / 20)));
  (res as HttpResponse & { addTrailers?: (fields: object) => void }).addTrailers?.({
    'X-Canary': canary(id, 'trailer'),
    ETag: canary(id, 'trailing-etag'),
    'Set-Cookie': `t=${canary(id, 'trailing-cookie')}`,
  });
  res.end();
}
function stream(id: string, res: HttpResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  let n = 0;
  const timer = setInterval(
    () => res.write(`id: ${canary(id, 'event-id')}\ndata: ${canary(id, `event-${n++}`)}\n\n`),
    5,
  );
  res.once('close', () => clearInterval(timer));
}
function talk(id: string, socket: Connection | null, hear: (text: string) => void): void {
  if (!socket) return;
  socket.onmessage = (data) => {
    hear(String(data));
    socket.send(`${canary(id, 'echo')} ${'x'.repeat(String(data).length % 3000)}`);
    socket.send(Buffer.from(canary(id, 'binary')));
  };
}

async function startMachine(id: string, relay: TestRelay): Promise<Canaries> {
  const cable = await createThrottledLink();
  const url = new URL(cable.to(relay.port));
  if (isTls()) url.protocol = 'wss:';
  let networks = 0;
  const machine: Canaries = { id, tunnel: undefined!, cable, heard: '' };
  machine.tunnel = startTunnelClient({
    url: url.href,
    token: TOKEN,
    info: { name: canary(id, 'name'), version: canary(id, 'version') },
    id: () => id,
    log: silentLog,
    handler: machineHandler(machine, seeded(SEED + Number(id.at(-1)))),
    // It comes back at once, however often it is cut.
    network: () => String(networks++),
  });
  return machine;
}

/** One browser: its connections are used for all machines in turn, and what it is given it sends to all. */
class Browser {
  readonly #relay: TestRelay;
  readonly #login: string;
  /** Four are taken by event streams. */
  readonly #agent = new (isTls() ? TlsAgent : PlainAgent)({ keepAlive: true, maxSockets: 4 + 3 });
  /** Cookies that answers have set. */
  readonly jar: string[] = [];
  /** Answers that came whole, and those that were cut off. */
  whole = 0;
  cut = 0;

  constructor(relay: TestRelay, login: string) {
    this.#relay = relay;
    this.#login = login;
  }
  close(): void {
    this.#agent.destroy();
  }

  /** The cookie of each machine, as if they had set one by script: one origin has one jar. */
  get cookie(): string {
    return [this.#login, ...IDS.map((id) => `theirs-${id}=${canary(id, 'cookie')}`), ...this.jar].join('; ');
  }
  start(path: string, headers: Record<string, string>, method = 'POST'): ClientRequest {
    const send = isTls() ? tlsRequest : plainRequest;
    const fields = { cookie: this.cookie, origin: this.#relay.origin, ...headers };
    return send(originAt(this.#relay.port) + path, { method, headers: fields, agent: this.#agent });
  }

  /** Says its canaries to a machine and reads the answer. `cutAfter`: ms until the browser goes away. */
  async ask(id: string, cutAfter: number | null): Promise<void> {
    const to = (where: string) => canary(id, `said-${where}`);
    const req = this.start(`/m/${id}/api/answer?q=${to('query')}`, {
      ...{ 'x-said': to('field'), authorization: `Bearer ${to('authorization')}`, 'transfer-encoding': 'chunked' },
      ...{ trailer: 'x-said-trailer', 'content-type': 'text/plain', te: 'trailers', 'accept-language': to('language') },
    });
    const timer = cutAfter === null ? null : setTimeout(() => req.destroy(), cutAfter);
    const text = await this.#read(id, req, `${to('body')} `.repeat(1 + id.length * 50), {
      'x-said-trailer': to('trailer'),
    });
    if (timer) clearTimeout(timer);
    if (text === null) return void this.cut++;
    this.whole++;
    for (const part of ['etag', 'language', 'body', 'trailer']) assert.ok(text.includes(canary(id, part)), part);
  }
  /** @returns null: it was cut off, or the tunnel was down */
  #read(id: string, req: ClientRequest, body: string, trailers: Record<string, string>): Promise<string | null> {
    return new Promise((resolve) => {
      let text = '';
      req.on('information', ({ rawHeaders }) => text += rawHeaders.join('\n'));
      req.on('response', (res: IncomingMessage) => {
        text += res.rawHeaders.join('\n');
        this.jar.push(...(res.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]!));
        res.on('data', (chunk) => text += chunk);
        res.on('close', () => {
          text += res.rawTrailers.join('\n');
          see('browser', id, text);
          resolve(res.complete && res.statusCode === 200 ? text : null);
        });
      });
      req.on('error', () => resolve(null));
      req.write(body);
      req.addTrailers(trailers);
      req.end();
    });
  }

  /** Reads a machine's events until it is stopped, again after every cut. @returns how many events there were */
  async follow(id: string, path: string, signal: AbortSignal): Promise<number> {
    let events = 0;
    while (!signal.aborted) {
      await new Promise<void>((done) => {
        const req = this.start(path, {}, 'GET');
        const stop = () => req.destroy();
        signal.addEventListener('abort', stop);
        req.on('response', (res: IncomingMessage) => {
          res.on('data', (chunk) => {
            if (see('events', id, String(chunk)) > 0) events++;
          });
          res.on('close', done);
        });
        req.on('error', () => done());
        req.on('close', () => (signal.removeEventListener('abort', stop), done()));
        req.end();
      });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return events;
  }
  /** Talks with a machine over WebSockets until it is stopped. @returns how many messages it got */
  async talk(id: string, signal: AbortSignal): Promise<number> {
    let messages = 0;
    const headers = { cookie: this.cookie, origin: this.#relay.origin, 'x-said': canary(id, 'socket') };
    while (!signal.aborted) {
      const url = webSocketAt(this.#relay.port, `/m/${id}/api/live?${canary(id, 'socket-query')}`);
      const socket = await dial(url, { headers }).catch(() => null);
      if (!socket) await new Promise((resolve) => setTimeout(resolve, 10));
      else {
        const timer = setInterval(() => socket.send(`${canary(id, 'said')} ${randomUUID()}`), 5);
        socket.onmessage = (data) => {
          messages++;
          see('socket', id, String(data));
        };
        const stop = () => socket.close(1000, '');
        signal.addEventListener('abort', stop);
        if (signal.aborted) stop(); // while it was being opened
        await socket.closed;
        clearInterval(timer);
        signal.removeEventListener('abort', stop);
      }
    }
    return messages;
  }
}

/** Every record that an end of a tunnel opened has canaries of the machine of that tunnel and of no other. */
function checkRecords(tap: TunnelTap): number {
  let records = 0;
  for (const texts of tap.ends.values()) {
    const id = /"id":"(machine\d)"/.exec(texts[0]!)?.[1];
    assert.ok(id, texts[0]);
    for (const text of texts) records += Number(see('record', id, text) > 0);
  }
  return records;
}

/** What the relay says of its machines, to the page and to whoever listens: each entry has what its machine said. */
async function checkEntries(relay: TestRelay, cookie: string): Promise<void> {
  const entries = await (await relay.fetch('/api/relay/machines', { cookie })).json() as MachineEntry[];
  assert.equal(entries.map(({ id }) => id), IDS);
  for (const entry of entries) {
    see('entry', entry.id, JSON.stringify(entry));
    assert.equal([entry.name, entry.version], [canary(entry.id, 'name'), canary(entry.id, 'version')]);
  }
  const status = await (await relay.fetch('/api/relay/status', { cookie })).json() as { machine: { id: string } };
  see('status', status.machine.id, JSON.stringify(status));
}

/** Follows `/api/relay/events` of all machines. */
function relayEvents(browser: Browser): { machines: Set<string>; stop(): void } {
  const machines = new Set<string>();
  const req = browser.start('/api/relay/events?machines=1', {}, 'GET');
  let text = '';
  req.on('response', (res: IncomingMessage) =>
    res.on('data', (chunk) => {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        const id = /^event: machine\ndata: .*"machine":{"id":"(machine\d)"/.exec(block)?.[1];
        if (id) machines.add(id);
        if (id) see('relay event', id, block);
      }
    }));
  req.on('error', () => {});
  req.end();
  return { machines, stop: () => void req.destroy() };
}

/** In each round all machines are asked side by side; some answers, some tunnels are cut. */
async function ask(browser: Browser, machines: readonly Canaries[]): Promise<void> {
  const random = seeded(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const { cable } = machines[round % IDS.length]!;
    // Not `kill`: both ends of the tunnel are in this process.
    const how = CUTS[Math.floor(random() * 3)]!;
    if (round % CUT_EVERY === CUT_EVERY - 1) setTimeout(() => cable.cut(how), random() * 20);
    await Promise.all(IDS.map((id) => browser.ask(id, random() < 0.2 ? random() * 15 : null)));
  }
}

test(`canaries of three machines, ${ROUNDS} rounds (seed ${SEED}): none gets to another`, async () => {
  const tap = tapTunnels((fields) => {
    const id = String(fields.id);
    const key = { publicKey: canary(id, 'public-key'), privateKey: canary(id, 'private-key') };
    return {
      ...fields,
      pushKey: key,
      token: `amt_${canary(id, 'token')}`,
      cookie: canary(id, 'hello'),
      spreadMs: canary(id, 'spread'),
    };
  });
  const relay = await startRelay();
  const cookie = await relay.login();
  const browser = new Browser(relay, cookie);
  const events = relayEvents(browser);
  const machines: Canaries[] = [];
  for (const id of IDS) machines.push(await startMachine(id, relay));
  const connected = () => machines.every(({ tunnel }) => tunnel.state().kind === 'connected');
  await until(connected);
  const stop = new AbortController();
  const streams = IDS.map((id) => browser.follow(id, `/m/${id}/api/stream?${canary(id, 'stream')}`, stop.signal));
  const sockets = IDS.map((id) => browser.talk(id, stop.signal));
  await ask(browser, machines);
  await until(connected);
  for (const id of IDS) await browser.ask(id, null);
  await checkEntries(relay, cookie);
  stop.abort();
  const counts = { events: await Promise.all(streams), messages: await Promise.all(sockets) };
  events.stop();
  browser.close();
  await Promise.all(machines.map(({ tunnel }) => tunnel.close(0)));
  await relay.close();
  for (const { cable } of machines) cable.close();
  tap.remove();

  const records = checkRecords(tap);
  assert.equal(leaks, []);
  assert.equal(browser.jar, [], 'no cookie was set');
  for (const { id, heard } of machines) {
    for (const part of ['query', 'field', 'body', 'trailer', 'language']) {
      assert.ok(heard.includes(canary(id, `said-${part}`)), part);
    }
    for (const part of ['cookie', 'said-authorization']) assert.not.ok(heard.includes(canary(id, part)), part);
    assert.ok(heard.includes(canary(id, 'stream')) && heard.includes(canary(id, 'socket')));
  }
  assert.ok(browser.whole > ROUNDS && browser.cut > 10, `${browser.whole} whole, ${browser.cut} cut`);
  for (const count of [...counts.events, ...counts.messages]) assert.ok(count > 50, JSON.stringify(counts));
  assert.equal([...events.machines].sort(), IDS);
  const cuts = machines.reduce((sum, { cable }) => sum + cable.cuts, 0);
  console.log(
    `${browser.whole} answers whole, ${browser.cut} cut, ${cuts} tunnels cut; ${records} records with canaries; ${
      JSON.stringify(counts)
    }`,
  );
});

test.run();
