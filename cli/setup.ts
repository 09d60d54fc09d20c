/** The settings of the first start: asked for on a terminal, or given as options. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { expandHome } from '../core/home.ts';
import { tokenWeakness } from '../core/tunnel/token.ts';
import { type Command, type CommandContext, textOption } from './command.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { openPrompt, type Prompt } from './prompt.ts';
import { tunnelUrl } from './relay-address.ts';

export const SETUP_OPTIONS: Command['options'] = {
  folder: { type: 'string' },
  relay: { type: 'string' },
  token: { type: 'string' },
  port: { type: 'string' },
};

export const SETUP_USAGE = `
  --folder <path>     where agents work that name no folder
  --relay <address>   the relay, https://relay.example.org; with --token or RELAY_TOKEN
  --token <token>     the relay's token; others on this machine can see it while the command starts: RELAY_TOKEN hides it
  --port <number>     of the dashboard on this machine (3456)
What is given is saved in ~/.agent-monitor/.env and need not be given again.`;

export interface Answers {
  settings: Record<string, string>;
  /** The relay's dashboard password, to log a phone in now; never saved. '' when it was not given. */
  relayPassword: string;
}

/** The settings that the options give; empty without any. Throws CommandError for a wrong one. */
export function settingsFromOptions(context: CommandContext): Record<string, string> {
  const settings: Record<string, string> = {};
  const [directory, relay, port] = ['folder', 'relay', 'port'].map((name) => textOption(context, name));
  const token = textOption(context, 'token') ?? (relay === undefined ? undefined : context.env.RELAY_TOKEN);
  if (directory !== undefined) settings.DEFAULT_DIRECTORY = existingDirectory(directory);
  if (relay !== undefined) settings.RELAY_URL = tunnelUrl(relay);
  if (relay !== undefined && !token) throw new CommandError('--relay needs --token, or RELAY_TOKEN.', EXIT.usage);
  if (token !== undefined) settings.RELAY_TOKEN = token;
  if (port !== undefined) settings.PORT = port;
  return settings;
}

/** Three questions: the folder, the relay, and its token (or, without a relay, a password for this network). */
export async function askSettings(context: CommandContext): Promise<Answers> {
  const prompt = openPrompt(context);
  const say = (text: string) => context.stderr.write(`${text}\n`);
  try {
    say('Agent Monitor is started here for the first time. Three questions; Enter takes what stands in brackets.\n');
    const directory = await repeat(
      say,
      async () => existingDirectory(await prompt.ask('Folder that agents work in', process.cwd())),
    );
    const relay = await repeat(say, async () => {
      const typed = await prompt.ask('Address of your relay (Enter: none, use it on this machine or network)');
      return typed && tunnelUrl(typed);
    });
    const settings: Record<string, string> = { DEFAULT_DIRECTORY: directory };
    const rest = relay ? await askToken(prompt, relay, say) : await askPassword(prompt);
    return { settings: { ...settings, ...rest.settings }, relayPassword: rest.relayPassword };
  } finally {
    prompt.close();
  }
}

async function askToken(prompt: Prompt, relay: string, say: (text: string) => void): Promise<Answers> {
  const token = await repeat(say, async () => {
    const typed = await prompt.askSecret('Token of the relay (RELAY_TOKEN, not shown)');
    if (!typed) throw new CommandError('The relay lets no machine in without its token: deploy printed it.');
    return typed;
  });
  const weakness = tokenWeakness(token);
  if (weakness) say(weakness);
  const relayPassword = await prompt.askSecret(
    'Its dashboard password, to log your phone in now (not saved; Enter: later)',
  );
  return { settings: { RELAY_URL: relay, RELAY_TOKEN: token }, relayPassword };
}

async function askPassword(prompt: Prompt): Promise<Answers> {
  const password = await prompt.askSecret(
    'Password, to open the dashboard to other devices of your network (not shown; Enter: this machine only)',
  );
  return { settings: password ? { HOST: '0.0.0.0', DASHBOARD_PASSWORD: password } : {}, relayPassword: '' };
}

/** Asks again after a wrong answer; any other error ends it. */
async function repeat<T>(say: (text: string) => void, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof CommandError) || error.message === 'Nothing was changed.') throw error;
      say(error.message);
    }
  }
}

function existingDirectory(text: string): string {
  const path = resolve(expandHome(text));
  if (existsSync(path) && statSync(path).isDirectory()) return path;
  throw new CommandError(`There is no folder ${path}.`, EXIT.usage);
}
