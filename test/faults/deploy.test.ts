/** scripts/deploy.sh against a real sshd on this machine: first deploy, redeploy, changed token, and the real pm2. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
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
import { freePort, ROOT, until } from '../support/product.ts';

const PM2 = 'pm2@7.0.4';
const run = promisify(execFile);

let folder: string;
let sshd: ChildProcess;
let ssh: string;

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'deploy-'));
  for (const key of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, key)]);
  }
  const port = await freePort();
  writeFileSync(
    join(folder, 'sshd_config'),
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${folder}/host\nAuthorizedKeysFile ${folder}/user.pub\nStrictModes no\n` +
      'PasswordAuthentication no\nUsePAM no\nPidFile none\nSetEnv HOME=' +
      `${folder}/home PATH=${process.env.PATH}\nPermitUserEnvironment no\n`,
  );
  mkdirSync('/run/sshd', { recursive: true });
  sshd = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: 'ignore' });
  ssh =
    `ssh -p ${port} -i ${folder}/user -o BatchMode=yes -o LogLevel=ERROR -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null`;
  mkdirSync(join(folder, 'home'));
  const probe = [...ssh.split(' ').slice(1), `${userInfo().username}@127.0.0.1`, 'echo $HOME'];
  await until('sshd', async () => {
    const { stdout } = await run('ssh', probe).catch(() => ({ stdout: '' }));
    return stdout.trim() === join(folder, 'home');
  });
});
test.after(() => {
  sshd?.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs deploy.sh. @returns what it printed */
async function deploy(args: string[], env: Record<string, string>): Promise<string> {
  const { stdout } = await run(join(ROOT, 'scripts/deploy.sh'), args, {
    env: {
      ...process.env,
      DEPLOY_TARGET: `${userInfo().username}@127.0.0.1`,
      DEPLOY_SSH: ssh,
      RELAY_HOST: '127.0.0.1',
      ...env,
    },
  });
  return stdout;
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

test('in the background: deployed, deployed again, with a changed token and password', async () => {
  const port = String(await freePort());
  const home = join(folder, 'home/agent-monitor-relay');
  const first = await deploy([TOKENS[0]!, PASSWORDS[0]!], { RELAY_PORT: port });
  assert.match(first, /started in the background/);
  assert.match(first, /"tunnelConnected":false/);
  assert.match(first, new RegExp(`^RELAY_URL=ws://.+:${port}/tunnel\nRELAY_TOKEN=${TOKENS[0]}$`, 'm'));
  assert.is(await login(port, PASSWORDS[0]!), 200);
  assert.is(statSync(join(home, '.env')).mode & 0o777, 0o600);
  assert.is(commandLines(TOKENS[0]!).length, 0, 'no command line has the token');

  const again = await deploy([], {});
  assert.match(again, /RELAY_TOKEN stays/);
  assert.is(await login(port, PASSWORDS[0]!), 200);
  assert.is(commandLines(`${home}/relay.mjs`).length, 1, 'the old process is gone');

  await deploy([TOKENS[1]!, PASSWORDS[1]!], {});
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
  process.kill(Number(readFileSync(join(home, 'relay.pid'), 'utf8')));
});

test('with pm2: deployed twice, restarted by pm2 each time', async () => {
  const prefix = join(folder, 'pm2');
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', prefix, PM2], {
    stdio: 'inherit',
  });
  mkdirSync(join(folder, 'home/.local'), { recursive: true });
  execFileSync('ln', ['-s', join(prefix, 'node_modules/.bin'), join(folder, 'home/.local/bin')]);
  const port = String(await freePort());
  const pm2 = (...args: string[]) =>
    run(join(prefix, 'node_modules/.bin/pm2'), args, { env: { ...process.env, HOME: join(folder, 'home') } });
  try {
    for (const index of [0, 1]) {
      const text = await deploy([TOKENS[index]!, PASSWORDS[index]!], { RELAY_PORT: port, DEPLOY_DIR: 'relay-pm2' });
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
  } finally {
    await pm2('kill');
  }
});

test('without a target it stops with a sentence and builds nothing', async () => {
  const failed = await deploy(['a', 'b'], { DEPLOY_TARGET: '' }).then(
    () => null,
    (error) => error as { stderr: string },
  );
  assert.match(failed!.stderr, /^Set DEPLOY_TARGET/);
  assert.not.ok(existsSync(join(folder, 'home/undefined')));
});

test.run();
