/** Sec-WebSocket-Extensions: grammar (RFC 6455 §9.1) and negotiation (RFC 7692 §7.1). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  acceptDeflate,
  type DeflateOptions,
  offerDeflate,
  parseExtensions,
  readDeflateAnswer,
} from '../../../core/websocket/extension.ts';
import { quickest } from '../../support/harness/websocket-peers.ts';

const parsed = (header: string) =>
  parseExtensions(header)?.map(({ name, params }) => [name, Object.fromEntries(params)]);

test('lists, parameters and quoted values', () => {
  assert.equal(parsed('a'), [['a', {}]]);
  assert.equal(parsed(' a ; b ; c = 1 , d;e="2"'), [['a', { b: true, c: '1' }], ['d', { e: '2' }]]);
});

for (
  const header of [
    '',
    ',',
    'a,',
    'a;',
    'a;b=',
    'a;b="',
    'a;b="x',
    'a;b=""',
    'a;b="x y"',
    'a b',
    'a;b;b',
    'a;b=1;b=2',
    'ä',
    'a=b',
  ]
) {
  test(`refused: ${header}`, () => assert.is(parseExtensions(header), null));
}

test('16 KiB of anything is read in a few milliseconds', () => {
  for (const piece of [' ', ',', ';', '"', '=', 'a ', 'a;', 'a;b=" ', '\t', 'a;b=c, ']) {
    const header = piece.repeat(Math.ceil(16384 / piece.length));
    assert.ok(quickest(() => [parseExtensions(header), parseExtensions(`a${header}`)]) < 20, piece);
  }
});

const answer = (offer: string, options: DeflateOptions = {}) => acceptDeflate(parseExtensions(offer)!, options)?.header;
const D = 'permessage-deflate';

test('the server answers what was offered', () => {
  assert.is(answer(D), D);
  assert.is(answer(`${D}; client_max_window_bits`), D);
  assert.is(answer(`${D}; client_max_window_bits=10`), `${D}; client_max_window_bits=10`);
  assert.is(answer(`${D}; server_max_window_bits=8`), `${D}; server_max_window_bits=8`);
  assert.is(answer(`${D}; server_no_context_takeover`), `${D}; server_no_context_takeover`);
  assert.is(answer(`${D}; client_no_context_takeover`), `${D}; client_no_context_takeover`);
  assert.is(answer(`x-other, ${D}; server_max_window_bits="9"`), `${D}; server_max_window_bits=9`);
});

test('the server asks for less where the client allows it', () => {
  const options = { serverMaxWindowBits: 11, clientMaxWindowBits: 12, serverNoContextTakeover: true };
  assert.is(
    answer(`${D}; client_max_window_bits`, options),
    `${D}; server_no_context_takeover; server_max_window_bits=11; client_max_window_bits=12`,
  );
  assert.is(answer(D, options), undefined);
  assert.is(answer(`${D}, ${D}; client_max_window_bits=9`, options)?.includes('client_max_window_bits=9'), true);
});

for (
  const bad of [
    'server_max_window_bits',
    'server_max_window_bits=7',
    'server_max_window_bits=16',
    'server_max_window_bits=08',
    'client_max_window_bits=+9',
    'client_max_window_bits=1e1',
    'server_no_context_takeover=1',
    'unknown',
  ]
) {
  test(`an offer with ${bad} is passed over`, () => {
    assert.is(answer(`${D}; ${bad}`), undefined);
    assert.is(answer(`${D}; ${bad}, ${D}`), D);
  });
}

test('of 100 offers with all parameters one is answered', () => {
  const all =
    `${D}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=10`;
  assert.is(answer(Array(100).fill(all).join(', ')), all);
});

const read = (header: string, options: DeflateOptions = {}) => readDeflateAnswer(parseExtensions(header)![0]!, options);

test('the client takes what the server may answer', () => {
  assert.equal(read(D), {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  });
  assert.equal(
    read(
      `${D}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=8`,
    ),
    {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 9,
      clientMaxWindowBits: 8,
    },
  );
});

test('the client refuses what was not asked or is less than it asked for', () => {
  assert.is(read('x-other'), null);
  assert.is(read(`${D}; client_max_window_bits`), null);
  assert.is(read(`${D}; unknown=1`), null);
  assert.is(read(D, { serverNoContextTakeover: true }), null);
  assert.is(read(D, { serverMaxWindowBits: 10 }), null);
  assert.is(read(`${D}; server_max_window_bits=11`, { serverMaxWindowBits: 10 }), null);
  assert.is(read(`${D}; server_max_window_bits=9`, { serverMaxWindowBits: 10 })?.serverMaxWindowBits, 9);
});

test('the client offers its options', () => {
  assert.is(offerDeflate({}), `${D}; client_max_window_bits`);
  assert.is(
    offerDeflate({ clientMaxWindowBits: 9, serverMaxWindowBits: 10 }),
    `${D}; server_max_window_bits=10; client_max_window_bits=9`,
  );
});

test.run();
