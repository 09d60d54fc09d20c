/** `agent-monitor service`: the server as a service of this user, which starts at boot and comes back when it fails. */
import { rm } from 'node:fs/promises';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { readConfig } from '../../agent/config.ts';
import { ensureDirectory } from '../../agent/store/atomic-file.ts';
import { type Command, type CommandContext, hasFlag, printJson, textOption } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { homeDirectory, programEnv } from '../home.ts';
import { type LocalHealth, localHealth } from '../local-health.ts';
import { serviceDefinition } from '../service/definition.ts';
import { launchd } from '../service/launchd.ts';
import type { ServiceManager } from '../service/manager.ts';
import { attempt, handOver, runSteps } from '../service/run-steps.ts';
import { systemd } from '../service/systemd.ts';
import { saveSettings } from '../settings-file.ts';
import { settingsFromOptions, SETUP_OPTIONS, SETUP_USAGE } from '../setup.ts';

const MAX_LOG_LINES = 10_000;

export const command: Command = {
  name: 'service',
  summary: 'keep it running: service install | uninstall | status | logs | restart',
  usage: `service install [options] | uninstall | status | logs [-f] [-n <lines>] | restart

install writes a systemd user unit (macOS: a launchd agent), starts it, and lets it start at boot. uninstall takes it away; the
data stays. A restart does not end what is to outlive it.
  --print             install: only print the unit
  -f, --follow        logs: go on as lines come
  -n, --lines <n>     logs: how many (100)
${SETUP_USAGE}`,
  options: {
    ...SETUP_OPTIONS,
    print: { type: 'boolean' },
    follow: { type: 'boolean', short: 'f' },
    lines: { type: 'string', short: 'n' },
  },
  words: ['install', 'uninstall', 'status', 'logs', 'restart'],
  run,
};

const ACTIONS: Record<string, (context: CommandContext, manager: ServiceManager) => Promise<number>> = {
  install,
  uninstall,
  status,
  logs,
  restart: async (context, manager) => {
    await requireInstalled(manager);
    await runSteps(context, manager.restart());
    return EXIT.ok;
  },
};

async function run(context: CommandContext): Promise<number> {
  const [action = 'status'] = context.positionals;
  if (!Object.hasOwn(ACTIONS, action)) {
    throw new CommandError(`service has no "${action}": install, uninstall, status, logs or restart.`, EXIT.usage);
  }
  const manager = managerOf(process.platform);
  const isPrinted = hasFlag(context, 'print');
  if (!isPrinted && !(await attempt(context, manager.probe)).ok) throw new CommandError(manager.unavailable);
  return await ACTIONS[action]!(context, manager);
}

/** The service manager of a platform. Throws CommandError where there is none that is known. */
export function managerOf(platform: string): ServiceManager {
  if (platform === 'linux') return systemd;
  if (platform === 'darwin') return launchd;
  throw new CommandError(`There is no service for ${platform}: keep agent-monitor running by other means.`);
}

async function install(context: CommandContext, manager: ServiceManager): Promise<number> {
  const text = manager.text(serviceDefinition(context.env));
  if (hasFlag(context, 'print')) {
    context.stdout.write(text);
    return EXIT.ok;
  }
  const settings = settingsFromOptions(context);
  if (Object.keys(settings).length) await saveSettings(context.env, settings);
  readConfig(programEnv(context.env)); // a service with a wrong setting would only start again and again
  ensureDirectory(homeDirectory(context.env));
  mkdirSync(dirname(manager.path()), { recursive: true });
  writeFileSync(manager.path(), text, { mode: 0o600 });
  const notes = await runSteps(context, manager.install());
  const [note = 'It starts at every boot.'] = notes;
  if (context.json) printJson(context, { installed: manager.path(), notes });
  else context.stdout.write(`Installed ${manager.path()}; it runs. ${note}\n`);
  return EXIT.ok;
}

async function uninstall(context: CommandContext, manager: ServiceManager): Promise<number> {
  await requireInstalled(manager);
  await runSteps(context, manager.uninstall());
  await rm(manager.path(), { force: true });
  await runSteps(context, manager.uninstalled());
  if (context.json) printJson(context, { uninstalled: manager.path() });
  else context.stdout.write(`Uninstalled. The data stays in ${homeDirectory(context.env)}.\n`);
  return EXIT.ok;
}

async function status(context: CommandContext, manager: ServiceManager): Promise<number> {
  const installed = existsSync(manager.path());
  const running = installed && (await attempt(context, manager.status)).ok;
  const server = await localHealth(context.env).catch(() => null);
  if (context.json) printJson(context, { installed, running, server });
  else context.stdout.write(`${statusText(manager, { installed, running, server })}\n`);
  return running ? EXIT.ok : EXIT.failed;
}

function statusText(
  manager: ServiceManager,
  { installed, running, server }: { installed: boolean; running: boolean; server: LocalHealth | null },
): string {
  const service = !installed
    ? 'not installed: agent-monitor service install'
    : running
    ? `runs (${manager.path()})`
    : 'is installed but does not run: agent-monitor service logs';
  const answer = server
    ? `answers on port ${server.port}, version ${server.version}, ${server.agents} agents`
    : 'does not answer';
  const relay = server?.tunnel ? `\nrelay     ${server.tunnel.text || server.tunnel.kind}` : '';
  return `service   ${service}\nserver    ${answer}${relay}`;
}

async function logs(context: CommandContext, manager: ServiceManager): Promise<number> {
  await requireInstalled(manager);
  const text = textOption(context, 'lines') ?? '100';
  if (!/^\d{1,5}$/.test(text)) throw new CommandError(`--lines takes a number, not "${text}".`, EXIT.usage);
  const lines = Math.min(Number(text), MAX_LOG_LINES);
  return await handOver(context, manager.logs(lines, hasFlag(context, 'follow')));
}

function requireInstalled(manager: ServiceManager): Promise<void> {
  if (existsSync(manager.path())) return Promise.resolve();
  throw new CommandError('The service is not installed: agent-monitor service install.', EXIT.notFound);
}
