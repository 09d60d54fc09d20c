import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readRelayConfig, SETTINGS } from '../../relay/config.ts';

const TOKEN = { RELAY_TOKEN: 'x'.repeat(43) };

test('only the token is needed', () => {
  const config = readRelayConfig(TOKEN);
  assert.is(config.port, 3457);
  assert.is(config.password, null);
  assert.is(config.host, undefined);
  assert.equal(config.trustedProxies, []);
  assert.is(config.stateFile, 'relay-state.json');
});

test('an empty password is not the same as none', () => {
  assert.is(readRelayConfig({ ...TOKEN, RELAY_PASSWORD: '' }).password, '');
  assert.is(readRelayConfig({ ...TOKEN, RELAY_PASSWORD: ' ' }).password, ' ');
});

test('domains lose scheme, port and case', () => {
  assert.equal(readRelayConfig({ ...TOKEN, RELAY_DOMAIN: 'https://Relay.Example/, other.test:8443' }).domains, [
    'relay.example',
    'other.test',
  ]);
});

const WRONG: [Record<string, string>, RegExp][] = [
  [{ RELAY_TOKEN: '' }, /^RELAY_TOKEN is not set: .*RELAY_TOKEN=[\w-]{43}$/],
  [{ RELAY_PORT: '70000' }, /^RELAY_PORT .*"70000"/],
  [{ RELAY_PORT: 'http' }, /^RELAY_PORT/],
  [{ RELAY_DOMAIN: 'relay example' }, /^RELAY_DOMAIN/],
  [{ TRUSTED_PROXIES: 'loopback' }, /^TRUSTED_PROXIES/],
  [{ RELAY_TLS_CERT: '/etc/hostname' }, /^RELAY_TLS_KEY is not set/],
  [{ RELAY_TLS_KEY: '/etc/hostname' }, /^RELAY_TLS_CERT is not set/],
  [{ RELAY_TLS_CERT: '/nowhere', RELAY_TLS_KEY: '/nowhere' }, /^RELAY_TLS_CERT: there is no file/],
];
for (const [env, message] of WRONG) {
  test(`${JSON.stringify(env)} stops with one sentence`, () => {
    assert.throws(() => readRelayConfig({ ...TOKEN, ...env }), message);
  });
}

test('every setting that is read is in the help', () => {
  const asked = new Set<string>();
  const spy = new Proxy({ ...TOKEN } as Record<string, string | undefined>, {
    get: (env, name: string) => (asked.add(name), env[name]),
  });
  readRelayConfig(spy);
  assert.equal([...asked].sort(), SETTINGS.map(([name]) => name).sort());
});

test.run();
