/** `agent-monitor deploy`: the relay onto a server, by ssh. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installationRoot } from '../../core/installation.ts';
import { type Command, type CommandContext, hasFlag, printJson, textOption } from '../command.ts';
import { type DeployReport, ReportReader } from '../deploy/report.ts';
import { PASSED_ON, type RelaySecrets, type RelaySettings, relaySettings } from '../deploy/settings.ts';
import { hostOf, onServer, type Server } from '../deploy/ssh.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { programEnv } from '../home.ts';
import { saveSettings } from '../settings-file.ts';

const DEFAULT_DIRECTORY = 'agent-monitor-relay';

export const command: Command = {
  name: 'deploy',
  summary: 'put the relay on a server by ssh, with https where that is possible',
  usage: `deploy <user@server> [<token> [<password>]] [options]

Copies one file, starts it with pm2 if the server has it, else as a systemd user service, else in the background, and waits until
it answers. Again: updates. Without a token, token and password stay as they are there; a new server gets both made. With a token
only, the password stays. A new server that can listen on port 443 gets a certificate by itself (RELAY_TLS=auto).
  --ssh <command>     how to reach it, "ssh -p 2222 -i key" (also DEPLOY_SSH)
  --dir <folder>      below the home folder there (${DEFAULT_DIRECTORY}; also DEPLOY_DIR)
  --no-save           do not make this machine use the relay
DEPLOY_TOKEN and DEPLOY_PASSWORD are token and password too; other users of this machine cannot see them there.
Set on the server when set here: ${PASSED_ON.slice(0, 5).join(', ')},
${PASSED_ON.slice(5).join(', ')};
DEPLOY_EXTRA_CA_CERTS: the file there with the root of an authority of your own (its NODE_EXTRA_CA_CERTS).`,
  options: { ssh: { type: 'string' }, dir: { type: 'string' }, 'no-save': { type: 'boolean' } },
  run,
};

async function run(context: CommandContext): Promise<number> {
  const [target, ...rest] = context.positionals;
  if (!target) throw new CommandError('Which server? agent-monitor deploy <user@server>', EXIT.usage);
  const secrets = secretsOf(context, rest);
  const directory = directoryOf(context);
  const ssh = (textOption(context, 'ssh') ?? context.env.DEPLOY_SSH ?? 'ssh').split(' ').filter(Boolean);
  const server: Server = { target, ssh, signal: context.signal };
  const settings = relaySettings(context.env, secrets);
  const report = await deploy(context, { server, directory, settings });
  const { RELAY_TOKEN: token = secrets.token, RELAY_PASSWORD: password } = taken(report, settings);
  const saved = token && !hasFlag(context, 'no-save') ? await saveRelay(context, report.tunnel, token) : null;
  if (context.json) printJson(context, { ...report, token: token ?? null, password: password ?? null, saved });
  else print(context, report, { token: token ?? null, password: password ?? null, saved });
  return EXIT.ok;
}

function secretsOf({ env }: CommandContext, rest: readonly string[]): RelaySecrets {
  if (rest.length > 2) throw new CommandError('Give at most a token and a password.', EXIT.usage);
  const [token = env.DEPLOY_TOKEN ?? null, password = env.DEPLOY_PASSWORD ?? null] = rest;
  if (token === '') {
    throw new CommandError('The token is empty: whoever reaches the relay could be your machine.', EXIT.usage);
  }
  return { token, password };
}

function directoryOf(context: CommandContext): string {
  const directory = textOption(context, 'dir') ?? context.env.DEPLOY_DIR ?? DEFAULT_DIRECTORY;
  if (/^[A-Za-z0-9_][A-Za-z0-9._/-]*$/.test(directory)) return directory;
  throw new CommandError('The folder may have letters, digits, dots, dashes and slashes.', EXIT.usage);
}

interface Deployment {
  server: Server;
  directory: string;
  settings: RelaySettings;
}

async function deploy(context: CommandContext, { server, directory, settings }: Deployment): Promise<DeployReport> {
  const say = (text: string): void => void (context.json ? context.stderr : context.stdout).write(`${text}\n`);
  const copy = (name: string, content: string | Uint8Array) =>
    onServer(
      server,
      `umask 077 && mkdir -p "$HOME/${directory}/new" && cat > "$HOME/${directory}/new/${name}"`,
      content,
    );
  const relay = readFileSync(programPart('dist/relay.mjs'));
  const script = readFileSync(programPart('scripts/deploy/deploy-remote.sh'));
  const host = await hostOf(server);
  say(`Copying to ${server.target}:${directory} …`);
  await copy('relay.mjs', relay);
  // Secrets travel on standard input and rest in a file that only its owner reads; no command line ever has them.
  await copy('settings', settings.settings);
  await copy('defaults', settings.defaults);
  say('Starting …');
  const reader = new ReportReader();
  await onServer(server, `sh -s -- ${directory} ${quoted(host)}`, script, (text) => {
    const line = reader.line(text);
    if (line !== null) say(`  ${line}`);
  });
  if (!reader.report.tunnel) throw new CommandError(`${server.target} did not say whether the relay runs.`);
  return reader.report;
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function programPart(name: string): string {
  const path = join(installationRoot(), name);
  if (existsSync(path)) return path;
  throw new CommandError(`There is no ${path}: run npm run build first.`);
}

/** The generated secrets that the server took. */
const taken = ({ defaults }: DeployReport, { generated }: RelaySettings): Record<string, string> =>
  Object.fromEntries(Object.entries(generated).filter(([name]) => defaults.includes(name)));

/** Makes this machine use the relay, unless it uses another one. @returns the settings file, or null */
async function saveRelay(context: CommandContext, tunnel: string, token: string): Promise<string | null> {
  const { RELAY_URL: present } = programEnv(context.env);
  if (present && new URL(present).hostname !== new URL(tunnel).hostname) return null;
  return await saveSettings(context.env, { RELAY_URL: tunnel, RELAY_TOKEN: token });
}

interface Result {
  token: string | null;
  password: string | null;
  saved: string | null;
}

function print(context: CommandContext, report: DeployReport, { token, password, saved }: Result): void {
  const lines = [
    ...report.notes.map((note) => `\n${note}`),
    `\nDashboard: ${report.dashboard}`,
    ...(password ? [`Password:  ${password}   (shown only now)`] : []),
    '\nOn the agent machine:',
    ...(saved
      ? [`This one is set up (${saved}): start it with agent-monitor, or agent-monitor service install. Another one:`]
      : []),
    `RELAY_URL=${report.tunnel}`,
    token ? `RELAY_TOKEN=${token}` : 'RELAY_TOKEN stays what it was.',
  ];
  context.stdout.write(`${lines.join('\n')}\n`);
}
