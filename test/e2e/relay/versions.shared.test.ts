/** A machine and a relay of different releases: they work, and say which of them is old. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readConfig } from '../../../agent/config.ts';
import { startAgentServer } from '../../../agent/server.ts';
import { createLog } from '../../../core/log.ts';
import { startRelay, TOKEN } from '../../support/harness/relay.ts';
import { until } from '../../support/harness/product.ts';
import { webSocketAt } from '../../support/network/transport.ts';

interface Said {
  relayLog: string[];
  machineLog: string[];
  /** On the dashboard: the relay's word, and the machine's. */
  relayWarning: string;
  machineWarning: string;
}

async function meet(relayVersion: string, machineVersion: string): Promise<Said> {
  const directory = mkdtempSync(join(tmpdir(), 'versions-'));
  const relay = await startRelay({ version: relayVersion, tls: null });
  const machineLog: string[] = [];
  const machine = await startAgentServer(
    readConfig({
      PORT: '0',
      DATA_DIR: join(directory, 'data'),
      CLAUDE_BIN: '/nonexistent',
      CODEX_BIN: '/nonexistent',
      RELAY_URL: webSocketAt(relay.port, '/tunnel'),
      RELAY_TOKEN: TOKEN,
    }),
    { log: createLog({ write: (line) => machineLog.push(line) }), version: machineVersion },
  );
  try {
    const cookie = await relay.login();
    const get = async (path: string) => await (await relay.fetch(path, { cookie })).json() as any;
    await until('the tunnel', async () => (await get('/api/relay/status')).tunnelConnected);
    const { versionWarning: relayWarning } = await get('/api/relay/status');
    const { warnings } = await get('/api/health');
    const { text: machineWarning } = warnings.find(({ code }: { code: string }) => code === 'version') ?? { text: '' };
    const open = await (await fetch(`${relay.origin}/api/relay/status`)).text();
    assert.not.match(open, /versionWarning|0\.\d\.\d/);
    return { relayLog: relay.lines, machineLog, relayWarning, machineWarning };
  } finally {
    await machine.close();
    await relay.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

const has = (lines: string[], part: string) => lines.some((line) => line.includes('WARN') && line.includes(part));

test('of one release: nobody says anything', async () => {
  const said = await meet('0.4.0', '0.4.2');
  assert.equal([said.relayWarning, said.machineWarning], ['', '']);
  assert.not.ok(has(said.relayLog, 'older version') || has(said.machineLog, 'older version'));
});

test('the machine is one release behind: the relay tells the dashboard, both logs have it', async () => {
  const said = await meet('0.4.0', '0.3.2');
  assert.match(
    said.relayWarning,
    /^The machine has the older version 0\.3\.2.*They work together.*agent-monitor update$/,
  );
  assert.is(said.machineWarning, '');
  assert.ok(has(said.relayLog, 'older version 0.3.2') && has(said.machineLog, 'older version 0.3.2'));
});

test('the relay is two releases behind: the machine tells the dashboard, both logs have it', async () => {
  const said = await meet('0.2.0', '0.4.0');
  assert.match(
    said.machineWarning,
    /^The relay has the older version 0\.2\.0.*may not work together.*agent-monitor deploy/,
  );
  assert.is(said.relayWarning, '');
  assert.ok(has(said.relayLog, 'may not work together') && has(said.machineLog, 'may not work together'));
});

test.run();
