import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ReportReader } from '../../cli/deploy/report.ts';
import { relaySettings } from '../../cli/deploy/settings.ts';
import { hostOf, onServer, type Server } from '../../cli/deploy/ssh.ts';
import { dispatch } from '../../cli/dispatch.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { parseEnv } from '../../core/dotenv.ts';

let directory: string;
test.before(() => void (directory = mkdtempSync(join(tmpdir(), 'deploy-unit-'))));
test.after(() => rmSync(directory, { recursive: true, force: true }));

test('settings: what is set here, the secrets that are given, and an empty value that takes one back', () => {
  const env = { RELAY_DOMAIN: 'relay.example.org', RELAY_TLS: '', RELAY_TOKEN: 'not this one', PATH: '/bin' };
  const none = relaySettings(env, { token: null, password: null });
  assert.is(none.settings, 'RELAY_DOMAIN="relay.example.org"\nRELAY_TLS=\n');
  const both = relaySettings({}, { token: 'a "token"', password: '' });
  assert.is(both.settings, 'RELAY_TOKEN="a \\"token\\""\nRELAY_PASSWORD=\n');
  assert.equal(parseEnv(both.settings), { RELAY_TOKEN: 'a "token"', RELAY_PASSWORD: '' });
  assert.is(
    relaySettings({ DEPLOY_EXTRA_CA_CERTS: '/ca' }, { token: null, password: null }).settings,
    'NODE_EXTRA_CA_CERTS="/ca"\n',
  );
  assert.throws(() => relaySettings({}, { token: 'a\nRELAY_PASSWORD=', password: null }), /control characters/);
});

test('defaults are fresh secrets each time', () => {
  const [first, second] = [1, 2].map(() => relaySettings({}, { token: null, password: null }));
  assert.equal(parseEnv(first!.defaults), first!.generated);
  assert.ok(first!.generated.RELAY_TOKEN!.length >= 43 && first!.generated.RELAY_PASSWORD!.length >= 16);
  assert.is.not(first!.generated.RELAY_TOKEN, second!.generated.RELAY_TOKEN);
});

test('the report: results apart from lines for people', () => {
  const reader = new ReportReader();
  const lines = [
    'started by pm2: x',
    'default:RELAY_TOKEN',
    'note:a: b',
    'tunnel:wss://a/tunnel',
    'dashboard:https://a',
    'other:x',
  ];
  assert.equal(lines.map((line) => reader.line(line)), ['started by pm2: x', null, null, null, null, 'other:x']);
  assert.equal(reader.report, {
    dashboard: 'https://a',
    tunnel: 'wss://a/tunnel',
    defaults: ['RELAY_TOKEN'],
    notes: ['a: b'],
  });
});

/** A program in the place of ssh. */
function localSsh(script = 'exit 0'): Server {
  const path = join(directory, `ssh-${Math.random().toString(36).slice(2)}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { target: 'someone@host', ssh: [path, '-q'], signal: new AbortController().signal };
}

test('ssh: the input arrives, lines come back whole, failures are sentences', async () => {
  const lines: string[] = [];
  await onServer(localSsh('cat; printf "last\\n"'), 'x', 'one\ntwo\n', (line) => lines.push(line));
  assert.equal(lines, ['one', 'two', 'last']);
  await onServer(localSsh('[ "$2" = -- ] && [ "$3" = someone@host ]'), 'x', '');
  for (
    const [code, sentence] of [[255, /ssh did not get through to someone@host/], [
      7,
      /It failed on someone@host/,
    ]] as const
  ) {
    await onServer(localSsh(`exit ${code}`), 'x', '').then(() => assert.unreachable(), (error) => {
      assert.match(error.message, sentence);
      assert.is(error.exitCode, code === 255 ? EXIT.unreachable : EXIT.failed);
    });
  }
  const missing = { ...localSsh(), ssh: [join(directory, 'no-ssh')] };
  await onServer(missing, 'x', '').then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, /cannot be started/),
  );
});

test("the host behind an alias of ssh's configuration", async () => {
  assert.is(await hostOf(localSsh('printf "user a\\nhostname 192.0.2.7\\nport 22\\n"')), '192.0.2.7');
  assert.is(await hostOf(localSsh('exit 1')), 'host');
});

async function deploy(...args: string[]) {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const code = await dispatch(['deploy', ...args], {
    version: '0',
    env: { AGENT_MONITOR_HOME: join(directory, 'own') },
    stdout: streams.stdout as unknown as NodeJS.WriteStream,
    stderr: streams.stderr as unknown as NodeJS.WriteStream,
  });
  return { code, err: String(streams.stderr.read() ?? '') };
}

test('a wrong command line is said before anything is sent', async () => {
  mkdirSync(join(directory, 'own'), { recursive: true });
  const [ssh] = localSsh(`touch ${directory}/called`).ssh;
  const wrong: [string[], RegExp][] = [
    [[], /Which server\?/],
    [['a@b', 'token', 'password', 'more'], /at most a token and a password/],
    [['a@b', ''], /The token is empty/],
    [['a@b', '--dir', '../x;rm'], /The folder may have/],
    [['a@b', '--dir', '-x'], /ambiguous|The folder may have/],
  ];
  for (const [args, sentence] of wrong) {
    const { code, err } = await deploy(...args, '--ssh', ssh!);
    assert.is(code, EXIT.usage, err);
    assert.match(err, sentence);
  }
  assert.not.ok(existsSync(join(directory, 'called')));
  assert.throws(() => readFileSync(join(directory, 'own/.env')));
});

test.run();
