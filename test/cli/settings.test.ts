import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encode } from 'uqr';
import { parseEnv } from '../../core/dotenv.ts';
import { programEnv } from '../../cli/home.ts';
import { qrLines } from '../../cli/qr.ts';
import { dashboardOrigin, tunnelUrl } from '../../cli/relay-address.ts';
import { readSettings, saveSettings, withSettings } from '../../cli/settings-file.ts';

test('a settings file keeps what is not changed, comments too', () => {
  const old = '# mine\nPORT=4000\nexport RELAY_URL=ws://old/tunnel\n\nSMTP_HOST=mail\n\n';
  assert.is(
    withSettings(old, { RELAY_URL: 'wss://new/tunnel' }),
    '# mine\nPORT=4000\n\nSMTP_HOST=mail\nRELAY_URL="wss://new/tunnel"\n',
  );
  assert.is(withSettings(old, { PORT: '', RELAY_URL: '' }), '# mine\n\nSMTP_HOST=mail\n');
  assert.is(withSettings('', { A: 'b' }), 'A="b"\n');
});

test('a value comes back as it was, whatever characters it has', () => {
  for (const value of [`it's "quoted" \\ and $HOME`, ' spaces ', 'a#b #c', '\\n', 'ü€']) {
    assert.is(parseEnv(withSettings('', { A: value })).A, value);
  }
  for (const value of ['a\nB=c', 'a\r', '\0']) {
    assert.throws(() => withSettings('', { A: value }), /no control characters/);
  }
});

test('the settings file is for its owner only, and gives DATA_DIR beside it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'settings-'));
  const env = { AGENT_MONITOR_HOME: join(directory, 'home') };
  try {
    assert.is(readSettings(env), null);
    const path = await saveSettings(env, { PORT: '4001' });
    assert.is(statSync(path).mode & 0o777, 0o600);
    assert.is(statSync(env.AGENT_MONITOR_HOME).mode & 0o777, 0o700);
    await saveSettings(env, { RELAY_URL: 'wss://a/tunnel' });
    assert.equal(readSettings(env), { PORT: '4001', RELAY_URL: 'wss://a/tunnel' });
    assert.is(readFileSync(path, 'utf8'), 'PORT="4001"\nRELAY_URL="wss://a/tunnel"\n');
    assert.equal(programEnv({ ...env, PORT: '5' }), {
      ...env,
      PORT: '5',
      RELAY_URL: 'wss://a/tunnel',
      DATA_DIR: join(env.AGENT_MONITOR_HOME, 'data'),
    });
    writeFileSync(path, 'nonsense');
    assert.throws(() => programEnv(env), /line 1 is not NAME=value/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('an address of a relay, as people type it', () => {
  const addresses = [
    ['relay.example.org', 'wss://relay.example.org/tunnel'],
    ['https://relay.example.org/', 'wss://relay.example.org/tunnel'],
    ['http://192.0.2.7:3457', 'ws://192.0.2.7:3457/tunnel'],
    ['wss://relay.example.org:8443/tunnel', 'wss://relay.example.org:8443/tunnel'],
    [' 203.0.113.5:8443 ', 'wss://203.0.113.5:8443/tunnel'],
    ['https://[2001:db8::1]', 'wss://[2001:db8::1]/tunnel'],
    ['https://example.org/behind/tunnel', 'wss://example.org/behind/tunnel'],
  ];
  for (const [typed, url] of addresses) assert.is(tunnelUrl(typed!), url);
  for (const typed of ['', '  ', 'ftp://x', 'two words', 'https://', 'https://user:pass@host', 'javascript:alert(1)']) {
    assert.throws(() => tunnelUrl(typed), /is no address of a relay/, typed);
  }
  assert.is(dashboardOrigin('wss://a.example/tunnel'), 'https://a.example');
  assert.is(dashboardOrigin('ws://a.example:3457/tunnel'), 'http://a.example:3457');
});

test('a QR code in a terminal has the modules of the code, two rows a line, dark on white', () => {
  for (
    const text of ['https://relay.example.org/#/pair/AAAABBBBCCCCDDDDEEEEFFFF', 'x', 'http://10.0.0.2:3456/#/pair/q']
  ) {
    const { data, size } = encode(text, { ecc: 'L', border: 2 });
    const lines = qrLines(text);
    assert.is(lines.length, Math.ceil(size / 2));
    lines.forEach((line, row) => {
      assert.ok(line.startsWith('\x1b[38;5;16;48;5;231m') && line.endsWith('\x1b[0m'));
      // deno-lint-ignore no-control-regex
      [...line.replace(/\x1b\[[0-9;]*m/g, '')].forEach((half, x) => {
        assert.is('▀█'.includes(half), data[row * 2]![x]);
        assert.is('▄█'.includes(half), data[row * 2 + 1]?.[x] ?? false);
      });
    });
  }
});

test.run();
