/**
 * `npm run demo`: relay and agent on this machine, with a generated token and password and a folder of their own below the
 * system's temporary folder. Ctrl-C ends both, and what agents are at. `--lan`: also for a phone in the same network, with a
 * QR code. With no `claude` on the PATH a scripted stand-in is used, which the dashboard labels: it needs no account.
 */
import '../../core/require-node.ts';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { renderUnicodeCompact } from 'uqr';
import { endHolders } from '../../agent/process/holder/end.ts';
import { pairLink } from '../../core/api/auth.ts';
import { build } from '../build.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const executable = (path: string) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const onPath = (name: string) =>
  (process.env.PATH ?? '').split(delimiter).some((directory) => directory && executable(join(directory, name)));

/** The wanted port when it is free, else any that is. */
function choosePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', () => wanted ? resolve(choosePort(0)) : reject(new Error('no port is free')));
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Settings of the user's own installation must not leak into the demo. */
function demoEnv(extra: Record<string, string>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) =>
    !/^(RELAY_|DASHBOARD_|SMTP_|TWILIO_|SLACK_|NTFY_|TELEGRAM_|WEBHOOK_)/.test(name)
  );
  return { ...Object.fromEntries(own), ...extra };
}

interface Programs {
  relay: ChildProcess;
  agent: ChildProcess;
}

async function main(): Promise<void> {
  console.log('Building …');
  await build();
  const place = makePlace();
  const isLan = process.argv.includes('--lan');
  const relayPort = await freePort(3457);
  const agentPort = await freePort(3456);
  const password = randomBytes(9).toString('base64url');
  const programs = startPrograms({ ...place, relayPort, agentPort, password, isLan });
  endTogether(programs, join(place.directory, 'data'));
  const origin = `http://127.0.0.1:${relayPort}`;
  await connected(`${origin}/api/relay/status`, Object.values(programs), place.log);
  console.log(summary({ ...place, origin, agentPort, password }));
  await showLink(origin, isLan ? `http://${lanAddress()}:${relayPort}` : origin, password, isLan);
}

interface Place {
  directory: string;
  project: string;
  /** What both programs print. */
  log: string;
}

function makePlace(): Place {
  const directory = mkdtempSync(join(tmpdir(), 'agent-monitor-demo-'));
  const project = join(directory, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'README.md'), '# A project to play with\n');
  return { directory, project, log: join(directory, 'demo.log') };
}

interface StartOptions extends Place {
  relayPort: number;
  agentPort: number;
  password: string;
  isLan: boolean;
}

const isScripted = () => !process.env.CLAUDE_BIN && !onPath('claude');

function startPrograms({ directory, project, log, relayPort, agentPort, password, isLan }: StartOptions): Programs {
  const token = randomBytes(32).toString('base64url');
  const relay = start(log, [join(ROOT, 'dist/relay.mjs')], {
    RELAY_TOKEN: token,
    RELAY_PASSWORD: password,
    RELAY_PORT: String(relayPort),
    RELAY_HOST: isLan ? '0.0.0.0' : '127.0.0.1',
    RELAY_STATE: join(directory, 'relay-state.json'),
    // Browsers take every name below localhost for this machine.
    ...(isLan ? {} : { RELAY_PREVIEW_DOMAIN: 'localhost' }),
  });
  const agent = start(log, ['--import', 'tsx', join(ROOT, 'agent/main.ts')], {
    PORT: String(agentPort),
    DATA_DIR: join(directory, 'data'),
    DEFAULT_DIRECTORY: project,
    RELAY_URL: `ws://127.0.0.1:${relayPort}/tunnel`,
    RELAY_TOKEN: token,
    ...(isScripted() ? { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') } : {}),
  });
  return { relay, agent };
}

/** One of the programs ends, or nobody reads this one's output any more: all end, what agents are at too. */
function endTogether(programs: Programs, dataDir: string): void {
  const children = Object.values(programs) as ChildProcess[];
  const stop = () => {
    for (const child of children) child.kill('SIGTERM');
    process.stdin.destroy(); // A file, such as /dev/null, has no unref; destroyed, it holds nothing open whatever it is.
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  process.stdout.on('error', stop);
  for (const child of children) child.on('exit', stop);
  programs.agent.once('exit', () => void endHolders(dataDir).catch((error) => console.error(error)));
}

interface SummaryOptions extends Place {
  origin: string;
  agentPort: number;
  password: string;
}

const summary = ({ directory, project, log, origin, agentPort, password }: SummaryOptions): string => `
  Dashboard         ${origin}
  Password          ${password}
  Local dashboard   http://127.0.0.1:${agentPort}   (no password)
  Project folder    ${project}
  Log               ${log}
  ${
  isScripted()
    ? 'No `claude` was found on the PATH: a scripted demo agent answers, no account needed.'
    : 'Agents are your real Claude Code.'
}
  Ctrl-C ends the demo. ${directory} stays behind; nothing outside of it is changed.
`;

/** The link that signs in without the password, for a phone as a QR code; a new one with each press of Enter. */
async function showLink(local: string, origin: string, password: string, isLan: boolean): Promise<void> {
  const show = async () => {
    const link = pairLink(origin, await newCode(local, password));
    if (isLan) console.log(renderUnicodeCompact(link, { border: 2 }));
    console.log(
      `  First login       ${link}\n                    (works once, within a minute; press Enter for a new one)`,
    );
    if (!isLan) console.log('  On a phone        npm run demo -- --lan');
  };
  await show();
  process.stdin.on('data', () => void show().catch((error) => console.error(error.message)));
}

/** Logs in as the dashboard does, and asks for a code for another device. */
async function newCode(origin: string, password: string): Promise<string> {
  const post = (path: string, body: unknown, cookie = '') =>
    fetch(origin + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin, ...(cookie ? { cookie } : {}) },
      body: JSON.stringify(body),
    });
  const login = await post('/api/auth/login', { password });
  const cookie = login.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
  const reply = await post('/api/auth/pair', {}, cookie);
  if (!reply.ok) throw new Error(`The relay gave no link: ${reply.status}`);
  return (await reply.json() as { code: string }).code;
}

/** An address of this machine in its own network. */
function lanAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const found = addresses.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (!found) throw new Error('This machine has no address in a network: try without --lan.');
  return found.address;
}

/** The wanted port, or any other one, which is said. */
async function freePort(wanted: number): Promise<number> {
  const port = await choosePort(wanted);
  if (port !== wanted) console.log(`Port ${wanted} is in use, so ${port} is taken.`);
  return port;
}

function start(log: string, args: string[], env: Record<string, string>): ChildProcess {
  const out = openSync(log, 'a');
  const child = spawn(process.execPath, args, { cwd: ROOT, env: demoEnv(env), stdio: ['ignore', out, out] });
  closeSync(out);
  return child;
}

async function connected(url: string, children: { exitCode: number | null }[], log: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (children.some((child) => child.exitCode !== null)) {
      throw new Error(`A program ended before it was ready:\n${readFileSync(log, 'utf8')}`);
    }
    const status = await fetch(url).then((r) => r.json() as Promise<{ tunnelConnected: boolean }>).catch(() => null);
    if (status?.tunnelConnected) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`The agent did not reach the relay within 20 s:\n${readFileSync(log, 'utf8')}`);
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
