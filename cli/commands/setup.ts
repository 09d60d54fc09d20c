/** `agent-monitor setup`: the questions of the first start again, or the same by options. */
import { type Command, type CommandContext, printJson } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { saveSettings } from '../settings-file.ts';
import { askSettings, settingsFromOptions, SETUP_OPTIONS, SETUP_USAGE } from '../setup.ts';

export const command: Command = {
  name: 'setup',
  summary: 'set the folder, the relay and its token',
  usage: `setup [options]\n${SETUP_USAGE}\nWithout options it asks.`,
  options: SETUP_OPTIONS,
  run,
};

/** Settings that exclude each other: a machine with a relay needs no password for the network, and the reverse. */
const EXCLUSIVE = { RELAY_URL: '', RELAY_TOKEN: '', HOST: '', DASHBOARD_PASSWORD: '' };

async function run(context: CommandContext): Promise<number> {
  let settings = settingsFromOptions(context);
  if (!Object.keys(settings).length) {
    if (!context.stdin.isTTY) throw new CommandError('Nothing to ask on: give --folder, --relay, --port.', EXIT.usage);
    settings = { ...EXCLUSIVE, ...(await askSettings(context)).settings };
  }
  const path = await saveSettings(context.env, settings);
  if (context.json) printJson(context, { saved: path, settings: Object.keys(settings) });
  else context.stdout.write(`Saved in ${path}. Start it: agent-monitor, or agent-monitor service install\n`);
  return EXIT.ok;
}
