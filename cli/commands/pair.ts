/** `agent-monitor pair`: the QR code that logs a phone in. */
import { readConfig } from '../../agent/config.ts';
import { type Command, type CommandContext, printJson } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { programEnv } from '../home.ts';
import { pairingLink } from '../pairing.ts';
import { openPrompt } from '../prompt.ts';
import { dashboardOrigin, tunnelUrl } from '../relay-address.ts';
import { showCode } from '../welcome.ts';

export const command: Command = {
  name: 'pair',
  summary: 'show the QR code that logs a phone in at the relay',
  usage: `pair [address of the relay]

Asks for the dashboard's password, or takes RELAY_PASSWORD. The code works once, within a minute.`,
  options: {},
  run,
};

async function run(context: CommandContext): Promise<number> {
  const origin = originOf(context);
  const password = context.env.RELAY_PASSWORD ?? await askPassword(context, origin);
  const link = await pairingLink({ origin, password });
  if (context.json) printJson(context, { link });
  else showCode(context, link);
  return EXIT.ok;
}

function originOf(context: CommandContext): string {
  const [address] = context.positionals;
  if (address !== undefined) return dashboardOrigin(tunnelUrl(address));
  const { relay } = readConfig(programEnv(context.env));
  if (relay) return dashboardOrigin(tunnelUrl(relay.url));
  throw new CommandError('No relay is set: agent-monitor pair <address>, or agent-monitor setup first.', EXIT.usage);
}

async function askPassword(context: CommandContext, origin: string): Promise<string> {
  if (!context.stdin.isTTY) throw new CommandError('Set RELAY_PASSWORD: there is no terminal to ask on.', EXIT.usage);
  const prompt = openPrompt(context);
  try {
    return await prompt.askSecret(`Dashboard password of ${origin} (not shown)`);
  } finally {
    prompt.close();
  }
}
