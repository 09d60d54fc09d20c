/** Requests whose body was never sent to its end: they are no tries of a password, and no failure of the relay's. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { MAX_TRIES, MAX_UNFINISHED } from '../../../core/auth/tries.ts';
import { until } from '../../support/harness/tunnel-pair.ts';
import { PASSWORD, startRelay, type TestRelay } from '../../support/harness/relay.ts';
import { fieldsOf, rawHttp, request } from '../../support/network/raw-http.ts';
import { isTls, transport } from '../../support/network/transport.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const login = (password: string) => request('POST', '/api/auth/login', JSON_TYPE, JSON.stringify({ password }));
/** A request that has one byte of its body, of 1000. */
const unfinished = (method: string, path: string, fields: Record<string, string> = {}) =>
  request(method, path, { ...JSON_TYPE, ...fields, 'content-length': '1000' }) + '{';

interface Left {
  socket: Socket;
  text: () => string;
}

async function send(relay: TestRelay, bytes: string): Promise<Left> {
  const socket = transport().connect(relay.port);
  let text = '';
  socket.on('data', (chunk) => text += chunk.toString('latin1'));
  socket.on('error', () => {});
  await once(socket, isTls() ? 'secureConnect' : 'connect');
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  return { socket, text: () => text };
}

async function withRelay(run: (relay: TestRelay) => Promise<void>): Promise<void> {
  const relay = await startRelay({ domains: ['relay.test'] });
  try {
    await run(relay);
  } finally {
    await relay.close();
  }
}

const statusOf = async (relay: TestRelay, password: string) =>
  (await rawHttp(relay.port, login(password), 10_000)).status;
/** Connections that the relay still has work with are closed when it has heard of the end. */
const heard = () => new Promise((resolve) => setTimeout(resolve, 100));

const TRIES: [method: string, path: string][] = [
  ['POST', '/api/auth/login'],
  ['POST', '/api/auth/pair/claim'],
  ['POST', '/api/auth/device/renew'],
  ['POST', '/api/auth/passkey/login'],
];
for (const [method, path] of TRIES) {
  test(`who leaves in the middle of ${method} ${path} has tried nothing, and the log says nothing`, () =>
    withRelay(async (relay) => {
      for (let i = 0; i < MAX_TRIES + 2; i++) {
        const { socket } = await send(relay, unfinished(method, path));
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (i % 2) transport().reset(socket);
        else socket.destroy();
      }
      await heard();
      assert.is(await statusOf(relay, 'wrong'), 401);
      assert.is(await statusOf(relay, PASSWORD), 200);
      assert.equal(relay.lines.filter((line) => /ERROR|throttled/.test(line)), []);
    }));
}

test('unfinished logins have a bound of their own: the oldest gives way and is told so', () =>
  withRelay(async (relay) => {
    const open: Left[] = [];
    for (let i = 0; i < MAX_UNFINISHED; i++) {
      open.push(await send(relay, unfinished('POST', '/api/auth/login')));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    try {
      assert.is(await statusOf(relay, 'wrong'), 401);
      await until(() => open[0]!.text().includes('\r\n\r\n'));
      const [first] = open;
      assert.match(first!.text(), /^HTTP\/1\.1 429 /);
      assert.match(first!.text(), /"code":"too_many_unfinished"/);
      assert.not.match(first!.text(), /wrong password/i);
      assert.is(fieldsOf(first!.text())['retry-after'], '1');
      assert.is(await statusOf(relay, PASSWORD), 200, 'nobody is kept out');
      assert.is(open[2]!.text(), '', 'and no more than was needed gave way');
    } finally {
      for (const { socket } of open) socket.destroy();
    }
  }));

test('a try that is finished counts, whatever its body says', () =>
  withRelay(async (relay) => {
    const statuses: number[] = [];
    for (
      const body of ['{', '[]', '"x"', '{"password":1}', '{}', '[', ']', 'x', '{"password":"a"}', '{"a":1,"a":1}', '{}']
    ) {
      const reply = await rawHttp(relay.port, request('POST', '/api/auth/login', JSON_TYPE, body), 10_000);
      statuses.push(reply.status);
    }
    assert.is(statuses.filter((status) => status !== 429).length, MAX_TRIES);
    assert.is(statuses.at(-1), 429);
  }));

test('who leaves in the middle of any other body is no failure of the relay', () =>
  withRelay(async (relay) => {
    const cookie = await relay.login();
    const fields = { cookie, host: `127.0.0.1:${relay.port}`, origin: relay.origin };
    const routes: [string, string][] = [
      ['POST', '/api/auth/device'],
      ['PUT', '/api/auth/devices/x'],
      ['POST', '/api/auth/passkeys'],
      ['PUT', '/api/auth/step-up'],
      ['PUT', '/api/relay/machines/x'],
    ];
    for (const [method, path] of routes) {
      const { socket } = await send(relay, unfinished(method, path, fields));
      await new Promise((resolve) => setTimeout(resolve, 10));
      socket.destroy();
    }
    await heard();
    assert.equal(relay.lines.filter((line) => line.includes('ERROR')), []);
  }));

test.run();
