/** What a preview's requests and answers may carry. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Failure } from '../../../core/api/errors.ts';
import { parseEnterPreview, parsePreviewPort, parsePreviewTarget, previewTarget } from '../../../core/api/previews.ts';
import type { HttpRequest } from '../../../core/http/types.ts';
import { createLabel, labelOf } from '../../../core/preview/address.ts';
import { checkPreviewOrigin, isOwnCookie, previewAnswer, previewCookie } from '../../../core/preview/fields.ts';

const HOST = 'p5173-abcdefghijkmnpqrstuv.preview.example:3457';
const OWN = `http://${HOST}`;

function isLetIn(method: string, headers: Record<string, string>, secure = false): boolean {
  try {
    checkPreviewOrigin({ method, headers: { host: HOST, ...headers } } as unknown as HttpRequest, secure);
    return true;
  } catch (error) {
    assert.instance(error, Failure);
    return false;
  }
}

test('only pages of the preview itself ask, and links lead to it', () => {
  const link = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  for (const site of ['cross-site', 'same-site']) {
    assert.ok(isLetIn('GET', { 'sec-fetch-site': site, ...link }));
    assert.not.ok(isLetIn('POST', { 'sec-fetch-site': site, ...link }));
    assert.not.ok(isLetIn('GET', { 'sec-fetch-site': site, ...link, 'sec-fetch-dest': 'iframe' }));
    assert.not.ok(isLetIn('GET', { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }));
    assert.not.ok(isLetIn('GET', { 'sec-fetch-site': site, 'sec-fetch-mode': 'cors' }));
  }
  assert.ok(isLetIn('GET', { 'sec-fetch-site': 'none', ...link }));
  assert.ok(isLetIn('POST', { 'sec-fetch-site': 'same-origin', origin: OWN }));
});

test('an Origin is the own one, on upgrades always', () => {
  const upgrade = { upgrade: 'websocket', connection: 'Upgrade' };
  assert.ok(isLetIn('GET', { ...upgrade, origin: OWN }));
  assert.not.ok(isLetIn('GET', upgrade), 'none');
  for (
    const origin of [
      'null',
      'http://preview.example:3457',
      'http://localhost:3457',
      `${OWN}0`,
      OWN.replace('http', 'https'),
    ]
  ) {
    for (const method of ['GET', 'POST']) assert.not.ok(isLetIn(method, { origin }), `${method} ${origin}`);
    assert.not.ok(isLetIn('GET', { ...upgrade, origin }), origin);
  }
  assert.ok(isLetIn('POST', { origin: OWN.replace('http', 'https') }, true));
});

test('an answer sets no cookie of ours, none for other hosts, and speaks for its own origin only', () => {
  const answer = previewAnswer({
    'Set-Cookie': [
      'app=1; Path=/; DOMAIN=example; Secure',
      'second=a=b; domain =x',
      'am_session=1',
      ' __Host-am_session =1',
      '__HOST-AM_PREVIEW=1',
      'am_preview=1; Path=/x',
      '=am_session=1',
      'am_session',
    ],
    'Clear-Site-Data': '"cookies"',
    'Access-Control-Allow-Origin': '*',
    'Strict-Transport-Security': 'max-age=1; includeSubDomains',
    'Alt-Svc': 'h3=":443"',
    'Content-Security-Policy': "default-src 'self'",
    'Cross-Origin-Resource-Policy': 'cross-origin',
    'Cache-Control': 'max-age=9',
    'Service-Worker-Allowed': '/',
    etag: '"1"',
  });
  assert.equal(answer, {
    'set-cookie': ['app=1; Path=/; Secure', 'second=a=b'],
    'content-security-policy': ["frame-ancestors 'self'", "default-src 'self'"],
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'cache-control': 'max-age=9',
    'service-worker-allowed': '/',
    etag: '"1"',
  });
});

test('our cookies are known under any prefix, others are not ours', () => {
  for (const name of ['am_session', 'am_preview', '__Host-am_session', '__secure-AM_preview']) {
    assert.ok(isOwnCookie(name), name);
  }
  for (const name of ['am_sessions', 'x-am_session', 'session', '']) assert.not.ok(isOwnCookie(name), name);
  assert.is(previewCookie('v', 5000, true), '__Host-am_preview=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=5; Secure');
});

test('a name below the domain is a preview, whatever it is; the domain itself and others are not', () => {
  const label = createLabel(5173);
  assert.match(label, /^p5173-[a-km-np-z2-9]{20}$/);
  assert.is.not(createLabel(5173), label);
  assert.is(labelOf(`${label}.preview.example`, 'preview.example'), label);
  assert.is(labelOf(`${label.toUpperCase()}.PREVIEW.example.:443`, 'preview.example'), label);
  assert.is(labelOf('x.y.preview.example', 'preview.example'), 'x.y');
  for (const host of [undefined, '', 'preview.example', 'xpreview.example', 'preview.example.evil', '127.0.0.1:80']) {
    assert.is(labelOf(host, 'preview.example'), null, host);
  }
});

test('a target for the machine is read as it was made, and nothing else is', () => {
  const id = '0123456789abcdef0123456789abcdef';
  for (const url of ['/', '/a?b=/api/previews/x', '//evil', '/api/agents', `/api/previews/${id}/forward/x`]) {
    assert.equal(parsePreviewTarget(previewTarget(id, url)), { preview: id, url });
  }
  for (const target of [`/api/previews/${id}/forward`, '/api/previews/x/forward/', `/x/api/previews/${id}/forward/`]) {
    assert.is(parsePreviewTarget(target), null, target);
  }
});

test('a port is a whole number, and nothing names a host', () => {
  assert.is(parsePreviewPort({ port: 5173 }), 5173);
  for (const port of [0, 65_536, 1.5, '5173', '169.254.169.254:80', null, { host: 'x' }]) {
    assert.throws(() => parsePreviewPort({ port }), (error: unknown) => error instanceof Failure, String(port));
  }
  const preview = '0123456789abcdef0123456789abcdef';
  assert.equal(parseEnterPreview({ preview, port: 1, host: '10.0.0.1' }), { preview, port: 1 });
  for (const body of [{}, { preview }, { preview: '../x', port: 1 }, { preview, port: 1, machine: '../../api' }]) {
    assert.throws(() => parseEnterPreview(body), (error: unknown) => error instanceof Failure, JSON.stringify(body));
  }
});

test.run();
