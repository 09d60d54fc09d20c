import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, readConfig } from '../../agent/config.ts';

test('without any setting it is local, on 3456', () => {
  const config = readConfig({});
  assert.is(config.port, 3456);
  assert.is(config.host, '');
  assert.is(config.relay, null);
  assert.is(config.claudeBin, 'claude');
  assert.ok(config.dataDir.endsWith('/data'));
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
