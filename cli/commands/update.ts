/** `agent-monitor update`: a newer version into a global installation. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { run as runProgram } from '../../agent/process/run.ts';
import { installationRoot, packageInfo } from '../../core/installation.ts';
import { type Command, type CommandContext, hasFlag, printJson } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { programEnv } from '../home.ts';
import { programCommand } from '../../core/installation.ts';
import { attempt, runSteps } from '../service/run-steps.ts';
import { saveSettings } from '../settings-file.ts';
import { type Installation, installationOf } from '../update/installation.ts';
import { updateSource } from '../update/source.ts';
import { managerOf } from './service.ts';

export const command: Command = {
  name: 'update',
  summary: 'install a newer version in the place of this one',
  usage: `update [package] [options]

For what npm install -g installed. <package> is a package file, its https address, or a name of npm with a version; it is remembered
as UPDATE_FROM. The service is restarted when it is installed. The relay is updated by agent-monitor deploy.
  --no-restart        leave the service as it is`,
  options: { 'no-restart': { type: 'boolean' } },
  run,
};

const MENDS: Record<Exclude<Installation['kind'], 'global'>, string> = {
  checkout: 'This is a checkout: git pull && npm ci && npm run build, then start it again.',
  npx: 'npx keeps no installation: npx --yes <package> runs what it is given.',
  other: 'This was not installed by npm install -g: update it the way it came here.',
};

async function run(context: CommandContext): Promise<number> {
  const installation = installationOf(installationRoot());
  if (installation.kind !== 'global') throw new CommandError(MENDS[installation.kind]);
  const source = updateSource(context.positionals[0] ?? programEnv(context.env).UPDATE_FROM);
  await install(context, installation.prefix, source);
  const version = await installedVersion();
  await saveSettings(context.env, { UPDATE_FROM: source });
  const restarted = !hasFlag(context, 'no-restart') && await restartService(context);
  if (context.json) printJson(context, { from: context.version, to: version, restarted });
  else context.stdout.write(`${sentence(context.version, version)}${restarted ? ' The service was restarted.' : ''}\n`);
  return EXIT.ok;
}

const sentence = (from: string, to: string): string =>
  from === to ? `It was ${to} already, and was installed again.` : `${from} → ${to}.`;

/** npm's own words go to the standard error. */
async function install(context: CommandContext, prefix: string, source: string): Promise<void> {
  const args = ['install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', '--', source];
  const code = await new Promise<number>((resolve, reject) => {
    const child = spawn('npm', args, { stdio: ['inherit', 2, 'inherit'], env: { ...context.env } });
    child.on('error', (error) => reject(new CommandError(`npm cannot be started: ${error.message}`)));
    child.on('close', (status) => resolve(status ?? 1));
  });
  if (code !== 0) throw new CommandError(`npm did not install ${source}; see above. Nothing was changed by it.`);
}

/** What is on the disk now, asked of the new program itself: it must be able to start before anything relies on it. */
async function installedVersion(): Promise<string> {
  const { version } = packageInfo();
  const [node, ...args] = programCommand(['--version']);
  const { code, stdout, stderr } = await runProgram(node!, args);
  if (code === 0 && stdout.trim() === version) return version;
  throw new CommandError(`The new version ${version} does not start: ${(stderr || stdout).trim()}`);
}

async function restartService(context: CommandContext): Promise<boolean> {
  if (process.platform !== 'linux' && process.platform !== 'darwin') return false;
  const manager = managerOf(process.platform);
  if (!existsSync(manager.path()) || !(await attempt(context, manager.status)).ok) return false;
  await runSteps(context, manager.restart());
  return true;
}
