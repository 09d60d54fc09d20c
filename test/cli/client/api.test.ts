import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Api } from '../../../cli/client/api.ts';
import { ApiError } from '../../../cli/client/errors.ts';
import { EXIT } from '../../../cli/exit-codes.ts';

const test = suite('api of the client');
type Reply = (request: http.IncomingMessage, response: http.ServerResponse) => void;
let server: http.Server;
/** Answers to the requests to come; the last one answers all further ones. */
let replies: Reply[];
let seen: { method: string; cookie: string; body: string }[];

test.before.each(async () => {
  replies = [];
  seen = [];
  server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    seen.push({ method: request.method!, cookie: request.headers.cookie ?? '', body });
    (replies.length > 1 ? replies.shift()! : replies[0]!)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
test.after.each(() => void server.close());

const api = (signal = new AbortController().signal) =>
  new Api({
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cookie: 'am_session=secret',
    ca: '',
    userAgent: 'test',
    signal,
    loginHint: 'Log in again.',
    offlineHint: 'Start it.',
  });
const cut: Reply = (request) => void request.socket.destroy();
const answer = (status: number, body: unknown): Reply => (_, response) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(
    typeof body === 'string' ? body : JSON.stringify(body),
  );
};
async function failure(call: Promise<unknown>): Promise<ApiError> {
  try {
    await call;
  } catch (error) {
    return error as ApiError;
  }
  throw new Error('it did not fail');
}

test('a call that is cut off, or whose way is broken, is made again with the same body', async () => {
  replies = [cut, answer(502, { error: 'away', code: 'tunnel_down' }), answer(200, { ok: true })];
  assert.equal(await api().command('/x', { clientId: 'a' }), { ok: true });
  assert.equal(seen.map(({ body }) => body), Array(3).fill('{"clientId":"a"}'));
  replies = [cut, answer(200, [1])];
  assert.equal(await api().get('/x'), [1]);
});

test('what was refused is not asked again; the exit code says of what kind it is', async () => {
  const cases: [number, string, number][] = [
    [401, 'login_required', EXIT.loginNeeded],
    [401, 'wrong_password', EXIT.failed],
    [404, 'not_found', EXIT.notFound],
    [409, 'already_decided', EXIT.failed],
    [410, 'request_gone', EXIT.notFound],
  ];
  for (const [status, code, exitCode] of cases) {
    seen = [];
    replies = [answer(status, { error: 'No \x1b[2J.', code })];
    const error = await failure(api().command('/x'));
    assert.is(error.exitCode, exitCode, code);
    assert.is(error.message, code === 'login_required' ? 'No ⟨U+001B⟩[2J. Log in again.' : 'No ⟨U+001B⟩[2J.');
    assert.is(seen.length, 1, code);
  }
});

test('another server is named as such, and no redirect takes the cookie along', async () => {
  let taken = 0;
  const other = http.createServer((_, response) => {
    taken++;
    response.end('{}');
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
  replies = [(_, response) => void response.writeHead(302, { location }).end()];
  const error = await failure(api().get('/x'));
  assert.match(error.message, 'sent the client elsewhere');
  assert.is(taken, 0);
  other.close();
  for (const reply of [answer(200, '<html>'), answer(404, '<html>'), answer(403, '[]'), answer(400, 'null')]) {
    replies = [reply];
    assert.is((await failure(api().get('/x'))).exitCode, EXIT.failed);
  }
});

test('nobody listens: at once, with what to do', async () => {
  const gone = api();
  await new Promise((resolve) => server.close(resolve));
  const error = await failure(gone.get('/x'));
  assert.is(error.exitCode, EXIT.unreachable);
  assert.match(error.message, /the connection was refused\. Start it\.$/);
  assert.not(error.isPassing, 'no other try');
});

test('a command that is given up ends at once, in a call and between two', async () => {
  const controller = new AbortController();
  replies = [() => controller.abort()];
  assert.is((await failure(api(controller.signal).get('/x'))).exitCode, EXIT.interrupted);
  const second = new AbortController();
  replies = [(request) => {
    request.socket.destroy();
    setTimeout(() => second.abort(), 50);
  }];
  assert.is((await failure(api(second.signal).get('/x'))).exitCode, EXIT.interrupted);
  assert.is((await failure(api(second.signal).get('/x'))).exitCode, EXIT.interrupted);
});

test('history comes page by page without gaps', async () => {
  const page = (from: number, count: number) =>
    answer(200, { messages: Array.from({ length: count }, (_, i) => ({ seq: from + i })), more: false });
  replies = [page(8, 200), page(208, 3)];
  const seqs: number[] = [];
  for await (const messages of api().messagesAfter('a', 7)) seqs.push(...messages.map(({ seq }) => seq));
  assert.equal(seqs, Array.from({ length: 203 }, (_, i) => 8 + i));
});

test.run();
