/**
 * `RELAY_TLS=auto node relay.mjs` as on a fresh server: ports 443 and 80, no domain, the authority finds the server by its
 * public address. Everything in a network namespace, where such an address can be had. Needs root.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type Pebble, startPebble } from '../support/harness/pebble.ts';
import { plainEnv, type Program, ROOT, startProgram, until } from '../support/harness/product.ts';
import { createNamespace, type Namespace } from '../support/network/netns.ts';

const FOUR = '20.1.2.3';
const SIX = '2600:1234::7';
const TOKEN = 'JhX5sW2kq8ZrT1yBv7nM4cLd9gPa3fUe6iRo0xQwEtY';

let net: Namespace;
let directory: string;
let pebble: Pebble;
/** The file of the root that signs the certificates. */
let rootFile: string;

const inside = (command: string, ...args: string[]): string => {
  const [program, all] = net.inside(command, args);
  return execFileSync(program, all, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
};
const handshake = (...args: string[]) => inside('openssl', 's_client', '-connect', `${FOUR}:443`, ...args);

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'acme-program-'));
  net = createNamespace();
  inside('ip', 'link', 'add', 'public', 'type', 'veth', 'peer', 'name', 'other');
  inside('ip', 'link', 'set', 'other', 'up');
  inside('ip', 'link', 'set', 'public', 'up');
  inside('ip', 'addr', 'add', `${FOUR}/24`, 'dev', 'public');
  inside('ip', '-6', 'addr', 'add', `${SIX}/64`, 'dev', 'public', 'nodad');
  pebble = await startPebble({ directory, httpPort: 80, tlsPort: 443, inside: net.inside });
  copyFileSync(join(ROOT, 'dist/relay.mjs'), join(directory, 'relay.mjs'));
});
test.after(async () => {
  await pebble?.close();
  net?.close();
  rmSync(directory, { recursive: true });
});

function startRelay(env: Record<string, string> = {}, ...prefix: string[]): Program {
  const [command = process.execPath, ...rest] = [...prefix, process.execPath, 'relay.mjs'];
  return startProgram(...net.inside(command, rest), {
    ...plainEnv(),
    RELAY_TOKEN: TOKEN,
    RELAY_TLS: 'auto',
    RELAY_ACME_DIRECTORY: pebble.directory,
    NODE_EXTRA_CA_CERTS: pebble.caFile,
    ...env,
  }, directory);
}

/** Asks by https inside of the namespace, trusting only the authority's root. @returns status, a blank and the body */
function ask(url: string): string {
  const script = `fetch(${JSON.stringify(url)}, { redirect: 'manual' }).then(async (r) => ` +
    `console.log(r.status, r.headers.get('location') ?? '', await r.text()))`;
  const [command, args] = net.inside(process.execPath, ['-e', script]);
  return execFileSync(command, args, { encoding: 'utf8', env: { ...plainEnv(), NODE_EXTRA_CA_CERTS: rootFile } });
}

const serial = (): string => {
  const shown = handshake('-alpn', 'http/1.1');
  return execFileSync('openssl', ['x509', '-noout', '-serial'], { input: shown, encoding: 'utf8' });
};
const orders = () => pebble.output().split('POST /order-plz').length;

test('without a domain: a certificate for both public addresses, port 80 leads to https, the agent connects by wss', async () => {
  let relay = startRelay();
  let agent: Program | null = null;
  try {
    await until(() => relay.output(), () => /First login +https:\/\/20\.1\.2\.3\/#/.test(relay.output()), 60_000);
    assert.match(relay.output(), /running on port 443/);
    assert.match(relay.output(), /A new certificate is in use\. names="20\.1\.2\.3, 2600:1234::7"/);
    rootFile = join(directory, 'root.pem');
    writeFileSync(rootFile, root());

    assert.match(ask(`https://${FOUR}/api/relay/status`), /^200 .*"tunnelConnected":false/);
    assert.match(ask(`https://[${SIX}]/`), /^200 [^]*<!doctype html>/i);
    assert.match(ask(`http://${FOUR}/a?b`), /^308 https:\/\/20\.1\.2\.3\/a\?b/);
    assert.match(ask(`http://[${SIX}]/`), /^308 https:\/\/\[2600:1234::7\]\//);
    assert.match(ask(`http://${net.there}/`), /^421 /);

    const secrets = readdirSync(directory).filter((name) => name.startsWith('relay-state'));
    assert.equal(secrets.sort(), ['relay-state.acme.json', 'relay-state.json']);
    for (const name of secrets) assert.is(statSync(join(directory, name)).mode & 0o777, 0o600, name);

    const [command, args] = net.inside(process.execPath, ['--import', 'tsx', join(ROOT, 'agent/main.ts')]);
    const env = { ...plainEnv(), NODE_EXTRA_CA_CERTS: rootFile, DATA_DIR: join(directory, 'data'), RELAY_TOKEN: TOKEN };
    agent = startProgram(command, args, { ...env, RELAY_URL: `wss://${FOUR}/tunnel` }, ROOT);
    await until(() => agent!.output(), () => /Authenticated successfully/.test(agent!.output()), 30_000);
    assert.match(ask(`https://${FOUR}/api/relay/status`), /"tunnelConnected":true/);

    const before = [serial(), orders()];
    await relay.kill();
    relay = startRelay();
    await until(() => relay.output(), () => /running on port 443/.test(relay.output()));
    assert.equal([serial(), orders()], before, 'a restart ordered another');
    await until('the tunnel', () => /"tunnelConnected":true/.test(ask(`https://${FOUR}/api/relay/status`)), 30_000);
  } finally {
    await agent?.kill();
    await relay.kill();
  }
});

function root(): string {
  const url = JSON.stringify(`${pebble.management}/roots/0`);
  const script = `require('https').get(${url}, { rejectUnauthorized: false }, (res) => res.pipe(process.stdout))`;
  return inside(process.execPath, '-e', script);
}

test('nothing is public, or ports are not ours: one sentence with the mend', async () => {
  const cases: [Record<string, string>, string[], RegExp][] = [
    [
      { RELAY_DOMAIN: '10.9.8.7', RELAY_ACME_DIRECTORY: '' },
      [],
      /^RELAY_DOMAIN: 10\.9\.8\.7 is a private address.*\n$/,
    ],
    [{ RELAY_STATE: '' }, [], /^RELAY_TLS=auto needs RELAY_STATE.*\n$/],
    [
      {},
      ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
      /^Cannot listen on port 443: .*CAP_NET_BIND_SERVICE.*\n$/,
    ],
  ];
  execFileSync('chmod', ['777', directory]);
  for (const [env, prefix, message] of cases) {
    const relay = startRelay(
      { ...env, ...(prefix.length ? { RELAY_STATE: join(directory, 'nobody.json') } : {}) },
      ...prefix,
    );
    await until(() => relay.output(), () => relay.child.exitCode !== null);
    assert.is(relay.child.exitCode, 1);
    assert.match(relay.output(), message);
  }
});

test('port 443 is closed from outside: it says so, waits with a page on port 80, and mends itself by http-01', async () => {
  inside('nft', 'add', 'table', 'inet', 'door');
  inside('nft', 'add', 'chain', 'inet', 'door', 'in', '{ type filter hook input priority 0 ; }');
  inside('nft', 'add', 'rule', 'inet', 'door', 'in', 'tcp', 'dport', '443', 'reject', 'with', 'tcp', 'reset');
  const relay = startRelay({ RELAY_STATE: 'closed.json', RELAY_PASSWORD: 'a password of mine' });
  try {
    await until(() => relay.output(), () => /A new certificate is in use/.test(relay.output()), 60_000);
    assert.match(ask(`http://${FOUR}/`), /^308 /);
    inside('nft', 'add', 'rule', 'inet', 'door', 'in', 'tcp', 'dport', '80', 'reject', 'with', 'tcp', 'reset');
  } finally {
    await relay.kill();
  }
  const shut = startRelay({ RELAY_STATE: 'shut.json', RELAY_PASSWORD: 'a password of mine' });
  try {
    // The authority tries the addresses in any order.
    const sentence =
      /WARNING +There is no https yet\. (.+ )?The authority cannot connect to 20\.1\.2\.3 on port 443: open that port/;
    await until(() => shut.output(), () => sentence.test(shut.output()), 60_000);
    assert.not.match(shut.output(), /First login/);
  } finally {
    await shut.kill();
    inside('nft', 'delete', 'table', 'inet', 'door');
  }
});

test.run();
