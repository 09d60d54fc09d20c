/**
 * What the proxies of the field send, in every combination with what browsers send: the client is found, its TLS is known and
 * its own origin passes, for changes and for sockets; another site's never does. The forms are those of each proxy's manual.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { limiterKey } from '../../../core/auth/limiter.ts';
import { checkOrigin } from '../../../core/auth/origin.ts';
import { type Client, createClientOf } from '../../../core/http/client-address.ts';
import { checkHead } from '../../../core/http/request-checks.ts';
import type { HttpRequest } from '../../../core/http/types.ts';

interface Browser {
  ip: string;
  port: number;
}
interface Site {
  scheme: 'http' | 'https';
  /** As typed by the user. */
  name: string;
  port: number;
}
type Fields = Record<string, string>;
/** The fields that a proxy adds or changes. `host` is the browser's Host. */
type Proxy = (browser: Browser, site: Site, host: string, upgrade: boolean) => Fields;

const bracketed = (ip: string) => ip.includes(':') ? `[${ip}]` : ip;
const socketScheme = (site: Site, upgrade: boolean) =>
  upgrade ? site.scheme.replace('http', 'ws') : site.scheme as string;

const PROXIES: Record<string, Proxy> = {
  'nginx, $host': ({ ip }, { scheme, name }) => ({ host: name, 'x-forwarded-for': ip, 'x-forwarded-proto': scheme }),
  'nginx, $http_host': ({ ip }, { scheme }, host) => ({ host, 'x-forwarded-for': ip, 'x-forwarded-proto': scheme }),
  'nginx, $host:$server_port': ({ ip }, { scheme, name, port }) => ({
    host: `${name}:${port}`,
    'x-forwarded-for': ip,
    'x-forwarded-proto': scheme,
  }),
  'Caddy': ({ ip }, { scheme }, host) => ({
    host,
    'x-forwarded-for': ip,
    'x-forwarded-host': host,
    'x-forwarded-proto': scheme,
    via: '1.1 Caddy',
  }),
  'Traefik': ({ ip }, site, host, upgrade) => ({
    host,
    'x-forwarded-for': ip,
    'x-forwarded-host': host,
    'x-forwarded-port': String(site.port),
    'x-forwarded-proto': socketScheme(site, upgrade),
    'x-forwarded-server': 'traefik',
    'x-real-ip': ip,
  }),
  'HAProxy': ({ ip }, { scheme }, host) => ({ host, 'x-forwarded-for': ip, 'x-forwarded-proto': scheme }),
  'Apache': ({ ip }, { scheme }, host) => ({
    host,
    'x-forwarded-for': ip,
    'x-forwarded-host': host,
    'x-forwarded-server': 'apache',
    'x-forwarded-proto': scheme,
    via: '1.1 apache',
  }),
  'Azure Application Gateway': ({ ip, port }, site, host) => ({
    host,
    'x-forwarded-for': `${bracketed(ip)}:${port}`,
    'x-forwarded-proto': site.scheme,
    'x-forwarded-port': String(site.port),
  }),
  'IIS with ARR': ({ ip, port }, { scheme }, host) => ({
    host,
    'x-forwarded-for': ip.includes(':') ? `"[${ip}]:${port}"` : `${ip}:${port}`,
    'x-forwarded-proto': scheme,
  }),
  'AWS load balancer that keeps the port': ({ ip, port }, { scheme }, host) => ({
    host,
    'x-forwarded-for': `${bracketed(ip)}:${port}`,
    'x-forwarded-proto': scheme,
  }),
  'Envoy': ({ ip }, { scheme }, host) => ({
    host,
    'x-forwarded-for': ip,
    'x-forwarded-proto': scheme,
    'x-envoy-external-address': ip,
  }),
  'Cloudflare before nginx': ({ ip }, { scheme }, host) => ({
    host,
    'x-forwarded-for': `${ip}, 10.1.2.3`,
    'x-forwarded-proto': `${scheme}`,
    'cf-connecting-ip': ip,
  }),
  'two proxies with ports': ({ ip, port }, { scheme }, host) => ({
    host,
    'x-forwarded-for': `198.18.0.1, ${bracketed(ip)}:${port}, 10.1.2.3:1234`,
    'x-forwarded-proto': `http, ${scheme}`,
  }),
  'dual-stack listener': ({ ip }, { scheme }, host) => ({
    host,
    'x-forwarded-for': ip.includes(':') ? ip : `::ffff:${ip}`,
    'x-forwarded-proto': scheme.toUpperCase(),
  }),
};

const BROWSERS: Browser[] = [
  { ip: '203.0.113.66', port: 40_000 },
  { ip: '2001:db8::7', port: 443 },
  { ip: '2001:db8:1:2:3:4:5:6', port: 65_535 },
];
const SITES: Site[] = [
  { scheme: 'https', name: 'relay.example', port: 443 },
  { scheme: 'http', name: 'relay.example', port: 80 },
  { scheme: 'https', name: 'relay.example.', port: 443 },
  { scheme: 'https', name: 'Relay.Example', port: 443 },
  { scheme: 'https', name: '192.0.2.80', port: 443 },
  { scheme: 'https', name: '[2001:db8::80]', port: 443 },
];
/** Sites on other ports: a proxy that passes on the name alone loses the port, and must be refused with what was compared. */
const ODD_PORTS: Site[] = [
  { scheme: 'https', name: 'relay.example', port: 8443 },
  { scheme: 'http', name: 'relay.example', port: 8080 },
];
const LOSES_PORT = new Set(['nginx, $host']);

const isDefault = ({ scheme, port }: Site) => port === (scheme === 'https' ? 443 : 80);
/** What a browser sends: the port only where it is not the scheme's, the name in lower case. */
const authority = (site: Site) => site.name.toLowerCase() + (isDefault(site) ? '' : `:${site.port}`);
const originOf = (site: Site) => `${site.scheme}://${authority(site)}`;

const clientOf = createClientOf(['127.0.0.1', '10.0.0.0/8'], false);

function requestBy(proxy: Proxy, browser: Browser, site: Site, upgrade: boolean, origin = originOf(site)): HttpRequest {
  const headers: Fields = {
    origin,
    ...proxy(browser, site, authority(site), upgrade),
    ...(upgrade ? { connection: 'Upgrade', upgrade: 'websocket' } : {}),
  };
  const rawHeaders = Object.entries(headers).flat();
  const method = upgrade ? 'GET' : 'POST';
  return { method, url: '/', httpVersion: '1.1', peer: '127.0.0.1', headers, rawHeaders } as unknown as HttpRequest;
}
const passes = (req: HttpRequest, client: Client) => {
  try {
    checkOrigin(req, client.secure);
    return true;
  } catch {
    return false;
  }
};

for (const [name, proxy] of Object.entries(PROXIES)) {
  const sites = LOSES_PORT.has(name) ? SITES : [...SITES, ...ODD_PORTS];
  test(`${name}: the client, its TLS and its origin are found for ${BROWSERS.length * sites.length * 2} requests`, () => {
    for (const browser of BROWSERS) {
      for (const site of sites) {
        for (const upgrade of [false, true]) {
          const what = `${browser.ip} ${originOf(site)} ${upgrade}`;
          const req = requestBy(proxy, browser, site, upgrade);
          const client = clientOf(req);
          assert.is(checkHead(req), null, what);
          assert.equal(client, { address: browser.ip, identified: true, secure: site.scheme === 'https' }, what);
          assert.ok(passes(req, client), what);
          for (const evil of ['https://evil.test', 'null', `${originOf(site)}.evil.test`, 'http://relay.example:81']) {
            assert.not(passes(requestBy(proxy, browser, site, upgrade, evil), client), `${what} from ${evil}`);
          }
        }
      }
    }
  });

  test(`${name}: no two clients share a bucket, and none is in the proxy's`, () => {
    const keys = BROWSERS.map((browser) => limiterKey(clientOf(requestBy(proxy, browser, SITES[0]!, false)).address));
    assert.is(new Set(keys).size, BROWSERS.length);
    assert.not(keys.includes('127.0.0.1'));
  });
}

test('a proxy that loses the port is refused with what was compared', () => {
  for (const site of ODD_PORTS) {
    const req = requestBy(PROXIES['nginx, $host']!, BROWSERS[0]!, site, true);
    try {
      checkOrigin(req, clientOf(req).secure);
      assert.unreachable();
    } catch (error) {
      const { message } = error as Error;
      assert.ok(
        message.includes(`"${originOf(site)}"`) && message.includes(`as ${site.scheme}://relay.example.`),
        message,
      );
    }
  }
});

test.run();
