/** Who did what is on record: at the relay in its audit log, at the machine in its log. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agentRoutes } from '../../agent/api/agents.ts';
import { type SettingsParts, settingsRoutes } from '../../agent/api/settings.ts';
import { Router } from '../../core/http/router.ts';
import { startTunnelClient, type TunnelHandle } from '../../agent/tunnel/client.ts';
import { silentLog } from '../../core/log.ts';
import { startRelay, TOKEN } from '../support/harness/relay.ts';
import { withScriptedAgents } from '../support/harness/scripted-agents.ts';
import { ask, tunnelPair, until } from '../support/harness/tunnel-pair.ts';
import { webSocketAt } from '../support/network/transport.ts';

test('logins, sign-outs and tunnels', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'audit-events-'));
  const auditFile = join(directory, 'audit.log');
  const relay = await startRelay({ auditFile });
  const clients: TunnelHandle[] = [];
  const dial = (token: string) =>
    clients[
      clients.push(
        startTunnelClient({
          ...{ url: webSocketAt(relay.port, '/tunnel'), token, info: { name: 'm', version: '0' } },
          ...{ handler: () => {}, log: silentLog },
        }),
      ) - 1
    ]!;
  const lines = () =>
    readFileSync(auditFile, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, string>);
  const has = (event: string) => until(() => lines().some((line) => line.event === event));
  try {
    const wrong = { method: 'POST', body: JSON.stringify({ password: 'a wrong one' }) };
    assert.is((await relay.fetch('/api/auth/login', wrong)).status, 401);
    const [mine, other] = [await relay.login(), await relay.login()];
    const session = other.split('=')[1]!.split('.')[0]!;
    await relay.fetch(`/api/auth/sessions/${session}`, { method: 'DELETE', cookie: mine });
    await relay.fetch('/api/auth/sign-out-everywhere', { method: 'POST', cookie: mine });
    const machine = dial(TOKEN);
    await has('tunnel_up');
    await machine.close(0);
    await has('tunnel_down');
    dial(TOKEN.split('').reverse().join(''));
    await has('tunnel_refused');
    const events = lines().map(({ event }) => event);
    assert.equal(events, EVENTS);
    assert.ok(lines().every(({ time, address }) => /^\d{4}-/.test(time!) && address), JSON.stringify(lines()));
    assert.not.match(readFileSync(auditFile, 'utf8'), new RegExp(`a wrong one|${TOKEN}|${other}`));
  } finally {
    await Promise.all(clients.map((client) => client.close(0)));
    await relay.close();
    rmSync(directory, { recursive: true });
  }
});
const EVENTS = [
  'login_failed',
  'login_ok',
  'login_ok',
  'session_revoked',
  'session_revoked_all',
  'tunnel_up',
  'tunnel_down',
  'tunnel_refused',
];

test('what a person does to agents and settings, with who it was', () =>
  withScriptedAgents(async ({ agents, context, directory, provider }) => {
    const router = new Router();
    agentRoutes(router, agents);
    const settings = { value: {}, update: () => Promise.resolve() };
    settingsRoutes(router, context, { settings, providers: {} } as unknown as SettingsParts);
    const pair = await tunnelPair({ handler: router.handle });
    const does = async (method: string, target: string, body: object = {}) => {
      const fields = ['Content-Type', 'application/json', 'User-Agent', 'Mozilla/5.0 (iPhone) Version/17 Safari/604'];
      const { status, body: text } = await ask(pair.relay, {
        ...{ method, target, fields, body: Buffer.from(JSON.stringify(body)) },
      });
      assert.ok(status < 300, `${method} ${target}: ${status} ${text}`);
      return JSON.parse(text.toString()) as { id: string };
    };
    const { id } = await does('POST', '/api/agents', { directory, prompt: 'a secret prompt' });
    assert.is(provider.sessions.length, 1);
    await does('POST', `/api/agents/${id}/stop`);
    await does('DELETE', `/api/agents/${id}`);
    await does('PUT', '/api/settings', { webhookSecret: 'a secret value' });
    await pair.close();
    for (const what of ['agent made', 'agent stopped', 'agent deleted', 'settings changed']) {
      const line = context.lines.find((text) => text.includes(what));
      assert.match(line ?? `no line of ${what}`, /Safari on iPhone/);
      if (what.startsWith('agent')) assert.match(line!, id);
    }
    assert.not.match(context.lines.join(), /secret/);
  }));

test.run();
