/**
 * The nginx configuration of docs/scaling.md in a real nginx with TLS, in front of two relays: each team has a host name, a
 * relay, a password, a state file and machines, and nothing is shared.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { connect } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startTunnelClient, type TunnelHandle } from '../../agent/tunnel/client.ts';
import type { MachineEntry } from '../../core/api/machines.ts';
import { parseEnv } from '../../core/dotenv.ts';
import { silentLog } from '../../core/log.ts';
import { MAX_RECORD, TUNNEL_PROTOCOL } from '../../core/tunnel/mod.ts';
import { accept, dial } from '../../core/websocket/mod.ts';
import { makeCertificate, nginxBlock, startNginx } from '../support/harness/nginx.ts';
import { freePort, plainEnv, type Program, ROOT, startProgram, until } from '../support/harness/product.ts';

const NAMES = ['blue', 'green'];

interface Team {
  name: string;
  host: string;
  port: number;
  password: string;
  token: string;
  env: Record<string, string>;
  relay: Program;
  machine: TunnelHandle;
  cookie: string;
}

let directory: string;
let nginx: ChildProcess;
let nginxPort: number;
let ca: Buffer;
const teams: Team[] = [];

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'nginx-teams-'));
  const hosts = NAMES.map((name) => `${name}.relay.example.org`);
  ca = makeCertificate(directory, [...hosts, 'red.relay.example.org']);
  nginxPort = await freePort();
  const ports = [await freePort(), await freePort()];
  const block = nginxBlock('docs/scaling.md')
    .replace('10.0.0.11:3457', `127.0.0.1:${ports[0]}`)
    .replace('10.0.0.12:3457', `127.0.0.1:${ports[1]}`);
  nginx = startNginx(directory, block, nginxPort);
  for (const [i, name] of NAMES.entries()) teams.push(await startTeam(name, hosts[i]!, ports[i]!));
});
test.after(async () => {
  for (const { machine, relay } of teams) {
    await machine.close(0);
    await relay.kill('SIGKILL');
  }
  nginx?.kill('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});

/** The settings of the page, with this test's values. */
function settingsOf(host: string, port: number, token: string, password: string): Record<string, string> {
  const page = readFileSync(join(ROOT, 'docs/scaling.md'), 'utf8');
  const settings = parseEnv(/```sh\n# blue\.env\n([\s\S]*?)```/.exec(page)![1]!);
  const own = { RELAY_PORT: String(port), RELAY_DOMAIN: host, RELAY_TOKEN: token };
  const ours = { ...own, RELAY_STATE: join(directory, `${host}.json`), TRUSTED_PROXIES: '127.0.0.1' };
  assert.equal(Object.keys(settings).sort(), Object.keys(ours).sort());
  return plainEnv({ ...ours, RELAY_HOST: '127.0.0.1', RELAY_PASSWORD: password });
}

const startRelay = (env: Record<string, string>) =>
  startProgram(process.execPath, [join(ROOT, 'dist/relay.mjs')], env, directory);

async function startTeam(name: string, host: string, port: number): Promise<Team> {
  const [password, token] = [randomBytes(12).toString('hex'), randomBytes(32).toString('base64url')];
  const env = settingsOf(host, port, token, password);
  const team = { name, host, port, password, token, env, relay: startRelay(env), cookie: '' };
  await until(
    `the relay of ${name}`,
    () => ask(host, '/api/relay/status').then(({ status }) => status === 200, () => null),
  );
  const machine = startMachine(team.host, token, name);
  await until(`the machine of ${name}`, () => machine.state().kind === 'connected');
  const login = await ask(host, '/api/auth/login', { method: 'POST', body: JSON.stringify({ password }) });
  assert.is(login.status, 200, login.body);
  return { ...team, machine, cookie: String(login.headers['set-cookie']![0]).split(';')[0]! };
}

/** A machine whose RELAY_URL names the team's host. */
function startMachine(host: string, token: string, name: string): TunnelHandle {
  return startTunnelClient({
    url: `wss://${host}/tunnel`,
    token,
    info: { name, version: '1' },
    id: () => `machineof${name}`,
    log: silentLog,
    handler: (req, res) => {
      const socket = req.headers.upgrade ? accept(req, res) : null;
      if (socket) return void (socket.onmessage = (data) => void socket.send(`${name}: ${data}`));
      res.writeHead(200);
      res.end(`${name} answers ${req.headers.host} at ${req.url} for ${req.peer}`);
    },
    connect: (url, signal) =>
      dial(url, {
        ...{ protocols: [TUNNEL_PROTOCOL], signal, zeroCopy: true, limits: { message: MAX_RECORD, fragments: 1 } },
        stream: connect({ host: '127.0.0.1', port: nginxPort, servername: host, ca }),
      }),
  });
}

interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function ask(host: string, path: string, options: { method?: string; body?: string; cookie?: string } = {}) {
  const { method = 'GET', body, cookie } = options;
  const headers = {
    ...{ host, origin: `https://${host}`, 'content-type': 'application/json' },
    ...(cookie ? { cookie } : {}),
  };
  return new Promise<Reply>((resolve, reject) => {
    const target = { host: '127.0.0.1', port: nginxPort, servername: host, ca, path, method, headers, agent: false };
    const req = request(target as object, (res) => {
      let text = '';
      res.on('data', (chunk) => text += chunk);
      res.on('end', () => resolve({ status: res.statusCode!, headers: res.headers, body: text }));
    });
    req.on('error', reject);
    req.end(body);
  });
}

test('each name leads to its own relay, its own login and its own machines', async () => {
  for (const { name, host, cookie } of teams) {
    const answer = await ask(host, '/api/agents?x=1', { cookie });
    assert.is(answer.body, `${name} answers ${host} at /api/agents?x=1 for 127.0.0.1`);
    const list = JSON.parse((await ask(host, '/api/relay/machines', { cookie })).body) as MachineEntry[];
    assert.equal(list.map(({ name }) => name), [name]);
    const stream = connect({ host: '127.0.0.1', port: nginxPort, servername: host, ca });
    const url = `wss://${host}/m/machineof${name}/api/live`;
    const socket = await dial(url, { headers: { cookie, origin: `https://${host}` }, stream });
    const said = new Promise((resolve) => socket.onmessage = resolve);
    socket.send('hello');
    assert.is(await said, `${name}: hello`);
    socket.close(1000, '');
    await socket.closed;
  }
});

test('password, cookie, machine and token of one team are nothing at the other; a name that is no team is nothing', async () => {
  const [blue, green] = teams as [Team, Team];
  const login = await ask(green.host, '/api/auth/login', {
    method: 'POST',
    body: JSON.stringify({ password: blue.password }),
  });
  assert.is(login.status, 401);
  assert.is((await ask(green.host, '/api/agents', { cookie: blue.cookie })).status, 401);
  const foreign = await ask(green.host, '/m/machineofblue/api/agents', { cookie: green.cookie });
  assert.is((JSON.parse(foreign.body) as { code: string }).code, 'no_machine');
  const other = startMachine(green.host, blue.token, 'other');
  await until('the refusal', () => other.state().kind === 'refused');
  await other.close(0);
  const nobody = await ask('red.relay.example.org', '/api/relay/status');
  assert.is(nobody.status, 421);
});

test('a relay that stops takes its own team with it alone, which is back with its state', async () => {
  const [blue, green] = teams as [Team, Team];
  const since = green.machine.state().since;
  await blue.relay.kill('SIGTERM');
  assert.is((await ask(blue.host, '/api/agents', { cookie: blue.cookie })).status, 502);
  assert.is((await ask(green.host, '/api/agents', { cookie: green.cookie })).status, 200);
  blue.relay = startRelay(blue.env);
  await until('the machine is back', () => blue.machine.state().kind === 'connected', 30_000);
  const answer = await ask(blue.host, '/api/agents', { cookie: blue.cookie });
  assert.match(answer.body, 'blue answers');
  assert.is(green.machine.state().since, since, 'the other team has noticed nothing');
});

test.run();
