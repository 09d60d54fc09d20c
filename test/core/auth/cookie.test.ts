import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createHmac, randomBytes } from 'node:crypto';
import { cookieName, firstOf, openSession, readCookies, setCookie, signSession } from '../../../core/auth/cookie.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

const KEY = Buffer.alloc(32, 7);
const ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const VALUE = signSession(KEY, ID, 1_700_000_000_000);

test('what was signed opens with its id and time', () => {
  assert.equal(openSession(KEY, VALUE), { id: ID, issuedAt: 1_700_000_000_000 });
});

test('every flipped bit of every character is refused', () => {
  for (let i = 0; i < VALUE.length; i++) {
    for (let bit = 0; bit < 7; bit++) {
      const changed = VALUE.slice(0, i) + String.fromCharCode(VALUE.charCodeAt(i) ^ (1 << bit)) + VALUE.slice(i + 1);
      assert.is(openSession(KEY, changed), null, `${i}/${bit}`);
    }
  }
});

test('every truncation and extension is refused', () => {
  for (let i = 0; i < VALUE.length; i++) assert.is(openSession(KEY, VALUE.slice(0, i)), null);
  for (const more of ['a', '=', '.', '\0', ' ', '.a']) assert.is(openSession(KEY, VALUE + more), null);
});

test('another key, and the same key for another purpose, are refused', () => {
  assert.is(openSession(randomBytes(32), VALUE), null);
  const payload = `${ID}.1700000000000`;
  for (const purpose of ['', 'agent-monitor session cookie 2\0', 'pair\0']) {
    const mac = createHmac('sha256', KEY).update(purpose + payload).digest('base64url');
    assert.is(openSession(KEY, `${payload}.${mac}`), null);
  }
});

test('another digest is refused', () => {
  const payload = `${ID}.1700000000000`;
  for (const algorithm of ['sha1', 'md5', 'sha512']) {
    const mac = createHmac(algorithm, KEY).update(`agent-monitor session cookie 1\0${payload}`).digest('base64url');
    assert.is(openSession(KEY, `${payload}.${mac}`), null);
    assert.is(openSession(KEY, `${payload}.${mac.padEnd(43, 'A').slice(0, 43)}`), null);
  }
  assert.is(openSession(KEY, `${payload}.`), null);
});

test('over TLS the cookie is __Host- and Secure, else neither; always HttpOnly, Strict, without Domain', () => {
  assert.is(
    setCookie('v', 86_400_000, true),
    '__Host-am_session=v; Path=/; HttpOnly; SameSite=Strict; Max-Age=86400; Secure',
  );
  assert.is(setCookie('v', 86_400_000, false), 'am_session=v; Path=/; HttpOnly; SameSite=Strict; Max-Age=86400');
});

test('every cookie of the name is found among others, in the order that they came in', () => {
  assert.equal(readCookies('a=1; am_session=x; b=2', 'am_session'), ['x']);
  assert.equal(readCookies('am_session=x', 'am_session'), ['x']);
  assert.equal(readCookies('am_session=x; am_session=; a=1;am_session=y', 'am_session'), ['x', '', 'y']);
  assert.equal(readCookies('xam_session=y', 'am_session'), []);
  assert.equal(readCookies('AM_SESSION=y', 'am_session'), []);
  assert.equal(readCookies(undefined, 'am_session'), []);
});

test('the value that leads somewhere is taken, wherever it stands', () => {
  const find = (value: string) => value === 'ours' ? 1 : null;
  for (const values of [['ours'], ['theirs', 'ours'], ['ours', 'theirs'], ['a', 'b', 'ours', 'c']]) {
    assert.is(firstOf(values, find), 1);
  }
  assert.is(firstOf(['theirs'], find), null);
  assert.is(firstOf([], find), null);
});

test('the name for TLS is not the one for plain http', () => {
  assert.equal(readCookies('am_session=x', cookieName(true)), []);
  assert.equal(readCookies('__Host-am_session=x', cookieName(false)), []);
});

test('16 KiB of separators take less than 20 ms', () => {
  for (const part of [' ', ';', ',', '"', '=', '; ', '\\"']) {
    const header = part.repeat(16_384 / part.length);
    const started = cpuMs();
    readCookies(header, 'am_session');
    assert.ok(cpuMs() - started < 20);
  }
});

test.run();
