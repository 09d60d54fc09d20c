/** `agent-monitor login`: logs this program in at a relay, as a device of its own that the dashboard can sign out. */
import { hostname } from 'node:os';
import type { AuthCheck } from '../../core/api/auth.ts';
import { type Command, type CommandContext, hasFlag, textOption } from '../command.ts';
import { apiOf, readCa, relayOrigin, userAgent } from '../client/connect.ts';
import { credentialsFile, readCredentials, withLogin, writeCredentials } from '../client/credentials.ts';
import { note, printJsonLine } from '../client/output.ts';
import { expiryOf, logIn, registerDevice } from '../client/relay-login.ts';
import { askPassword } from '../client/prompt.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

export const command: Command = {
  name: 'login',
  summary: 'log in at a relay, to use the machine behind it from here',
  usage: `login <https://relay> [options]
  The password is asked for without echo; from a pipe it is the first line of the standard input.
  --ca FILE     the authority that signed the relay's certificate (PEM), when Node does not know it
  --insecure    send the password without TLS. Whoever is between can read it
  --json        {"relay", "device", "expiresAt", "isRenewed"}

The login, with a key that renews it, is kept in $XDG_CONFIG_HOME/agent-monitor/relays.json, readable by you alone. Other commands speak to this relay
from now on; --local speaks to this machine. The devices page of the dashboard shows it as "agent-monitor on <this host>".`,
  options: { ca: { type: 'string' }, insecure: { type: 'boolean' } },
  async run(context) {
    if (context.positionals.length !== 1) {
      throw new CommandError('Name the relay: agent-monitor login https://relay.example', EXIT.usage);
    }
    const origin = relayOrigin(context.positionals[0]!);
    refusePlain(origin, hasFlag(context, 'insecure'));
    const file = credentialsFile(context.env);
    // A file that cannot be used is found out before the password is asked for.
    const credentials = readCredentials(file);
    const ca = readCa(textOption(context, 'ca'));
    await checkServer(context, origin, ca);
    const password = await askPassword(context, `Password of ${origin}: `);
    const relay = { origin, ca, userAgent: userAgent(context.version), signal: context.signal };
    const cookie = await logIn(relay, password);
    const device = await registerDevice(relay, cookie);
    const expiresAt = await expiryOf(relay, cookie);
    await writeCredentials(
      file,
      withLogin(credentials, { origin, cookie, expiresAt, ca, ...(device ? { device } : {}) }),
    );
    const isRenewed = device !== null;
    if (context.json) printJsonLine(context, { relay: origin, device: deviceName(), expiresAt, isRenewed });
    else {note(
        context,
        `Logged in at ${origin} as "${deviceName()}"${isRenewed ? '' : ` until ${localTime(expiresAt)}`}.`,
      );}
    return EXIT.ok;
  },
};

const localTime = (ms: number): string => new Date(ms).toLocaleString();
const deviceName = (): string => `agent-monitor on ${hostname()}`;

function refusePlain(origin: string, isInsecure: boolean): void {
  const { protocol, hostname: name } = new URL(origin);
  const isOwn = name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name);
  if (protocol === 'https:' || isOwn || isInsecure) return;
  throw new CommandError(
    `The password would go to ${origin} without TLS. Use https://, or add --insecure.`,
    EXIT.usage,
  );
}

/** Nothing secret is sent before the other side has answered as a relay does. */
async function checkServer(context: CommandContext, origin: string, ca: string): Promise<void> {
  const check = await apiOf({ origin, ca, cookie: '' }, context).get<AuthCheck>('/api/auth/check');
  if (typeof check?.authenticated !== 'boolean') throw new CommandError(`${origin} is no Agent Monitor relay.`);
  if (!check.loginRequired) throw new CommandError(`${origin} asks for no login, so there is none to make.`);
}
