/** `agent-monitor logout`: ends a login at a relay, there and here. */
import { type Command, hasFlag } from '../command.ts';
import { apiOf, relayOrigin } from '../client/connect.ts';
import {
  type Credentials,
  credentialsFile,
  readCredentials,
  withoutLogin,
  writeCredentials,
} from '../client/credentials.ts';
import { ApiError } from '../client/errors.ts';
import { note, printJsonLine } from '../client/output.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

export const command: Command = {
  name: 'logout',
  summary: 'end a login at a relay; without logins, commands speak to this machine',
  usage: `logout [https://relay] [options]
  Without an address: the relay of the latest login.
  --forget      only forget it here, when the relay cannot be reached
  --json        {"relay", "isSignedOut"}`,
  options: { forget: { type: 'boolean' } },
  async run(context) {
    const file = credentialsFile(context.env);
    const credentials = readCredentials(file);
    const login = loginOf(credentials, context.positionals[0]);
    const isSignedOut = hasFlag(context, 'forget') ? false : await signOut(apiOf(login, context), login.device?.id);
    await writeCredentials(file, withoutLogin(credentials, login.origin));
    if (context.json) printJsonLine(context, { relay: login.origin, isSignedOut });
    else note(context, isSignedOut ? `Logged out at ${login.origin}.` : `Forgot the login at ${login.origin}.`);
    return EXIT.ok;
  },
};

function loginOf({ current, relays }: Credentials, address: string | undefined) {
  const origin = address === undefined ? current : relayOrigin(address);
  const login = relays.find((entry) => entry.origin === origin);
  if (login) return login;
  throw new CommandError(origin ? `There is no login at ${origin}.` : 'There is no login.', EXIT.notFound);
}

/** @returns false when the relay had ended it already */
async function signOut(api: ReturnType<typeof apiOf>, device: string | undefined): Promise<boolean> {
  try {
    // With the device go its key and all its logins.
    if (device) await api.call('DELETE', `/api/auth/devices/${encodeURIComponent(device)}`);
    else await api.post('/api/auth/logout');
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.code === 'no_device')) return false;
    if (!(error instanceof ApiError) || error.status !== 0) throw error;
    throw new ApiError(
      `${error.message} The login there lasts on: sign the device out on the dashboard, or use --forget.`,
      {
        status: 0,
        code: 'offline',
      },
    );
  }
}
