/** What stands between client and origin in the benchmark: our relay and tunnel, nginx, ssh -R, http-proxy. Real processes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TOKEN = 'bench-JhX5sW2kq8ZrT1yBv7nM4cLd9gPa3fUe6iRo0xQw';
const START_MS = 20_000;

export interface Peer {
  name: string;
  port: number;
  /** Processes that do the work between client and handler; their CPU time and memory are the peer's. */
  pids: () => number[];
}

/** Every process that has to do with a request through `peer`, the handler's included: in our tunnel it is one of the ends. */
export const allPids = (peer: Peer, direct: Peer): number[] => [...new Set([...peer.pids(), ...direct.pids()])];

const running: ChildProcess[] = [];

/** Ends everything that was started here. */
export function stopAll(): void {
  for (const child of running) child.kill('SIGTERM');
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export function start(
  command: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: ROOT, ...options });
  running.push(child);
  let output = '';
  child.stdout!.on('data', (chunk) => output = (output + chunk).slice(-4000));
  child.stderr!.on('data', (chunk) => output = (output + chunk).slice(-4000));
  child.on('error', (error) => output += error.message);
  said.set(child, () => output);
  return child;
}
export const said = new Map<ChildProcess, () => string>();

export async function ready(child: ChildProcess, check: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + START_MS;
  while (!(await check())) {
    if (Date.now() > end || child.exitCode !== null) {
      throw new Error(`${child.spawnfile} did not start:\n${said.get(child)!()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const answers = (port: number) => () =>
  fetch(`http://127.0.0.1:${port}/api/small`).then(
    (response) => response.arrayBuffer().then(() => response.ok),
    () => false,
  );

/** Our relay (the built file) and the origin with its tunnel; the origin alone is the measure of all. */
export async function startOurs(directory: string): Promise<{ direct: Peer; ours: Peer }> {
  const { build } = await import('../build.ts');
  await build();
  const [relayPort, port] = [await freePort(), await freePort()];
  const relay = start(process.execPath, [join(ROOT, 'dist/relay.mjs')], {
    cwd: directory,
    env: {
      ...process.env,
      RELAY_TOKEN: TOKEN,
      RELAY_PASSWORD: '',
      RELAY_PORT: String(relayPort),
      RELAY_HOST: '127.0.0.1',
      RELAY_STATE: '',
    },
  });
  await ready(relay, () => said.get(relay)!().includes('running on port'));
  const url = `ws://127.0.0.1:${relayPort}/tunnel`;
  const script = join(ROOT, 'scripts/bench/origin.ts');
  const origin = start(process.execPath, [
    ...['--import', 'tsx', script, '--port', String(port), '--relay', url, '--token', TOKEN],
  ]);
  await ready(origin, answers(port));
  await ready(origin, answers(relayPort));
  return {
    direct: { name: 'direct', port, pids: () => [origin.pid!] },
    ours: { name: 'ours', port: relayPort, pids: () => [relay.pid!, origin.pid!] },
  };
}

export async function startNginx(directory: string, originPort: number): Promise<Peer> {
  const port = await freePort();
  const home = join(directory, 'nginx');
  mkdirSync(home);
  writeFileSync(
    join(home, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${home}/pid; error_log ${home}/error.log;
     events { worker_connections 4096; }
     http {
       access_log off; client_max_body_size 0; proxy_request_buffering off; proxy_buffering off;
       client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy; fastcgi_temp_path ${home}/f;
       uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s; keepalive_requests 1000000;
       map $http_upgrade $connection_field { default upgrade; '' ''; }
       upstream origin { server 127.0.0.1:${originPort}; keepalive 64; keepalive_requests 1000000; }
       server {
         listen 127.0.0.1:${port};
         location / {
           proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Host $http_host;
           proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_field;
         }
       }
     }`,
  );
  const nginx = start('/usr/sbin/nginx', ['-c', join(home, 'nginx.conf'), '-p', home, '-e', join(home, 'error.log')]);
  await ready(nginx, answers(port));
  return { name: 'nginx', port, pids: () => family(nginx.pid!) };
}

export async function startSsh(directory: string, originPort: number): Promise<Peer> {
  const home = join(directory, 'ssh');
  mkdirSync(home);
  chmodSync(home, 0o700);
  const [port, sshPort] = [await freePort(), await freePort()];
  for (const key of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, key)]);
  }
  execFileSync('cp', [join(home, 'user.pub'), join(home, 'authorized')]);
  if (!existsSync('/run/sshd') && process.getuid?.() === 0) mkdirSync('/run/sshd');
  const options = [
    ...['Port', String(sshPort)],
    ...['ListenAddress', '127.0.0.1', 'HostKey', join(home, 'host'), 'PidFile', 'none', 'StrictModes', 'no'],
    ...[
      'AuthorizedKeysFile',
      join(home, 'authorized'),
      'PermitRootLogin',
      'yes',
      'UsePAM',
      'no',
      'AllowTcpForwarding',
      'yes',
    ],
  ];
  const pairs = options.flatMap((_, i) => i % 2 ? [] : ['-o', `${options[i]}=${options[i + 1]}`]);
  const sshd = start('/usr/sbin/sshd', ['-D', '-e', '-f', '/dev/null', ...pairs]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const ssh = start('ssh', [
    ...['-N', '-T', '-p', String(sshPort), '-i', join(home, 'user'), '-R', `127.0.0.1:${port}:127.0.0.1:${originPort}`],
    ...[
      '-F',
      '/dev/null',
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      'UserKnownHostsFile=/dev/null',
      '-o',
      'ExitOnForwardFailure=yes',
    ],
    `${userInfo().username}@127.0.0.1`,
  ]);
  await ready(ssh, answers(port));
  return { name: 'ssh -R', port, pids: () => [...family(sshd.pid!), ssh.pid!] };
}

const HTTP_PROXY_SCRIPT = `
import { createRequire } from 'node:module';
import http from 'node:http';
const httpProxy = createRequire(process.argv[2])('http-proxy');
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
const proxy = httpProxy.createProxyServer({ target: process.argv[3], agent, ws: true });
proxy.on('error', (error, req, res) => res.destroy?.());
const server = http.createServer((req, res) => proxy.web(req, res));
server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head));
server.listen(Number(process.argv[4]), '127.0.0.1');
`;

/** http-proxy comes from npm into a temporary folder: it is no dependency of the project. */
export async function startHttpProxy(directory: string, originPort: number): Promise<Peer> {
  const home = join(directory, 'http-proxy');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', 'http-proxy@1.18.1'], {
    cwd: home,
    stdio: 'pipe',
  });
  writeFileSync(join(home, 'proxy.mjs'), HTTP_PROXY_SCRIPT);
  const port = await freePort();
  const args = [join(home, 'proxy.mjs'), join(home, 'package.json'), `http://127.0.0.1:${originPort}`, String(port)];
  const child = start(process.execPath, ['--no-deprecation', ...args]);
  await ready(child, answers(port));
  return { name: 'http-proxy', port, pids: () => [child.pid!] };
}

/** A process and its children: nginx and sshd do the work in those. */
function family(pid: number): number[] {
  const children = execFileSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  const all = [pid];
  for (const parent of all) all.push(...children.filter(([, ppid]) => ppid === parent).map(([child]) => child));
  return all;
}
