/** Heads that Node's parser lets pass, or may let pass in another version: each rule of our own by itself. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkHead } from '../../../core/http/request-checks.ts';
import type { HttpRequest } from '../../../core/http/types.ts';

const HOST = ['Host', 'relay.example'];
const check = (fields: string[], more: Partial<Record<'method' | 'url' | 'httpVersion', string>> = {}) =>
  checkHead(
    { method: 'POST', url: '/', httpVersion: '1.1', rawHeaders: fields, ...more } as unknown as HttpRequest,
  )?.code ?? null;

for (
  const [what, fields, code, more] of [
    ['one Host', HOST, null],
    ['chunked', [...HOST, 'Transfer-Encoding', 'Chunked'], null],
    ['a coding before chunked', [...HOST, 'Transfer-Encoding', 'gzip, chunked'], 'bad_framing'],
    ['another coding', [...HOST, 'TRANSFER-ENCODING', 'identity'], 'bad_framing'],
    ['a coding without a name', [...HOST, 'transfer-encoding', ''], 'bad_framing'],
    ['two codings', [...HOST, 'Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'], 'bad_framing'],
    ['a coding in HTTP/1.0', [...HOST, 'Transfer-Encoding', 'chunked'], 'bad_framing', { httpVersion: '1.0' }],
    ['no Host', ['Accept', '*/*'], 'bad_host'],
    ['two Hosts', [...HOST, 'host', 'relay.example'], 'bad_host'],
    ['a Host with a user', ['Host', 'me@relay.example'], 'bad_host'],
    ['a Host with a path', ['Host', 'relay.example/x'], 'bad_host'],
    ['no path', HOST, 'bad_target', { url: '*' }],
    ['a whole address', HOST, 'bad_target', { url: 'http://other/' }],
    ['CONNECT', HOST, 'method_not_allowed', { method: 'CONNECT' }],
    ['HTTP/2.0', HOST, 'bad_version', { httpVersion: '2.0' }],
    ['100 fields', [...HOST, ...Array.from({ length: 99 }, (_, i) => [`x-${i}`, '']).flat()], null],
    ['101 fields', [...HOST, ...Array.from({ length: 100 }, (_, i) => [`x-${i}`, '']).flat()], 'too_many_fields'],
  ] as const
) {
  test(`${what}: ${code ?? 'passes'}`, () => assert.is(check([...fields], more), code));
}

test.run();
