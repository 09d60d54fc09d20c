/** `agent-monitor join`: this machine joins a relay by a code of its dashboard. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { expandHome } from '../../core/home.ts';
import { readMachineId } from '../../agent/settings/machine-identity.ts';
import { JoinRefused, joinRelay } from '../../agent/tunnel/join.ts';
import { isJoinCode } from '../../core/tunnel/mod.ts';
import { type Command, type CommandContext, printJson } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { programEnv } from '../home.ts';
import { dashboardOrigin, tunnelUrl } from '../relay-address.ts';
import { saveSettings } from '../settings-file.ts';

export const command: Command = {
  name: 'join',
  summary: 'join a relay with the line that its dashboard shows under "Add a machine"',
  usage: `join <https://relay.example.org/#code>

The code works once, within ten minutes. This machine gets a token of its own, saved with the relay's address in
~/.agent-monitor/.env, in place of those that were there.`,
  options: {},
  run,
};

/** The relay and the code of the line that a dashboard shows. */
export function parseJoinAddress(text: string | undefined): { relay: string; code: string } {
  const [address = '', code] = (text ?? '').split('#');
  if (address && isJoinCode(code)) return { relay: tunnelUrl(address), code };
  throw new CommandError(
    'Give the whole address that the dashboard shows: join https://relay.example.org/#amj_…',
    EXIT.usage,
  );
}

async function run(context: CommandContext): Promise<number> {
  const { relay, code } = parseJoinAddress(context.positionals[0]);
  const env = programEnv(context.env);
  const ca = env.RELAY_CA?.trim();
  const id = readMachineId(resolve(expandHome(env.DATA_DIR!)));
  let path = '';
  await joinRelay({
    url: relay,
    code,
    info: { name: hostname(), version: context.version, ...(id ? { id } : {}) },
    ...(ca ? { tls: { ca: readFileSync(ca, 'utf8') } } : {}),
    signal: context.signal,
    store: async (token) => {
      path = await saveSettings(context.env, {
        RELAY_URL: relay,
        RELAY_TOKEN: token,
        HOST: '',
        DASHBOARD_PASSWORD: '',
      });
    },
  }).catch((error: unknown) => {
    throw failureOf(error, relay);
  });
  const origin = dashboardOrigin(relay);
  if (context.json) printJson(context, { relay: origin, saved: path });
  else {
    context.stdout.write(`This machine has joined ${origin}. Saved in ${path}.\n`);
    context.stdout.write('Start it: agent-monitor, or agent-monitor service install (service restart where it runs)\n');
  }
  return EXIT.ok;
}

function failureOf(error: unknown, relay: string): Error {
  if (error instanceof JoinRefused) {
    return new CommandError(
      'The code was used, is older than ten minutes, or has a slip. Ask the dashboard for a new one.',
    );
  }
  if (error instanceof CommandError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new CommandError(`${dashboardOrigin(relay)}: ${text}`, EXIT.unreachable);
}
