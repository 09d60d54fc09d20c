import { homedir } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, linkBase, readConfig } from '../../agent/config.ts';

test('without any setting it is local, on 3456', () => {
  const config = readConfig({});
  assert.is(config.port, 3456);
  assert.is(config.host, '');
  assert.is(config.relay, null);
  assert.is(config.programs.claude, 'claude');
  assert.ok(config.dataDir.endsWith('/data'));
});

test('a link of a notice names the machine at the relay, and none at a relay that knows one machine, or without', () => {
  const relay = { RELAY_URL: 'wss://relay.example.org/tunnel', RELAY_TOKEN: 'x'.repeat(43) };
  assert.is(linkBase(readConfig(relay), 'machine1'), 'https://relay.example.org/#/m/machine1');
  assert.is(linkBase(readConfig(relay), null), 'https://relay.example.org/#');
  const named = { ...relay, PUBLIC_URL: 'https://agents.example.org' };
  assert.is(linkBase(readConfig(named), 'machine1'), 'https://agents.example.org/#/m/machine1');
  assert.is(linkBase(readConfig({ PORT: '4000' }), null), 'http://localhost:4000/#');
});

test('loopback names mean the default; another HOST needs a password', () => {
  for (const HOST of ['localhost', '127.0.0.1', '::1', '']) assert.is(readConfig({ HOST }).host, '');
  assert.is(readConfig({ HOST: '0.0.0.0', DASHBOARD_PASSWORD: 'x' }).host, '0.0.0.0');
});

test('only a folder that somebody set is one to begin with', () => {
  assert.not.ok(readConfig({}).isDirectorySet);
  const config = readConfig({ DEFAULT_DIRECTORY: '/srv/project/' });
  assert.equal([config.isDirectorySet, config.defaultDirectory], [true, '/srv/project']);
});

test('`~` is the home folder in every path', () => {
  for (const [home, rest] of [['~', ''], ['~/code', '/code'], [' ~/code/../x ', '/x']]) {
    const env = {
      DATA_DIR: home,
      DEFAULT_DIRECTORY: home,
      CLAUDE_CONFIG_DIR: home,
      CLAUDE_BIN: home,
      CODEX_BIN: home,
      RELAY_URL: 'wss://relay.example',
      RELAY_TOKEN: 'x',
      RELAY_CA: home,
    };
    const { dataDir, defaultDirectory, programs, programDirectories, relay } = readConfig(env);
    for (
      const path of [dataDir, defaultDirectory, programDirectories.claude, programs.claude, programs.codex, relay!.ca]
    ) {
      assert.is(path, homedir() + rest);
    }
  }
  assert.is(readConfig({ DATA_DIR: '/srv/~' }).dataDir, '/srv/~');
  assert.is(readConfig({ DATA_DIR: '/srv/~/x' }).dataDir, '/srv/~/x');
  assert.is(readConfig({ CLAUDE_BIN: 'claude~' }).programs.claude, 'claude~');
});

const WRONG: [Record<string, string>, string][] = [
  [{ PORT: 'x' }, 'PORT'],
  [{ PORT: '70000' }, 'PORT'],
  [{ PORT: '-1' }, 'PORT'],
  [{ HOST: '0.0.0.0' }, 'DASHBOARD_PASSWORD'],
  [{ HOST: '0.0.0.0', DASHBOARD_PASSWORD: '' }, 'DASHBOARD_PASSWORD'],
  [{ RELAY_URL: 'wss://r.example' }, 'RELAY_TOKEN'],
  [{ RELAY_TOKEN: 'x' }, 'RELAY_URL'],
  [{ RELAY_URL: 'r.example', RELAY_TOKEN: 'x' }, 'RELAY_URL'],
  [{ SMTP_HOST: 'm' }, 'SMTP_FROM'],
  [{ SMTP_HOST: 'm', SMTP_FROM: 'a', SMTP_SECURE: 'maybe' }, 'SMTP_SECURE'],
  [{ TWILIO_ACCOUNT_SID: 'x' }, 'TWILIO_AUTH_TOKEN'],
  [{ SLACK_WEBHOOK_URL: 'ftp://x' }, 'SLACK_WEBHOOK_URL'],
  [{ SLACK_WEBHOOK_URL: 'http://hooks.slack.example' }, 'SLACK_WEBHOOK_URL'],
  [{ PUBLIC_URL: 'x' }, 'PUBLIC_URL'],
  [{ TELEGRAM_BOT_TOKEN: 'a/../b' }, 'TELEGRAM_BOT_TOKEN'],
  [{ TELEGRAM_API_URL: 'x' }, 'TELEGRAM_API_URL'],
  [{ WEBHOOK_SECRET: 'short' }, 'WEBHOOK_SECRET'],
];
for (const [env, name] of WRONG) {
  test(`${JSON.stringify(env)} is refused with a sentence that names ${name}`, () => {
    try {
      readConfig(env);
    } catch (error) {
      assert.instance(error, ConfigError);
      assert.match((error as Error).message, name);
      return;
    }
    assert.unreachable();
  });
}

test('a secret is in no sentence', () => {
  for (
    const env of [{ RELAY_TOKEN: 'sesame' }, { RELAY_URL: 'x', RELAY_TOKEN: 'sesame' }, {
      HOST: 'a',
      DASHBOARD_PASSWORD: '',
    }]
  ) {
    try {
      readConfig(env);
    } catch (error) {
      assert.not.match((error as Error).message, 'sesame');
    }
  }
});

test.run();
