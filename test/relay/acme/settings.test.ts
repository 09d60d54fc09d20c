/** RELAY_TLS=auto from words to settings: what is taken, what is refused and with which mend. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readRelayConfig } from '../../../relay/config.ts';

const AUTO = { RELAY_TOKEN: 'x'.repeat(43), RELAY_TLS: 'auto' };
const DOMAIN = { RELAY_DOMAIN: 'relay.example.org' };
const PUBLIC = ['10.0.0.5', '8.8.8.8', 'fe80::1', '2606:4700::9'];
const read = (env: Record<string, string>, addresses: string[] = []) => readRelayConfig({ ...AUTO, ...env }, addresses);

test('a name is enough: the rest is chosen', () => {
  const { acme, port, domains, tls } = read(DOMAIN);
  assert.is(port, 443);
  assert.is(tls, null);
  assert.equal(domains, ['relay.example.org']);
  assert.equal(acme, {
    identifiers: [{ type: 'dns', value: 'relay.example.org' }],
    directory: 'https://acme-v02.api.letsencrypt.org/directory',
    email: '',
    file: 'relay-state.acme.json',
    httpPort: 80,
  });
});

test('several names and addresses, as people write them', () => {
  const domains = 'https://Relay.Example.org/, 8.8.4.4:443, [2606:4700::1]:8443, 2606:4700:0::2, bücher.example.org';
  const { acme } = read({ RELAY_DOMAIN: domains });
  assert.equal(acme!.identifiers.map(({ value }) => value), [
    'relay.example.org',
    '8.8.4.4',
    '2606:4700::1',
    '2606:4700::2',
    'xn--bcher-kva.example.org',
  ]);
});

test("without a name: this machine's public addresses, or the one that it listens on", () => {
  const values = (env: Record<string, string>, addresses: string[]) =>
    read(env, addresses).acme!.identifiers.map(({ value }) => value);
  assert.equal(values({}, PUBLIC), ['8.8.8.8', '2606:4700::9']);
  assert.equal(values({}, ['8.8.8.8', '8.8.8.8', '9.9.9.9', '1.1.1.1']), ['8.8.8.8', '9.9.9.9']);
  assert.equal(values({ RELAY_HOST: '0.0.0.0' }, PUBLIC), ['8.8.8.8', '2606:4700::9']);
  assert.equal(values({ RELAY_HOST: '9.9.9.9' }, PUBLIC), ['9.9.9.9']);
  assert.equal(read({}, PUBLIC).domains, [], 'any address of this machine is a good Host, as without TLS');
});

test('a port of its own stays', () => assert.is(read({ ...DOMAIN, RELAY_PORT: '8443' }).port, 8443));

test('the file is beside the state file, whatever that is called', () => {
  const file = (RELAY_STATE: string) => read({ ...DOMAIN, RELAY_STATE }).acme!.file;
  assert.is(file('/var/lib/relay/state.json'), '/var/lib/relay/state.acme.json');
  assert.is(file('state'), 'state.acme.json');
});

test('an authority of its own may sign private names', () => {
  const own = {
    RELAY_ACME_DIRECTORY: 'https://ca.corp.example/acme/directory',
    RELAY_DOMAIN: '10.0.0.5,relay.internal',
  };
  assert.is(read(own).acme!.identifiers.length, 2);
});

const WRONG: [string, Record<string, string>, RegExp][] = [
  ['another word', { RELAY_TLS: 'yes' }, /^RELAY_TLS must be auto or left out, not "yes"\.$/],
  [
    'a private address',
    { RELAY_DOMAIN: '192.168.1.2' },
    /^RELAY_DOMAIN: 192\.168\.1\.2 is a private address.*list the address or name/,
  ],
  ['a private one among others', { RELAY_DOMAIN: 'a.example.org,fd00::1' }, /fd00::1 is a private address/],
  ['staging, too', {
    RELAY_DOMAIN: '10.0.0.1',
    RELAY_ACME_DIRECTORY: 'https://acme-staging-v02.api.letsencrypt.org/directory',
  }, /private address/],
  [
    'a name of the local network',
    { RELAY_DOMAIN: 'relay.local' },
    /^RELAY_DOMAIN: relay\.local is a name that the public DNS does not have/,
  ],
  [
    'nothing public at all',
    {},
    /^RELAY_TLS=auto: this machine has no public address of its own, so RELAY_DOMAIN must name/,
  ],
  ['a loopback host', { RELAY_HOST: '127.0.0.1' }, /^RELAY_DOMAIN: 127\.0\.0\.1 is a private address/],
  ['no state file', { ...DOMAIN, RELAY_STATE: '' }, /^RELAY_TLS=auto needs RELAY_STATE/],
  [
    'http for the authority',
    { ...DOMAIN, RELAY_ACME_DIRECTORY: 'http://ca.example/' },
    /^RELAY_ACME_DIRECTORY must be an https address/,
  ],
  ['no address for the authority', { ...DOMAIN, RELAY_ACME_DIRECTORY: 'letsencrypt' }, /^RELAY_ACME_DIRECTORY must be/],
  [
    'two emails',
    { ...DOMAIN, RELAY_ACME_EMAIL: 'a@b.example,c@d.example' },
    /^RELAY_ACME_EMAIL must be one email address/,
  ],
  [
    'a wildcard',
    { RELAY_DOMAIN: '*.example.org' },
    /^RELAY_DOMAIN must be a host name .* or an IP address, not "\*\.example\.org"\.$/,
  ],
  [
    '26 names',
    { RELAY_DOMAIN: Array.from({ length: 26 }, (_, n) => `n${n}.example.org`).join() },
    /^RELAY_DOMAIN lists 26 names: one certificate is for 25 at most/,
  ],
];
for (const [label, env, message] of WRONG) {
  test(`${label} is refused with the mend`, () => assert.throws(() => read(env, ['10.0.0.5', '::1']), message));
}

test('files and auto exclude each other', () => {
  const files = { RELAY_TLS_CERT: 'package.json', RELAY_TLS_KEY: 'package.json' };
  assert.throws(() => read({ ...DOMAIN, ...files }), /exclude each other/);
});

test('25 names are taken', () => {
  const RELAY_DOMAIN = Array.from({ length: 25 }, (_, n) => `n${n}.example.org`).join();
  assert.is(read({ RELAY_DOMAIN }).acme!.identifiers.length, 25);
});

test.run();
