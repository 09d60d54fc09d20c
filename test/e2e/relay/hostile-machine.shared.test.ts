/** A machine that sends what no server may: the browser gets 502 or a broken connection, never a confused parser. */
import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { END, TYPE } from '../../../core/tunnel/frame.ts';
import { startProxy } from '../../support/harness/proxy-harness.ts';
import { countReplies, rawHttp, request as text } from '../../support/network/raw-http.ts';
import { closeHostilePeers, frame, head, type HostilePeer, hostilePeer } from '../../support/fakes/hostile-peer.ts';
import { until } from '../../support/harness/tunnel-pair.ts';

/** Asks once; the machine answers with these frames. A second request on the connection shows what the client would parse. */
async function answered(frames: Buffer[], ask = text('GET', '/', { connection: 'keep-alive' })) {
  const machine = await hostilePeer('relay');
  const proxy = await startProxy(machine.session);
  const reply = rawHttp(proxy.port, ask, 300);
  await opened(machine);
  machine.record(Buffer.concat(frames));
  const result = await reply;
  assert.is(machine.end(), null, 'the tunnel stands');
  const next = rawHttp(proxy.port, text('GET', '/next'), 300);
  await opened(machine, 2);
  machine.record(Buffer.concat([frame(TYPE.head, 0, 2, head(['content-length', '2'], 200)), data('ok', END, 2)]));
  assert.ok((await next).text.endsWith('ok'), 'the relay still works');
  await proxy.close();
  return result;
}
const opened = (machine: HostilePeer, count = 1) =>
  until(() => machine.seen.filter(({ type }) => type === TYPE.open).length === count);
const data = (body: string, flags = 0, id = 1) => frame(TYPE.data, flags, id, Buffer.from(body));
const answer = (status: number, fields: string[]) => frame(TYPE.head, 0, 1, head(fields, status));
/** A head as packHead would never make it. */
const rawAnswer = (status: number, strings: string[]) => {
  const lengths = Buffer.alloc(4 + 2 * strings.length);
  lengths.writeUInt16BE(status);
  lengths.writeUInt16BE(strings.length, 2);
  strings.forEach((entry, i) => lengths.writeUInt16BE(entry.length, 4 + 2 * i));
  return frame(TYPE.head, 0, 1, Buffer.concat([lengths, Buffer.from(strings.join(''), 'latin1')]));
};

for (const status of [0, 99, 100, 101, 102, 199, 600, 999, 1000, 65_535]) {
  test(`status ${status} becomes 502`, async () => {
    const reply = await answered([answer(status, []), data('x', END)]);
    assert.is(reply.status, 502);
    assert.is(countReplies(reply.text), 1);
  });
}

const BAD_HEADS: [string, string[]][] = [
  ['a line break in a value', ['x-a', 'b\r\nset-cookie: evil=1']],
  ['a bare line feed', ['x-a', 'b\nx: y']],
  ['NUL in a value', ['x-a', 'b\0']],
  ['a line break in a name', ['x-a: b\r\nx-c', 'd']],
  ['a space in a name', ['bad name', 'x']],
  ['an empty name', ['', 'x']],
  ['a colon in a name', ['x:', 'x']],
  ['a control character', ['x-a', 'b\x01']],
  ['two lengths that differ', ['content-length', '5', 'Content-Length', '6']],
  ['two lengths that agree', ['content-length', '5', 'content-length', '5']],
  ['a length that is no number', ['content-length', '5x']],
  ['a negative length', ['content-length', '-1']],
  ['a length with a sign', ['content-length', '+5']],
  ['a list of lengths', ['content-length', '5, 5']],
];
for (const [name, fields] of BAD_HEADS) {
  test(`${name} becomes 502`, async () => {
    const reply = await answered([rawAnswer(200, fields), data('12345', END)]);
    assert.is(reply.status, 502);
    assert.not(reply.text.includes('evil'));
    assert.is(countReplies(reply.text), 1);
  });
}

test('2,000 fields and a head of 60 KB become 502', async () => {
  const many = Array.from({ length: 4000 }, (_, i) => `x${i}`);
  assert.is((await answered([rawAnswer(200, many)])).status, 502);
  assert.is((await answered([rawAnswer(200, ['x-a', 'y'.repeat(60_000)])])).status, 502);
});

test("chunked framing of the machine's own is not passed on, with or without a length", async () => {
  const chunked = 'Transfer-Encoding';
  const both = await answered([answer(200, ['content-length', '5', chunked, 'chunked']), data('12345', END)]);
  assert.ok(both.text.endsWith('\r\n\r\n12345'));
  assert.not(/transfer-encoding/i.test(both.text));
  const alone = await answered([
    answer(200, [chunked, 'gzip, chunked', 'Connection', 'close, x-a', 'X-A', '1']),
    data('12345', END),
  ]);
  assert.ok(alone.text.endsWith('5\r\n12345\r\n0\r\n\r\n'));
  assert.not(/gzip|^x-a:/im.test(alone.text));
});

test('more body than was promised breaks the connection; not one byte of it is passed on as more', async () => {
  for (const frames of [[data('x'.repeat(50), END)], [data('12345'), data('6')], [data('123'), data('456', END)]]) {
    const reply = await answered([answer(200, ['content-length', '5']), ...frames]);
    assert.ok(reply.closed);
    assert.ok((reply.text.split('\r\n\r\n')[1] ?? '').length <= 5);
  }
});

test('less body than was promised breaks the connection', async () => {
  for (const frames of [[data('1234', END)], [data('12'), frame(TYPE.data, END, 1)], [frame(TYPE.data, END, 1)]]) {
    const reply = await answered([answer(200, ['content-length', '5']), ...frames]);
    assert.ok(reply.closed);
  }
});

test('a body where there can be none is not passed on', async () => {
  for (const status of [204, 304]) {
    const reply = await answered([answer(status, []), data('HTTP/1.1 200 OK\r\n\r\n', END)]);
    assert.is(reply.status, status);
    assert.is(countReplies(reply.text), 1);
  }
  const reply = await answered(
    [answer(200, ['content-length', '3']), data('HTTP/1.1 200 OK\r\n\r\n', END)],
    text('HEAD', '/'),
  );
  assert.is(countReplies(reply.text), 1);
});

test('no head at all, data first, two heads: 502 or a broken connection', async () => {
  assert.is((await answered([frame(TYPE.data, END, 1)])).status, 502);
  assert.is((await answered([data('HTTP/1.1 200 OK\r\n\r\n')])).status, 502);
  const two = await answered([answer(200, ['content-length', '9']), answer(200, [])]);
  assert.ok(two.closed && countReplies(two.text) <= 1);
});

test('1xx without end, 100 and 101 in disguise are not passed on', async () => {
  const infos = [100, 101, 102, 103, 199, 200, 0].map((status) => frame(TYPE.info, 0, 1, head([], status)));
  const reply = await answered([...infos, answer(200, ['content-length', '2']), data('ok', END)]);
  assert.ok(reply.text.endsWith('ok'));
  assert.not(/HTTP\/1\.1 (100|101|199|0)/.test(reply.text));
});

test('1xx with a line break is dropped', async () => {
  const bad = Buffer.concat([Buffer.from([0, 103, 0, 2, 0, 4, 0, 3]), Buffer.from('link'), Buffer.from('a\rb')]);
  const reply = await answered([frame(TYPE.info, 0, 1, bad)]);
  assert.is(reply.status, 502);
});

test('an upgrade that nobody asked for is 502, and one with bad fields too', async () => {
  assert.is((await answered([answer(101, ['upgrade', 'websocket'])])).status, 502);
  const ask = text('GET', '/', { connection: 'Upgrade', upgrade: 'websocket' });
  assert.is((await answered([answer(101, ['bad name', 'x'])], ask)).status, 502);
});

test('trailers that cannot be sent break nothing', async () => {
  const reply = await answered([answer(200, []), data('x'), frame(TYPE.trailers, END, 1, head(['bad name', 'y']))]);
  assert.ok(reply.closed || reply.text.endsWith('0\r\n\r\n'));
});

test.after.each(closeHostilePeers);
test.run();
