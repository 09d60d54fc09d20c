/** The opening handshake, both sides (RFC 6455 §4). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { quickest } from '../../support/harness/websocket-peers.ts';
import {
  acceptKey,
  checkAnswer,
  checkUpgrade,
  makeOffer,
  parseResponseHead,
  type ServerOptions,
} from '../../../core/websocket/handshake.ts';

type Fields = [name: string, value: string][];
const GOOD: Fields = [
  ['Host', 'a.example'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Version', '13'],
];
const without = (name: string) => GOOD.filter(([each]) => each !== name);
const withField = (name: string, value: string): Fields => [...without(name), [name, value]];

function ask(fields: Fields, options: ServerOptions = {}, head: { method?: string; httpVersion?: string } = {}) {
  return checkUpgrade({ method: 'GET', httpVersion: '1.1', rawHeaders: fields.flat(), ...head }, options);
}
const status = (...args: Parameters<typeof ask>) => {
  const result = ask(...args);
  return 'status' in result ? result.status : 101;
};

test('RFC 6455 §1.3: the accept key', () => {
  assert.is(acceptKey('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

test('a good request is answered with the headers of §4.2.2', () => {
  assert.equal(ask(GOOD), {
    headers: { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' },
    protocol: '',
    deflate: null,
  });
});

const TAKEN: [string, Fields][] = [
  ['names and values in any case', GOOD.map(([n, v]) => [n.toUpperCase(), n === 'Upgrade' ? 'WebSocket' : v])],
  ['lists in Connection', withField('Connection', 'keep-alive, upgrade')],
  ['Connection in two lines', [...GOOD, ['Connection', 'keep-alive']]],
  ['lists in Upgrade', withField('Upgrade', 'h2c, websocket')],
  ['Content-Length 0', [...GOOD, ['Content-Length', '0']]],
  ['an unknown extension', [...GOOD, ['Sec-WebSocket-Extensions', 'x-new; a=1']]],
];
for (const [name, fields] of TAKEN) test(`taken: ${name}`, () => assert.is(status(fields), 101));

const REFUSED: [string, Fields, number][] = [
  ['no Host', without('Host'), 400],
  ['an empty Host', withField('Host', ''), 400],
  ['two Hosts', [...GOOD, ['Host', 'b.example']], 400],
  ['no Upgrade', without('Upgrade'), 426],
  ['another Upgrade', withField('Upgrade', 'h2c'), 426],
  ['a part of the word in Upgrade', withField('Upgrade', 'websockets'), 426],
  ['no Connection', without('Connection'), 400],
  ['another Connection', withField('Connection', 'keep-alive'), 400],
  ['no key', without('Sec-WebSocket-Key'), 400],
  ['two keys', [...GOOD, ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==']], 400],
  ['an empty key', withField('Sec-WebSocket-Key', ''), 400],
  ['a key of 15 bytes', withField('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25j'), 400],
  ['a key of 17 bytes', withField('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZWU='), 400],
  ['a key that is not base64', withField('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25j*Q=='), 400],
  ['no version', without('Sec-WebSocket-Version'), 400],
  ['version 8', withField('Sec-WebSocket-Version', '8'), 426],
  ['version 14', withField('Sec-WebSocket-Version', '14'), 426],
  ['version 013', withField('Sec-WebSocket-Version', '013'), 426],
  ['two versions', [...GOOD, ['Sec-WebSocket-Version', '13']], 426],
  ['a body', [...GOOD, ['Content-Length', '5']], 400],
  ['a chunked body', [...GOOD, ['Transfer-Encoding', 'chunked']], 400],
  ['two Origins', [...GOOD, ['Origin', 'https://a'], ['Origin', 'https://a']], 403],
  ['a protocol twice', [...GOOD, ['Sec-WebSocket-Protocol', 'a, b, a']], 400],
  ['an empty protocol', [...GOOD, ['Sec-WebSocket-Protocol', 'a,,b']], 400],
  ['a protocol that is no token', [...GOOD, ['Sec-WebSocket-Protocol', 'a b']], 400],
  ['extensions that cannot be read', [...GOOD, ['Sec-WebSocket-Extensions', 'a;=1']], 400],
];
for (const [name, fields, expected] of REFUSED) {
  test(`refused: ${name} → ${expected}`, () => assert.is(status(fields), expected));
}

test('refused: methods other than GET, HTTP/1.0', () => {
  assert.is(status(GOOD, {}, { method: 'POST' }), 405);
  assert.is(status(GOOD, {}, { httpVersion: '1.0' }), 400);
});

test('a refusal of another version names the supported one', () => {
  const result = ask(withField('Sec-WebSocket-Version', '8'));
  assert.is('status' in result && result.headers['Sec-WebSocket-Version'], '13');
});

test("the server's best protocol that was offered, over several lines", () => {
  const fields: Fields = [...GOOD, ['Sec-WebSocket-Protocol', 'c, b'], ['Sec-WebSocket-Protocol', 'a']];
  const protocol = (protocols: string[]) => {
    const result = ask(fields, { protocols });
    return 'status' in result ? null : [result.protocol, result.headers['Sec-WebSocket-Protocol']];
  };
  assert.equal(protocol(['a', 'b']), ['a', 'a']);
  assert.equal(protocol(['x', 'b']), ['b', 'b']);
  assert.equal(protocol(['x']), ['', undefined]);
});

test('the origin is the callers to judge', () => {
  const options = { checkOrigin: (origin: string | undefined) => origin === 'https://good.example' };
  assert.is(status([...GOOD, ['Origin', 'https://good.example']], options), 101);
  assert.is(status([...GOOD, ['Origin', 'https://good.example.evil']], options), 403);
  assert.is(status(GOOD, options), 403);
});

test('permessage-deflate only where it is switched on', () => {
  const fields: Fields = [...GOOD, ['Sec-WebSocket-Extensions', 'permessage-deflate']];
  const header = (options: ServerOptions) => {
    const result = ask(fields, options);
    return 'status' in result ? null : result.headers['Sec-WebSocket-Extensions'];
  };
  assert.is(header({}), undefined);
  assert.is(header({ deflate: true }), 'permessage-deflate');
});

test('16 KiB of anything is judged in a few milliseconds', () => {
  for (
    const name of ['Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions', 'Connection', 'Upgrade', 'Sec-WebSocket-Key']
  ) {
    for (const piece of [' ', ',', '"', ';', 'a ', 'a,']) {
      const fields: Fields = [...GOOD, [name, piece.repeat(16384 / piece.length)]];
      assert.ok(quickest(() => ask(fields, { deflate: true })) < 20, name);
    }
  }
});

const offer = makeOffer(
  new URL('ws://a.example/p?q=1'),
  { protocols: ['x', 'y'], deflate: true },
  'dGhlIHNhbXBsZSBub25jZQ==',
);
const ANSWER = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
];
const replaced = (name: string, ...lines: string[]) => [...ANSWER.filter((line) => !line.startsWith(name)), ...lines];
const reads = (lines: string[], sent = offer) => {
  try {
    return checkAnswer(parseResponseHead(lines.join('\r\n')), sent);
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test('the request of the client', () => {
  assert.is(
    offer.text,
    [
      'GET /p?q=1 HTTP/1.1',
      'Host: a.example',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: x, y',
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
      '',
      '',
    ].join('\r\n'),
  );
});

test('a key of 16 random bytes that our server takes', () => {
  const keys = [makeOffer(new URL('ws://a')), makeOffer(new URL('ws://a'))].map(({ key }) => key);
  assert.is.not(keys[0], keys[1]);
  assert.is(status(withField('Sec-WebSocket-Key', keys[0]!)), 101);
});

test('headers of the caller, and credentials in the address', () => {
  const { text } = makeOffer(new URL('ws://us%C3%A9r:p%40ss@a.example/'), { headers: { Cookie: 'a=b' } });
  assert.match(text, '\r\nCookie: a=b\r\n');
  assert.match(text, `\r\nAuthorization: Basic ${btoa('us\xc3\xa9r:p@ss')}\r\n`);
  assert.not.match(makeOffer(new URL('ws://u:p@a/'), { headers: { authorization: 'X' } }).text, 'Basic');
});

for (
  const headers of [{ 'a b': '1' }, { a: '1\r\nb: 2' }, { a: '😀' }, { Host: 'x' }, { upgrade: 'x' }, {
    'Sec-WebSocket-Key': 'x',
  }] as Record<string, string>[]
) {
  test(`a header that cannot be set: ${JSON.stringify(headers)}`, () => {
    assert.throws(() => makeOffer(new URL('ws://a'), { headers }), TypeError);
  });
}

test('protocols that cannot be offered', () => {
  for (const protocols of [['a', 'a'], ['a b'], ['']]) {
    assert.throws(() => makeOffer(new URL('ws://a'), { protocols }), TypeError);
  }
});

test('a good answer, with protocol and compression', () => {
  assert.equal(reads(ANSWER), { protocol: '', deflate: null });
  const full = reads([...ANSWER, 'Sec-WebSocket-Protocol: y', 'Sec-WebSocket-Extensions: permessage-deflate']);
  assert.is(typeof full === 'object' && full.protocol, 'y');
  assert.is(typeof full === 'object' && full.deflate?.serverMaxWindowBits, 15);
});

const BAD_ANSWERS: [string, string[]][] = [
  ['HTTP/1.0', ['HTTP/1.0 101 X', ...ANSWER.slice(1)]],
  ['no status', ['HTTP/1.1', ...ANSWER.slice(1)]],
  ['no Upgrade', replaced('Upgrade')],
  ['another Upgrade', replaced('Upgrade', 'Upgrade: h2c')],
  ['two Upgrades', [...ANSWER, 'Upgrade: websocket']],
  ['no Connection', replaced('Connection')],
  ['no accept key', replaced('Sec-WebSocket-Accept')],
  ['a wrong accept key', replaced('Sec-WebSocket-Accept', 'Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=')],
  ['two accept keys', [...ANSWER, ANSWER[3]!]],
  ['a protocol that was not offered', [...ANSWER, 'Sec-WebSocket-Protocol: z']],
  ['two protocols', [...ANSWER, 'Sec-WebSocket-Protocol: x, y']],
  ['two protocol lines', [...ANSWER, 'Sec-WebSocket-Protocol: x', 'Sec-WebSocket-Protocol: x']],
  ['an extension that was not offered', [...ANSWER, 'Sec-WebSocket-Extensions: x-new']],
  ['an extension twice', [...ANSWER, 'Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate']],
  ['an extension in two lines', [...ANSWER, ...Array(2).fill('Sec-WebSocket-Extensions: permessage-deflate')]],
  ['an empty extension', [...ANSWER, 'Sec-WebSocket-Extensions: ']],
  ['a folded line', [...ANSWER, ' folded']],
  ['a line without a colon', [...ANSWER, 'nonsense']],
  ['a blank before the colon', [...ANSWER, 'A : b']],
  ['a bare newline', [...ANSWER, 'A: b\nc: d']],
];
for (const [name, lines] of BAD_ANSWERS) test(`bad answer: ${name}`, () => assert.is(reads(lines), 'WS_HANDSHAKE'));

test('compression that was not offered is refused', () => {
  const plain = makeOffer(new URL('ws://a'), {}, offer.key);
  assert.is(reads([...ANSWER, 'Sec-WebSocket-Extensions: permessage-deflate'], plain), 'WS_HANDSHAKE');
});

test('redirects and refusals are not followed', () => {
  for (const status of [200, 301, 302, 401, 426, 503]) {
    assert.is(reads([`HTTP/1.1 ${status} X`, 'Location: ws://b.example/']), 'WS_STATUS');
  }
});

test.run();
