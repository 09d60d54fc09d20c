/** The terminal's view against a scripted server: what it asks for, acknowledges and sends again, connection by connection. */
import { Buffer } from 'node:buffer';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Api } from '../../../cli/client/api.ts';
import { type Screen, TerminalSession } from '../../../cli/client/terminal-session.ts';
import { parseHello, type TerminalHello, type TerminalMessage } from '../../../core/api/terminals.ts';
import { createHttpServer, type HttpServer } from '../../../core/http/server.ts';
import { silentLog } from '../../../core/log.ts';
import { accept, type Connection } from '../../../core/websocket/mod.ts';

const test = suite('terminal session');

interface Visit {
  hello: TerminalHello;
  socket: Connection;
  /** What the client sent on this connection. */
  texts: Record<string, unknown>[];
  input: string;
  say(message: TerminalMessage): void;
  show(text: string): void;
}

let server: HttpServer;
let visits: Visit[];
let drawn: string;
let isCovered: boolean;
let session: TerminalSession;
let running: Promise<unknown>;
/** Statuses that refuse the next connections. */
let refusals: number[];

const screen: Screen = {
  reset: () => {
    isCovered = false;
    drawn += '<reset>';
  },
  write: (bytes, shown) => {
    drawn += Buffer.from(bytes).toString();
    setImmediate(shown);
  },
  setAway: () => {},
  get isCovered() {
    return isCovered;
  },
};

test.before.each(async () => {
  visits = [];
  refusals = [];
  drawn = '';
  isCovered = false;
  server = createHttpServer({
    log: silentLog,
    handler: (req, res) => {
      const status = refusals.shift();
      if (status) return res.writeHead(status, { 'content-length': '0' }), void res.end();
      const socket = accept(req, res, {})!;
      const hello = parseHello(new URL(req.url, 'http://x').searchParams)!;
      const visit: Visit = {
        hello,
        socket,
        texts: [],
        input: '',
        say: (message) => void socket.send(JSON.stringify(message)),
        show: (text) => void socket.send(Buffer.from(text)),
      };
      socket.onmessage = (data) => {
        if (typeof data === 'string') visit.texts.push(JSON.parse(data));
        else visit.input += data.toString();
      };
      visits.push(visit);
    },
  });
  const { port } = await server.listen(0, '127.0.0.1') as Pick<AddressInfo, 'port'>;
  const api = new Api({
    origin: `http://127.0.0.1:${port}`,
    cookie: '',
    ca: '',
    userAgent: 'test',
    signal: new AbortController().signal,
    loginHint: '',
    offlineHint: '',
  });
  session = new TerminalSession(api, 'terminal', screen, { cols: 90, rows: 30 }, { random: () => 0 });
  running = session.run();
  running.catch(() => {});
});
test.after.each(async () => {
  session.detach();
  for (const { socket } of visits) socket.terminate();
  await server.close(0);
});

async function seen<T>(check: () => T | undefined | false): Promise<T> {
  for (const end = Date.now() + 5_000;;) {
    const value = check();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`not seen; drawn ${JSON.stringify(drawn)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
const visit = (n: number) => seen(() => visits[n - 1]);
const attached = (offset: number, more: Partial<Extract<TerminalMessage, { type: 'attached' }>> = {}) =>
  ({ type: 'attached', offset, reset: false, repaint: 0, cols: 90, rows: 30, input: 0, ...more }) as const;

test('goes on at the byte where it was cut, and acknowledges what was drawn', async () => {
  const first = await visit(1);
  assert.equal([first.hello.offset, first.hello.cols, first.hello.rows], [null, 90, 30]);
  first.say(attached(100, { reset: true, repaint: 4 }));
  first.show('PA');
  first.show('NT');
  first.show('hello');
  await seen(() => first.texts.some(({ type, offset }) => type === 'ack' && offset === 105));
  first.show('lost?');
  await seen(() => drawn.endsWith('lost?'));
  first.socket.terminate();
  const second = await visit(2);
  assert.equal([second.hello.offset, second.hello.client], [110, first.hello.client]);
  second.say(attached(110));
  second.show(' world');
  await seen(() => drawn === '<reset>PANThellolost? world');
});

test('a repaint that was cut off is asked for again as a whole', async () => {
  const first = await visit(1);
  first.say(attached(100, { reset: true, repaint: 10 }));
  first.show('half');
  await seen(() => drawn.endsWith('half'));
  first.socket.terminate();
  assert.is((await visit(2)).hello.offset, null);
});

test('a screen that something was drawn over is asked for again, also when that was done during the handshake', async () => {
  const first = await visit(1);
  first.say(attached(100));
  isCovered = true;
  first.socket.terminate();
  const second = await visit(2);
  assert.is(second.hello.offset, null);
  second.say(attached(100, { reset: true }));
  await seen(() => drawn.endsWith('<reset>'));
  second.socket.terminate();
  const third = await visit(3);
  assert.is(third.hello.offset, 100);
  isCovered = true;
  third.say(attached(100));
  const fourth = await visit(4);
  assert.equal([fourth.hello.offset, fourth.hello.client], [null, first.hello.client]);
});

test('what was drawn before a repaint in mid-connection is not acknowledged after it', async () => {
  const first = await visit(1);
  first.say(attached(0));
  first.show('x'.repeat(1000));
  first.say(attached(500_000, { reset: true }));
  first.show('y');
  await seen(() => first.texts.some(({ offset }) => offset === 500_001));
  const acks = first.texts.filter(({ type }) => type === 'ack').map(({ offset }) => offset);
  assert.ok(acks.every((offset) => offset === 1000 || offset === 500_001), acks.join());
});

test('input waits for the first attach, and what the server has not got is sent again', async () => {
  session.input(Buffer.from('early '));
  const first = await visit(1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(first.input, '');
  first.say(attached(0, { input: 0 }));
  await seen(() => first.input === 'early ');
  session.input(Buffer.from('typed'));
  await seen(() => first.input === 'early typed');
  first.socket.terminate();
  session.input(Buffer.from(' away'));
  const second = await visit(2);
  second.say(attached(0, { input: 8 }));
  await seen(() => second.input === 'ped away');
  second.socket.terminate();
  const third = await visit(3);
  third.say(attached(0, { input: null }));
  session.input(Buffer.from('!'));
  await seen(() => third.input === '!');
});

test('the end of the program is the result; one that is gone or refuses for good ends it with a reason', async () => {
  const first = await visit(1);
  first.say(attached(0));
  first.say({ type: 'exit', code: 3, signal: 0 });
  assert.equal(await running, { code: 3, signal: 0 });
});

for (
  const [status, text] of [[404, /not there any more/], [401, /login has ended/], [400, /refused \(400\)/]] as const
) {
  test(`a refusal with ${status} is final${status === 404 ? ', one with 502 is not' : ''}`, async () => {
    const first = await visit(1);
    refusals = status === 404 ? [502, status] : [status];
    first.socket.terminate();
    await running.then(() => assert.unreachable(), (error) => assert.match(error.message, text));
    assert.is(visits.length, 1);
    assert.equal(refusals, []);
  });
}

test('closed by the server for good', async () => {
  (await visit(1)).socket.close(4404);
  await running.then(() => assert.unreachable(), (error) => assert.match(error.message, /was closed/));
});

test.run();
