import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { localOrigin, relayOrigin, userAgent } from '../../../cli/client/connect.ts';
import {
  credentialsFile,
  readCredentials,
  type RelayLogin,
  withLogin,
  withoutLogin,
  writeCredentials,
} from '../../../cli/client/credentials.ts';
import { browserName } from '../../../core/auth/sessions.ts';

const test = suite('credentials');
let directory: string;
test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'cli-credentials-'));
});
test.after.each(() => rmSync(directory, { recursive: true, force: true }));

const login = (origin: string, cookie = 'am_session=x'): RelayLogin => ({ origin, cookie, expiresAt: 1, ca: '' });

test('what is written is read again, by the owner alone', async () => {
  const file = credentialsFile({ XDG_CONFIG_HOME: directory });
  assert.equal(readCredentials(file), { current: '', relays: [] });
  const all = withLogin(withLogin(readCredentials(file), login('https://a')), login('https://b'));
  await writeCredentials(file, all);
  assert.equal(readCredentials(file), all);
  assert.is(all.current, 'https://b');
  assert.is(statSync(file).mode & 0o777, 0o600);
  assert.is(statSync(dirname(file)).mode & 0o777, 0o700);
  assert.equal(readdirSync(dirname(file)), ['relays.json']);
});

test('a new login takes the place of the former one at the same relay; a logout takes only its own', () => {
  const two = withLogin(withLogin({ current: '', relays: [] }, login('https://a')), login('https://b'));
  const renewed = withLogin(two, login('https://a', 'am_session=new'));
  assert.equal(renewed.relays.map(({ origin, cookie }) => [origin, cookie]), [
    ['https://b', 'am_session=x'],
    ['https://a', 'am_session=new'],
  ]);
  assert.is(renewed.current, 'https://a');
  assert.equal(withoutLogin(renewed, 'https://a'), { current: '', relays: [login('https://b')] });
  assert.is(withoutLogin(renewed, 'https://b').current, 'https://a');
});

test('a file that others can read, or that is damaged, is refused with what to do', async () => {
  const file = credentialsFile({ XDG_CONFIG_HOME: directory });
  await writeCredentials(file, withLogin({ current: '', relays: [] }, login('https://a')));
  for (const mode of [0o640, 0o604, 0o660]) {
    chmodSync(file, mode);
    assert.throws(() => readCredentials(file), /Other users of this machine/);
  }
  chmodSync(file, 0o600);
  for (const damaged of ['', '{', '[]', '{"current":1,"relays":[]}', '{"current":"","relays":[{}]}']) {
    writeFileSync(file, damaged);
    assert.throws(() => readCredentials(file), /Delete it and log in again/, damaged);
  }
});

test('where it is: XDG_CONFIG_HOME when it is a whole path, else ~/.config', () => {
  assert.is(credentialsFile({ XDG_CONFIG_HOME: '/x', HOME: '/h' }), '/x/agent-monitor/relays.json');
  assert.is(credentialsFile({ XDG_CONFIG_HOME: 'x', HOME: '/h' }), '/h/.config/agent-monitor/relays.json');
  assert.is(credentialsFile({ HOME: '/h' }), '/h/.config/agent-monitor/relays.json');
});

test('addresses of relays become origins; no other scheme, no password in them', () => {
  assert.is(relayOrigin('relay.example'), 'https://relay.example');
  assert.is(relayOrigin('http://127.0.0.1:3457/#/agents'), 'http://127.0.0.1:3457');
  assert.is(relayOrigin('wss://relay.example/tunnel'), 'https://relay.example');
  for (const wrong of ['', 'ftp://a', 'https://a:b@c', 'file:///etc', 'https://']) {
    assert.throws(() => relayOrigin(wrong), /is not the address of a relay/, wrong);
  }
});

test("this machine's server: PORT and HOST, from the environment", () => {
  const of = (env: Record<string, string>) => localOrigin({ AGENT_MONITOR_HOME: directory, ...env });
  assert.is(of({}), 'http://127.0.0.1:3456');
  assert.is(of({ PORT: '4000', HOST: '0.0.0.0' }), 'http://127.0.0.1:4000');
  assert.is(of({ HOST: '192.0.2.7' }), 'http://192.0.2.7:3456');
  assert.is(of({ HOST: 'fd00::7' }), 'http://[fd00::7]:3456');
  for (const PORT of ['0', 'x', '70000']) assert.throws(() => of({ PORT }), /PORT must be a port number/);
});

test('the devices page can name the login by its host', () => {
  assert.is(browserName(userAgent('1.2.3', 'laptop')), 'agent-monitor on laptop');
  assert.is(browserName(userAgent('1.2.3-rc.1', 'my host\r\n(x)')), 'agent-monitor on myhostx');
});

test.run();
