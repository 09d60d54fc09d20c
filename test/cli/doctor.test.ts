import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failed, ok, warning } from '../../cli/doctor/finding.ts';
import { checkAnyCli, checkCli, checkData, checkDisk, checkGit, checkNode, clisOf } from '../../cli/doctor/machine.ts';
import {
  askRelay,
  checkCertificate,
  checkClock,
  checkPort,
  checkRelay,
  type RelayAnswer,
} from '../../cli/doctor/network.ts';
import { checkSecrets, serverEnvironment } from '../../cli/doctor/secrets.ts';
import { lockDirectory } from '../../agent/store/lock.ts';
import { testAsUser, testUnless } from '../support/harness/conditional-test.ts';
import type { LocalHealth } from '../../cli/local-health.ts';

let directory: string;
test.before(() => void (directory = mkdtempSync(join(tmpdir(), 'doctor-'))));
test.after(() => rmSync(directory, { recursive: true, force: true }));

/** A program that does what this shell script does. */
function program(name: string, script: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('node: this one will do, older ones are named', () => {
  assert.is(checkNode().verdict, 'ok');
  for (const node of ['18.20.4', '16.0.0', '0.10.48']) {
    const finding = checkNode({ node });
    assert.is(finding.verdict, 'failed');
    assert.match(finding.text, `this is Node ${node}:`);
  }
});

test('git: there, old, not there', async () => {
  assert.is((await checkGit()).verdict, 'ok');
  assert.is((await checkGit(program('git-new', 'echo git version 2.47.1.windows.1'))).text, '2.47.1');
  assert.match((await checkGit(program('git-old', 'echo git version 2.25.1'))).text, /2\.25\.1 is old/);
  assert.is((await checkGit(program('git-3', 'echo git version 3.0.0'))).verdict, 'ok');
  assert.is((await checkGit(join(directory, 'no-git'))).verdict, 'failed');
});

test('CLIs: logged in, logged out, broken, missing', async () => {
  const bin = (name: string, loginCode: number) =>
    program(
      name,
      `case "$*" in --version) echo 2.1.3;; "auth status"|"login status") exit ${loginCode};; *) exit 9;; esac`,
    );
  const check = async (bin: string) => {
    const [claude, codex] = clisOf({ programs: { claude: bin, codex: bin } });
    return [await checkCli(claude!), await checkCli(codex!)].map(({ verdict, text }) => `${verdict} ${text}`);
  };
  assert.equal(await check(bin('in', 0)), ['ok 2.1.3, logged in', 'ok 2.1.3, logged in']);
  assert.equal(await check(bin('out', 1)), ['warning 2.1.3, not logged in.', 'warning 2.1.3, not logged in.']);
  const broken = program('broken', 'exit 3');
  assert.equal((await check(broken))[0], `warning ${broken} does not run.`);
  assert.equal((await check(join(directory, 'none')))[0], 'warning is not installed.');
});

test('without any CLI that can be used nothing works', () => {
  const verdicts = (...findings: Parameters<typeof checkAnyCli>[0]) =>
    checkAnyCli(findings).map(({ verdict }) => verdict);
  assert.equal(verdicts(warning('claude', '', ''), ok('codex', '')), ['warning', 'ok']);
  assert.equal(verdicts(warning('claude', '', ''), warning('codex', '', '')), ['failed', 'failed']);
});

test('disk and data folder', () => {
  const dataDir = join(directory, 'not/there/yet');
  assert.match(checkData({ dataDir }).text, /not there yet/);
  assert.is(checkDisk({ dataDir }).name, 'disk');
  assert.equal([2e9, 5e8, 1e7].map((free) => checkDisk({ dataDir }, free).verdict), ['ok', 'warning', 'failed']);
});

test('a data folder that can never be one', () => {
  writeFileSync(join(directory, 'a-file'), '', { mode: 0o600 });
  const { verdict, text } = checkData({ dataDir: join(directory, 'a-file', 'data') });
  assert.equal([verdict, text], ['failed', `${join(directory, 'a-file')} cannot be written.`]);
});

testAsUser('a data folder that is closed to its user', () => {
  mkdirSync(join(directory, 'closed'), { mode: 0o500 });
  assert.is(checkData({ dataDir: join(directory, 'closed') }).verdict, 'failed');
});

const FILE = '/home/me/.agent-monitor/.env';
const secrets = (env: Record<string, string>, isRunning = false) =>
  checkSecrets(env, isRunning, FILE).map(({ verdict, text }) => `${verdict} ${text}`);

test('secrets: what agents inherit, what they can read, and what is none', () => {
  assert.equal(
    secrets({ PATH: '/bin', HOME: '/root', TOKENIZERS_PARALLELISM: 'no', GIT_ASKPASS: '/x', KEYMAP: 'us' }),
    [
      'ok none that agents would inherit is in the environment that a server would be started with',
    ],
  );
  const names = ['GITHUB_TOKEN', 'aws_secret_access_key', 'PGPASSWORD', 'NPM_CONFIG__AUTH', 'STRIPE_API_KEY'];
  const env = { ...Object.fromEntries(names.map((name) => [name, 'x'])), DATABASE_URL: 'postgres://me:pw@db/x' };
  const [inherited] = secrets({ ...env, DOCS_URL: 'https://example.org/a:b@c', EMPTY_TOKEN: '' }, true);
  assert.match(inherited!, "in the server's environment: agents and terminals inherit it.");
  for (const name of [...names, 'DATABASE_URL']) assert.match(inherited!, name);
  assert.not.match(inherited!, 'DOCS_URL');
  assert.not.match(inherited!, 'EMPTY_TOKEN');
  // What a coding agent logs in with is there for it; the server's own are not inherited, but can be read.
  assert.equal(secrets({ ANTHROPIC_API_KEY: 'x', CLAUDE_CODE_OAUTH_TOKEN: 'y' }).length, 1);
  const [own, ...others] = secrets({ RELAY_TOKEN: 't', DASHBOARD_PASSWORD: 'p', SMTP_PASS: 's' });
  assert.match(own!, 'warning RELAY_TOKEN, DASHBOARD_PASSWORD, SMTP_PASS in');
  assert.equal(others, []);
  assert.match(checkSecrets({ RELAY_TOKEN: 't' }, true, FILE)[0]!.mend, FILE);
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`S${i}_TOKEN`, 'x']));
  assert.match(secrets(many)[0]!, 'S7_TOKEN and 12 more');
  assert.not.match(secrets({ A_TOKEN: 'very-secret' })[0]!, 'very-secret');
});

const linuxTest = testUnless(existsSync('/proc/self/environ') ? '' : 'there is no /proc');
linuxTest('secrets: those of the server that runs, whatever this shell has', async () => {
  const dataDir = mkdtempSync(join(directory, 'data-'));
  assert.is(serverEnvironment(dataDir), null);
  const release = await lockDirectory(dataDir);
  try {
    const begun = serverEnvironment(dataDir)!;
    process.env.LATER_TOKEN = 'not what it was started with';
    assert.is(begun.PATH, process.env.PATH);
    assert.is(serverEnvironment(dataDir)!.LATER_TOKEN, undefined);
  } finally {
    delete process.env.LATER_TOKEN;
    release();
  }
  assert.is(serverEnvironment(dataDir), null);
});

/** Asks a server that answers so. */
async function ask(answer: (req: IncomingMessage, res: ServerResponse) => void, local: LocalHealth | null = null) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relay = { url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/tunnel`, token: 't', ca: '' };
  try {
    return checkRelay(relay, await askRelay(relay).catch((error) => error as Error), local);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const health = (kind: string): LocalHealth => ({
  port: 1,
  version: '0',
  agents: 0,
  tunnel: { kind, text: `it is ${kind}` },
  warnings: [],
});
const json = (body: unknown, status = 200) => (_req: IncomingMessage, res: ServerResponse) => {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify(body));
};

test('relay: each hop and each sentence', async () => {
  const up = json({ tunnelConnected: true, uptime: 1 });
  const verdicts = (findings: { name: string; verdict: string }[]) => findings.map((f) => `${f.name} ${f.verdict}`);
  assert.equal(verdicts(await ask(up, health('connected'))), [
    'relay ok',
    'machine ok',
    'certificate warning',
    'clock ok',
    'push warning',
  ]);
  assert.is((await ask(up, health('refused')))[1]!.text, 'it is refused');
  assert.match((await ask(up))[1]!.text, /not by the server of this user/);
  assert.match((await ask(json({ tunnelConnected: false })))[1]!.mend, /agent-monitor service install/);
  assert.match((await ask(json({ error: 'There is no certificate.' }, 503)))[0]!.text, /There is no certificate\./);
  assert.match((await ask(json({}, 200)))[0]!.text, /not as a relay does/);
  const page = (_req: IncomingMessage, res: ServerResponse) => void res.writeHead(404).end('<h1>nginx</h1>');
  assert.match((await ask(page))[0]!.mend, /proxy/);
});

test('relay: what hinders has its mend', async () => {
  const relay = { url: 'wss://127.0.0.1:9/tunnel', token: 't', ca: '' };
  const mend = (code: string) => checkRelay(relay, Object.assign(new Error('x'), { code }), null)[0]!.mend;
  assert.match(mend('ENOTFOUND'), /name is not known/);
  assert.match(mend('ECONNREFUSED'), /Nothing listens/);
  assert.match(mend('ETIMEDOUT'), /open port 9 /);
  assert.match(mend('DEPTH_ZERO_SELF_SIGNED_CERT'), /RELAY_CA/);
  assert.match(mend('ERR_TLS_CERT_ALTNAME_INVALID'), /not for this name/);
  assert.match(mend('EPROTO'), /https:\/\//);
  const refused = await askRelay(relay).catch((error) => error);
  assert.is(refused.code, 'ECONNREFUSED');
});

test('certificate and clock', () => {
  const day = 24 * 3600 * 1000;
  const answer = (validTo: number | null) => ({ validTo, issuer: "Let's Encrypt" }) as RelayAnswer;
  assert.is(checkCertificate(answer(5.5 * day), 0).text, "of Let's Encrypt, valid for 5 more days");
  assert.equal([3, 1.1, 0.5, -2].map((days) => checkCertificate(answer(days * day), 0).verdict), [
    'ok',
    'ok',
    'warning',
    'warning',
  ]);
  assert.match(checkCertificate(answer(null)).text, /plain http/);
  assert.equal([0, 59_000, -60_000].map((skew) => checkClock(1e12, 1e12 + skew).verdict), ['ok', 'ok', 'ok']);
  assert.equal([61_000, -3_600_000].map((skew) => checkClock(1e12, 1e12 + skew).verdict), ['warning', 'warning']);
  assert.is(checkClock(null).verdict, 'ok');
});

test('port: ours, free, taken by another', async () => {
  assert.match((await checkPort({ port: 1, host: '' }, health('connected'))).text, /runs on port 1/);
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const taken = await checkPort({ port, host: '' }, null);
  assert.equal([taken.verdict, taken.text], ['failed', `Port ${port} cannot be used (EADDRINUSE).`]);
  await new Promise((resolve) => server.close(resolve));
  assert.is((await checkPort({ port, host: '' }, null)).verdict, 'warning');
  assert.is(failed('a', 'b', 'c').verdict, 'failed');
});

test.run();
