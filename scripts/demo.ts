/**
 * `npm run demo`: relay and agent on this machine, with a generated token and password and a folder of their own below the
 * system's temporary folder. Ctrl-C ends both. With no `claude` on the PATH a scripted stand-in is used, which the dashboard
 * labels: it needs no account.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from './build.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const executable = (path: string) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const onPath = (name: string) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => folder && executable(join(folder, name)));

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
  const own = Object.entries(process.env).filter(([name]) => !/^(RELAY_|DASHBOARD_|SMTP_|TWILIO_|SLACK_)/.test(name));
  return { ...Object.fromEntries(own), ...extra };
}

async function main(): Promise<void> {
  console.log('Building …');
  await build();
  const folder = mkdtempSync(join(tmpdir(), 'agent-monitor-demo-'));
  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'README.md'), '# A project to play with\n');
  const relayPort = await choosePort(3457);
  const agentPort = await choosePort(3456);
  const token = randomBytes(32).toString('base64url');
  const password = randomBytes(9).toString('base64url');
  const scripted = !process.env.CLAUDE_BIN && !onPath('claude');

  const relay = start('relay', [join(ROOT, 'dist/relay.mjs')], {
    RELAY_TOKEN: token,
    RELAY_PASSWORD: password,
    RELAY_PORT: String(relayPort),
    RELAY_HOST: '127.0.0.1',
    RELAY_STATE: join(folder, 'relay-state.json'),
  });
  const agent = start('agent', ['--import', 'tsx', join(ROOT, 'agent/main.ts')], {
    PORT: String(agentPort),
    DATA_DIR: join(folder, 'data'),
    DEFAULT_DIRECTORY: project,
    RELAY_URL: `ws://127.0.0.1:${relayPort}/tunnel`,
    RELAY_TOKEN: token,
    ...(scripted ? { CLAUDE_BIN: join(ROOT, 'scripts/demo-claude.ts') } : {}),
  });

  const stop = () => [relay, agent].forEach((child) => child.kill('SIGTERM'));
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  relay.on('exit', stop);
  agent.on('exit', stop);

  await connected(`http://127.0.0.1:${relayPort}/api/relay/status`, [relay, agent]);
  console.log(`
  Dashboard (through the relay)   http://127.0.0.1:${relayPort}
  Password                        ${password}
  The same on this machine        http://127.0.0.1:${agentPort}   (no password)
  Folder to let agents work in    ${project}
  ${
    scripted
      ? 'No `claude` was found on the PATH: a scripted demo agent answers, no account needed.'
      : 'Agents are your real Claude Code.'
  }

  Ctrl-C ends it. Nothing outside ${folder} is touched.
`);
}

function start(name: string, args: string[], env: Record<string, string>) {
  const child = spawn(process.execPath, args, { cwd: ROOT, env: demoEnv(env), stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => process.stdout.write(String(chunk).replace(/^(?=.)/gm, `${name}: `)));
  }
  return child;
}

async function connected(url: string, children: { exitCode: number | null }[]): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (children.some((child) => child.exitCode !== null)) {
      throw new Error('A program ended before it was ready; see above.');
    }
    const status = await fetch(url).then((r) => r.json() as Promise<{ tunnelConnected: boolean }>).catch(() => null);
    if (status?.tunnelConnected) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('The agent did not reach the relay within 20 s; see above.');
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
