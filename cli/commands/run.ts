/** `agent-monitor`, `agent-monitor run`: this machine's server in the foreground. */
import { readConfig } from '../../agent/config.ts';
import type { Command, CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { programEnv } from '../home.ts';
import { readSettings, saveSettings } from '../settings-file.ts';
import { type Answers, askSettings, settingsFromOptions, SETUP_OPTIONS, SETUP_USAGE } from '../setup.ts';
import { welcome } from '../welcome.ts';

export const command: Command = {
  name: 'run',
  summary: 'serve the dashboard on this machine and connect to the relay (also without a command)',
  usage: `run [options]\n${SETUP_USAGE}`,
  options: SETUP_OPTIONS,
  run,
};

async function run(context: CommandContext): Promise<number> {
  const { settings, relayPassword } = await firstSettings(context);
  if (Object.keys(settings).length) {
    const path = await saveSettings(context.env, settings);
    context.stderr.write(`Saved in ${path}\n`);
  }
  const env = programEnv(context.env);
  const config = readConfig(env);
  const { runAgent } = await import('../../agent/program.ts');
  await runAgent(env, {
    version: context.version,
    signal: context.signal,
    onStarted: ({ port }) => {
      if (context.stderr.isTTY) void welcome(context, { config, port, relayPassword });
    },
  });
  return EXIT.ok;
}

/** The options; on a terminal at the first start the questions; else what was saved and the environment. */
async function firstSettings(context: CommandContext): Promise<Answers> {
  const settings = settingsFromOptions(context);
  const isInteractive = context.stdin.isTTY && context.stderr.isTTY && !context.json;
  const isConfigured = Object.keys(settings).length > 0 || context.env.RELAY_URL || readSettings(context.env) !== null;
  return isConfigured || !isInteractive ? { settings, relayPassword: '' } : await askSettings(context);
}
