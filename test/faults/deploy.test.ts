/**
 * deploy against a real sshd: in a network namespace with https by itself, where all forms of arguments are tried; on this
 * machine by deploy.sh, and with the real pm2.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { readSettings } from '../../cli/settings-file.ts';
import { type Pebble, startPebble } from '../support/harness/pebble.ts';
import { freePort, plainEnv, ROOT, startProgram, until } from '../support/harness/product.ts';
import { createNamespace, type Namespace } from '../support/network/netns.ts';

const PM2 = 'pm2@7.0.4';
const run = promisify(execFile);

const DEPLOY = ['--import', 'tsx', 'cli/main.ts', 'deploy'];

let directory: string;
let ssh: string;
const closing: (() => unknown)[] = [];

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'deploy-'));
  for (const key of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, key)]);
  }
  mkdirSync('/run/sshd', { recursive: true });
  ssh = await startSshd('home', '127.0.0.1');
});
test.after(async () => {
  for (const close of closing.reverse()) await close();
  rmSync(directory, { recursive: true, force: true });
});

/** @returns the ssh command that reaches it */
async function startSshd(home: string, address: string, inside?: Namespace['inside']): Promise<string> {
  const port = await freePort();
  const config = join(directory, `${home}.sshd`);
  writeFileSync(
    config,
    `Port ${port}\nListenAddress ${address}\nHostKey ${directory}/host\nAuthorizedKeysFile ${directory}/user.pub\nStrictModes no\n` +
      'PasswordAuthentication no\nUsePAM no\nPidFile none\nSetEnv HOME=' +
      `${directory}/${home} PATH=${process.env.PATH}\nPermitUserEnvironment no\n`,
  );
  const args = ['-D', '-e', '-f', config];
  const [command, all] = inside?.('/usr/sbin/sshd', args) ?? ['/usr/sbin/sshd', args];
  const sshd = spawn(command, all, { stdio: 'ignore' });
  closing.push(() => sshd.kill());
  const reached =
    `ssh -p ${port} -i ${directory}/user -o BatchMode=yes -o LogLevel=ERROR -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null`;
  mkdirSync(join(directory, home));
  const probe = [...reached.split(' ').slice(1), `${userInfo().username}@${address}`, 'echo $HOME'];
  await until('sshd', async () => {
    const { stdout } = await run('ssh', probe).catch(() => ({ stdout: '' }));
    return stdout.trim() === join(directory, home);
  });
  return reached;
}

const target = (address = '127.0.0.1') => `${userInfo().username}@${address}`;

/** Runs agent-monitor deploy. @returns what it printed */
async function deploy(args: string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run(process.execPath, [...DEPLOY, ...args], {
    cwd: ROOT,
    env: plainEnv({ DEPLOY_SSH: ssh, AGENT_MONITOR_HOME: join(directory, 'own'), ...env }),
  });
  return stdout;
}

/** Runs deploy.sh. @returns what it printed */
async function deployScript(args: string[], env: Record<string, string>): Promise<string> {
  const options = { env: plainEnv({ DEPLOY_TARGET: target(), DEPLOY_SSH: ssh, ...env }) };
  return (await run(join(ROOT, 'scripts/deploy/deploy.sh'), args, options)).stdout;
}

async function login(port: string, password: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ password }),
  });
  await response.body?.cancel();
  return response.status;
}

/** Processes whose command line has this text. */
function commandLines(part: string): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(part) ? [line] : [];
    } catch {
      return [];
    }
  });
}

const TOKENS = ['first-token-0123456789abcdefghijklmnopqrstuv', 'second-token-0123456789abcdefghijklmnopqrstu'];
const PASSWORDS = [`it's "quoted" \\ and $HOME`, 'another password'];

test('on a new server: https by itself, a machine that needs no setting; then one argument, then none', async () => {
  const net = createNamespace();
  closing.push(() => net.close());
  const pebble = await startPebble({ directory, httpPort: 80, tlsPort: 443, inside: net.inside });
  closing.push(() => pebble.close());
  const env = {
    DEPLOY_SSH: await startSshd('server', net.there, net.inside),
    RELAY_ACME_DIRECTORY: pebble.directory,
    DEPLOY_EXTRA_CA_CERTS: pebble.caFile,
  };
  const first = JSON.parse(await deploy([target(net.there), '--json'], env));
  const installed = join(directory, 'server/agent-monitor-relay');
  assert.equal(first.notes, []);
  assert.is(first.dashboard, `https://${net.there}`);
  assert.is(first.tunnel, `wss://${net.there}/tunnel`);
  assert.equal(readSettings({ AGENT_MONITOR_HOME: join(directory, 'own') }), {
    RELAY_URL: first.tunnel,
    RELAY_TOKEN: first.token,
  });

  // The token that deploy saved, and the authority's root, as a machine has those of the public ones.
  const root = join(directory, 'root.pem');
  writeFileSync(root, rootOf(pebble, net));
  const machine = startProgram(
    process.execPath,
    ['--import', 'tsx', 'cli/main.ts'],
    plainEnv({
      AGENT_MONITOR_HOME: join(directory, 'own'),
      PORT: String(await freePort()),
      NODE_EXTRA_CA_CERTS: root,
    }),
  );
  closing.push(() => machine.kill());
  await until(() => machine.output(), () => /Authenticated successfully/.test(machine.output()));
  assert.equal(JSON.parse(curl(root, `${first.dashboard}/api/relay/status`)).tunnelConnected, true);
  const loggedIn = (password: string) => curl(root, `${first.dashboard}/api/auth/login`, JSON.stringify({ password }));
  assert.equal(JSON.parse(loggedIn(first.password)), { authenticated: true });

  const changed = JSON.parse(await deploy([target(net.there), TOKENS[0]!, '--no-save', '--json'], env));
  assert.equal([changed.token, changed.password, changed.saved], [TOKENS[0], null, null]);
  assert.equal(JSON.parse(loggedIn(first.password)), { authenticated: true });
  await until(() => machine.output(), () => /does not accept the token/.test(machine.output()));

  const again = JSON.parse(await deploy([target(net.there), '--json'], env));
  assert.equal([again.token, again.password, again.tunnel], [null, null, first.tunnel]);
  assert.match(readFileSync(join(installed, '.env'), 'utf8'), `RELAY_TOKEN="${TOKENS[0]}"`);
  await machine.kill();
  process.kill(Number(readFileSync(join(installed, 'relay.pid'), 'utf8')));
  await getsHttps(net, root, env);
});

/** A relay that runs with plain http gets https by three settings, as docs/remote-access.md has it. */
async function getsHttps(net: Namespace, root: string, env: Record<string, string>): Promise<void> {
  const settings = { ...env, DEPLOY_DIR: 'relay-plain' };
  const secrets = [target(net.there), TOKENS[0]!, PASSWORDS[1]!, '--no-save', '--json'];
  const plain = JSON.parse(
    await deploy(secrets, { ...settings, RELAY_TLS: '', RELAY_PORT: '3457', RELAY_HOST: net.there }),
  );
  const pid = () => Number(readFileSync(join(directory, 'server/relay-plain/relay.pid'), 'utf8'));
  closing.push(() => process.kill(pid()));
  assert.is(plain.dashboard, `http://${net.there}:3457`);
  const secure = { RELAY_TLS: 'auto', RELAY_DOMAIN: net.there, RELAY_PORT: '443' };
  const { dashboard } = JSON.parse(
    await deploy([target(net.there), '--no-save', '--json'], { ...settings, ...secure }),
  );
  assert.is(dashboard, `https://${net.there}`);
  const isIn = () => curl(root, `${dashboard}/api/auth/login`, JSON.stringify({ password: PASSWORDS[1] }));
  // Until it has the certificate it shows one of its own.
  await until('the certificate', () => {
    try {
      return isIn() === '{"authenticated":true}';
    } catch {
      return false;
    }
  });
}

/** Of the certificates that pebble gives. */
function rootOf({ management }: Pebble, net: Namespace): string {
  const [command, args] = net.inside('curl', ['--silent', '--insecure', `${management}/roots/0`]);
  return execFileSync(command, args, { encoding: 'utf8' });
}

function curl(root: string, url: string, body?: string): string {
  const post = body === undefined ? [] : ['--header', 'content-type: application/json', '--data', body];
  return execFileSync('curl', ['--silent', '--show-error', '--cacert', root, ...post, url], { encoding: 'utf8' });
}

test('in the background: deployed, deployed again, with a changed token and password', async () => {
  const port = String(await freePort());
  const home = join(directory, 'home/agent-monitor-relay');
  const host = { RELAY_HOST: '127.0.0.1' };
  const first = await deployScript([TOKENS[0]!, PASSWORDS[0]!], { ...host, RELAY_PORT: port });
  assert.match(first, /started in the background/);
  assert.match(first, /"tunnelConnected":false/);
  assert.match(first, new RegExp(`^RELAY_URL=ws://.+:${port}/tunnel\nRELAY_TOKEN=${TOKENS[0]}$`, 'm'));
  assert.is(await login(port, PASSWORDS[0]!), 200);
  assert.is(statSync(join(home, '.env')).mode & 0o777, 0o600);
  assert.is(commandLines(TOKENS[0]!).length, 0, 'no command line has the token');

  const again = await deploy([target()]);
  assert.match(again, /RELAY_TOKEN stays/);
  assert.is(await login(port, PASSWORDS[0]!), 200);
  assert.is(commandLines(`${home}/relay.mjs`).length, 1, 'the old process is gone');

  const refused = await deploy([target(), TOKENS[1]!], { RELAY_PORT: '70000' }).catch((error) => error);
  assert.match(refused.stderr, /RELAY_PORT must be a number.*\nNothing was changed\./);
  assert.is(await login(port, PASSWORDS[0]!), 200);

  await deploy([target(), TOKENS[1]!, PASSWORDS[1]!]);
  assert.is(await login(port, PASSWORDS[0]!), 401);
  assert.is(await login(port, PASSWORDS[1]!), 200);
  const env = readFileSync(join(home, '.env'), 'utf8');
  assert.not.ok(env.includes(TOKENS[0]!));
  assert.equal(env.match(/^[A-Z_]+(?==)/gm)!.sort(), [
    'RELAY_AUDIT',
    'RELAY_HOST',
    'RELAY_PASSWORD',
    'RELAY_PORT',
    'RELAY_STATE',
    'RELAY_TOKEN',
  ]);
  assert.match(readFileSync(join(home, 'audit.log'), 'utf8'), /"event":"login_failed"/);

  // What docs/remote-access.md says of a relay in the background, and of one that moves.
  assert.match(onServer('tail ~/agent-monitor-relay/relay.log'), /relay running on port/);
  await movesTo('relay-moved', join(home, 'relay-state.json'), [TOKENS[1]!, PASSWORDS[1]!]);
  onServer('kill $(cat ~/agent-monitor-relay/relay.pid)');
  await until('the relay ends', () => login(port, PASSWORDS[1]!).then(() => false, () => true));
});

/** Runs a line of the user's manual on the server. */
const onServer = (line: string): string => {
  const [command, ...args] = ssh.split(' ');
  return execFileSync(command!, [...args, target(), line], { encoding: 'utf8' });
};

/** A relay in its own directory goes on with the logins of another. */
async function movesTo(place: string, stateFile: string, secrets: string[]): Promise<void> {
  const port = String(await freePort());
  const env = { RELAY_HOST: '127.0.0.1', RELAY_PORT: port, DEPLOY_DIR: place };
  const before = readFileSync(stateFile, 'utf8');
  onServer(`umask 077; mkdir -p ~/${place}; cat ${stateFile} > ~/${place}/relay-state.json`);
  await deploy([target(), ...secrets], env);
  const of = (text: string) => {
    const { sessions, pushKey } = JSON.parse(text) as { sessions: unknown; pushKey: unknown };
    return { sessions, pushKey };
  };
  const after = readFileSync(join(directory, 'home', place, 'relay-state.json'), 'utf8');
  assert.ok(JSON.stringify(of(before).sessions).length > 10, 'there are logins');
  assert.equal(of(after), of(before), 'logins and the key of notifications came along');
  assert.is(await login(port, secrets[1]!), 200);
  onServer(`kill $(cat ~/${place}/relay.pid)`);
}

test('with pm2: deployed twice, restarted by pm2 each time', async () => {
  const prefix = join(directory, 'pm2');
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', prefix, PM2], {
    stdio: 'inherit',
  });
  mkdirSync(join(directory, 'home/.local'), { recursive: true });
  execFileSync('ln', ['-s', join(prefix, 'node_modules/.bin'), join(directory, 'home/.local/bin')]);
  const port = String(await freePort());
  const pm2 = (...args: string[]) =>
    run(join(prefix, 'node_modules/.bin/pm2'), args, { env: { ...process.env, HOME: join(directory, 'home') } });
  try {
    for (const index of [0, 1]) {
      const text = await deploy([target(), TOKENS[index]!, PASSWORDS[index]!], {
        RELAY_HOST: '127.0.0.1',
        RELAY_PORT: port,
        DEPLOY_DIR: 'relay-pm2',
      });
      assert.match(text, /started by pm2/);
      assert.is(await login(port, PASSWORDS[index]!), 200);
    }
    const [app] = JSON.parse((await pm2('jlist')).stdout) as {
      name: string;
      pm2_env: { restart_time: number; status: string };
    }[];
    assert.is(app!.name, 'agent-monitor-relay');
    assert.is(app!.pm2_env.status, 'online');
    assert.is(app!.pm2_env.restart_time, 1);
    assert.match((await pm2('logs', 'agent-monitor-relay', '--nostream')).stdout, /relay running on port/);
    await pm2('restart', 'agent-monitor-relay');
    await until('the relay again', () => login(port, PASSWORDS[1]!).then((status) => status === 200, () => false));
    await pm2('stop', 'agent-monitor-relay');
    await until('the relay ends', () => login(port, PASSWORDS[1]!).then(() => false, () => true));
  } finally {
    await pm2('kill');
  }
});

test('without a target it stops with a sentence and builds nothing', async () => {
  const failed = await deployScript(['a', 'b'], { DEPLOY_TARGET: '' }).then(
    () => null,
    (error) => error as { stderr: string },
  );
  assert.match(failed!.stderr, /^Set DEPLOY_TARGET/);
  assert.not.ok(existsSync(join(directory, 'home/undefined')));
});

test.run();
