import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../core/log.ts';
import { generateJoinCode, generateMachineToken } from '../../core/tunnel/token.ts';
import { createAudit } from '../../relay/audit.ts';
import { readRelayConfig, SETTINGS } from '../../relay/config.ts';
import { StateFile } from '../../relay/state-file.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';

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

test('`~` is the home folder in every path', () => {
  const home = mkdtempSync(join(tmpdir(), 'relay-home-'));
  const before = process.env.HOME;
  process.env.HOME = home;
  try {
    for (const name of ['cert.pem', 'key.pem']) writeFileSync(join(home, name), '');
    const config = readRelayConfig({
      ...TOKEN,
      RELAY_STATE: '~/state/relay.json',
      RELAY_AUDIT: ' ~/audit.log ',
      RELAY_TLS_CERT: '~/cert.pem',
      RELAY_TLS_KEY: '~/key.pem',
    });
    assert.is(config.stateFile, join(home, 'state/relay.json'));
    assert.is(config.auditFile, join(home, 'audit.log'));
    assert.equal(config.tls, { cert: join(home, 'cert.pem'), key: join(home, 'key.pem') });
    assert.is(readRelayConfig({ ...TOKEN, RELAY_STATE: '' }).stateFile, null);
  } finally {
    if (before === undefined) delete process.env.HOME;
    else process.env.HOME = before;
    rmSync(home, { recursive: true });
  }
});

const WRONG: [Record<string, string>, RegExp][] = [
  [{ RELAY_TOKEN: '' }, /^RELAY_TOKEN is not set: .*RELAY_TOKEN=[\w-]{43}$/],
  [{ RELAY_PORT: '70000' }, /^RELAY_PORT .*"70000"/],
  [{ RELAY_PORT: 'http' }, /^RELAY_PORT/],
  [{ RELAY_DOMAIN: 'relay example' }, /^RELAY_DOMAIN/],
  [{ RELAY_PREVIEW_PORT: 'x' }, /^RELAY_PREVIEW_PORT must be a number/],
  [{ RELAY_PREVIEW_PORT: '3457' }, /^RELAY_PREVIEW_PORT must be another port/],
  [{ RELAY_PREVIEW_DOMAIN: '10.0.0.1' }, /^RELAY_PREVIEW_DOMAIN must be a domain/],
  [{ RELAY_PREVIEW_DOMAIN: 'a b' }, /^RELAY_PREVIEW_DOMAIN must be a domain/],
  [
    { RELAY_PREVIEW_DOMAIN: 'example.org', RELAY_DOMAIN: 'relay.example.org' },
    /^RELAY_PREVIEW_DOMAIN: relay\.example\.org/,
  ],
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

test('the domain of previews is taken with and without its star, and a second port beside it', () => {
  const read = (env: Record<string, string>) => readRelayConfig({ ...TOKEN, ...env });
  for (const text of ['preview.example.net', '*.Preview.example.net', 'preview.example.net.']) {
    assert.is(read({ RELAY_PREVIEW_DOMAIN: text, RELAY_DOMAIN: 'example.net' }).previewDomain, 'preview.example.net');
  }
  assert.is(read({ RELAY_PREVIEW_DOMAIN: 'localhost', RELAY_DOMAIN: 'localhost' }).previewDomain, 'localhost');
  assert.is(read({ RELAY_PREVIEW_PORT: '3458' }).previewPort, 3458);
  assert.is(read({}).previewDomain, null);
  assert.is(read({}).previewPort, null);
});

test('every setting that is read is in the help', () => {
  const asked = new Set<string>();
  const spy = new Proxy({ ...TOKEN } as Record<string, string | undefined>, {
    get: (env, name: string) => (asked.add(name), env[name]),
  });
  readRelayConfig(spy);
  assert.equal([...asked].sort(), SETTINGS.map(([name]) => name).sort());
});

for (const name of ['RELAY_STATE', 'RELAY_AUDIT']) {
  test(`${name} that is no regular file is refused, and stays as it is`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'relay-kinds-'));
    const at = (file: string) => join(directory, file);
    try {
      mkdirSync(at('directory'));
      writeFileSync(at('file'), '{}');
      symlinkSync(at('file'), at('link'));
      symlinkSync(at('nothing'), at('dangling'));
      execFileSync('mkfifo', [at('pipe')]);
      const kinds: [string, RegExp][] = [
        [at('directory'), /is a directory/],
        [at('link'), /is a symbolic link/],
        [at('dangling'), /is a symbolic link/],
        [at('pipe'), /is a pipe/],
        ['/dev/null', /is a device/],
      ];
      const before = readdirSync(directory).map((file) => [file, lstatSync(at(file)).mode]);
      for (const [file, text] of kinds) {
        const read = () => readRelayConfig({ ...TOKEN, [name]: file });
        assert.throws(read, text);
        assert.throws(read, new RegExp(`^${name}: `));
      }
      assert.equal(readdirSync(directory).map((file) => [file, lstatSync(at(file)).mode]), before);
      for (const file of [at('file'), at('new'), at('no/directory')]) readRelayConfig({ ...TOKEN, [name]: file });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test('what becomes a pipe while the relay runs is neither waited for nor renamed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'relay-kinds-'));
  const file = join(directory, 'state.json');
  try {
    execFileSync('mkfifo', [file]);
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line) });
    assert.is(new StateFile(file, log).load(), null);
    createAudit(file, log, fakeClock())('login_ok', {});
    assert.is(lines.filter((line) => line.includes('is a pipe')).length, 2, lines.join('\n'));
    assert.ok(lstatSync(file).isFIFO());
    assert.equal(readdirSync(directory), ['state.json']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a RELAY_TOKEN that would be taken for a machine's own token or code is refused", () => {
  for (const token of [generateMachineToken(), generateJoinCode(), 'amt_', `amt_${'x'.repeat(60)}`]) {
    assert.throws(() => readRelayConfig({ RELAY_TOKEN: token }), /^RELAY_TOKEN begins as/);
  }
  assert.is(readRelayConfig({ RELAY_TOKEN: `x${generateMachineToken()}` }).token[0], 'x');
});

test.run();
