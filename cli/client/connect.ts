/** Which server a command speaks to: this machine's own, or a relay that was logged in at. */
import { hostname } from 'node:os';
import { readFileSync } from 'node:fs';
import { localOriginOf } from '../../agent/access/local-origin.ts';
import { type CommandContext, hasFlag, textOption } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { programEnv } from '../home.ts';
import { Api } from './api.ts';
import { renewLogin } from './relay-login.ts';
import { credentialsFile, type Env, readCredentials, type RelayLogin } from './credentials.ts';

const DEFAULT_PORT = '3456';

/** Options of every command of the client. */
export const SERVER_OPTIONS = {
  relay: { type: 'string' },
  local: { type: 'boolean' },
} as const;

/** Lines of every client command's usage. @param width columns of an option, so that all descriptions stand below each other */
export const serverUsage = (width: number): string => `
  ${'--relay URL'.padEnd(width)}speak to this relay, as AGENT_MONITOR_RELAY does; without it to that of the latest login
  ${'--local'.padEnd(width)}speak to the server on this machine, as without any login`;

/** The server that the context's options name. Throws CommandError when there is no login for it. */
export function connect(context: CommandContext): Api {
  const target = chooseTarget(context);
  return target === null ? localApi(context) : relayApi(context, target);
}

/** A relay's origin; null: the server of this machine. */
export function chooseTarget(context: CommandContext): string | null {
  const relay = textOption(context, 'relay') ?? '';
  if (hasFlag(context, 'local')) {
    if (relay) throw new CommandError('Give --relay or --local, not both.', EXIT.usage);
    return null;
  }
  const wanted = relay || context.env.AGENT_MONITOR_RELAY?.trim();
  return wanted ? relayOrigin(wanted) : readCredentials(credentialsFile(context.env)).current || null;
}

/** `https://relay.example`, `relay.example` or `http://127.0.0.1:3457/anything` → the origin. */
export function relayOrigin(text: string): string {
  const input = text.trim();
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(input) ? input.replace(/^ws/i, 'http') : `https://${input}`;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new CommandError(`"${text}" is not the address of a relay: write https://relay.example.`, EXIT.usage);
  }
  return url.origin;
}

/** The address of this machine's server: loopback, or where HOST opens it. */
export function localOrigin(env: Env): string {
  const settings = programEnv(env);
  const value = settings.PORT?.trim() || DEFAULT_PORT;
  const port = Number(value);
  const host = settings.HOST?.trim() ?? '';
  if (/^\d+$/.test(value) && port > 0 && port <= 65_535) return localOriginOf(host, port);
  throw new CommandError(`PORT must be a port number between 1 and 65535, not "${value}".`, EXIT.usage);
}

export interface LocalProof {
  /** Shows that this is a program of the server's user (agent/access/local-token.ts). */
  token: string;
  /** Of a login; empty: none is needed. */
  cookie: string;
}

/** This machine's server. */
export function localApi({ env, signal, version }: CommandContext, proof: LocalProof = { token: '', cookie: '' }): Api {
  const origin = localOrigin(env);
  return new Api({
    origin,
    cookie: proof.cookie,
    localToken: proof.token,
    ca: '',
    userAgent: userAgent(version),
    signal,
    loginHint: `Log in at it: agent-monitor login ${origin}`,
    offlineHint: `Start the server with \`agent-monitor\` (${origin}; PORT names another port), ` +
      'or speak to a machine elsewhere: agent-monitor login https://relay.example',
  });
}

function relayApi({ env, signal, version }: CommandContext, origin: string): Api {
  const login = readCredentials(credentialsFile(env)).relays.find((entry) => entry.origin === origin);
  const loginHint = `Log in again: agent-monitor login ${origin}`;
  if (!login) {
    throw new CommandError(`There is no login at ${origin}. Log in: agent-monitor login ${origin}`, EXIT.loginNeeded);
  }
  return apiOf(login, { env, signal, version, loginHint });
}

/** An API with a relay's credentials. */
export const apiOf = (
  { origin, cookie, ca, device }: Pick<RelayLogin, 'origin' | 'cookie' | 'ca' | 'device'>,
  { env, signal, version, loginHint = '' }: Pick<CommandContext, 'env' | 'signal' | 'version'> & { loginHint?: string },
): Api => {
  const relay = { origin, ca, userAgent: userAgent(version), signal };
  const renew = device ? { renew: () => renewLogin(relay, device, env) } : {};
  return new Api({ ...relay, cookie, loginHint, offlineHint: '', ...renew });
};

/** By this the devices page names the login: "agent-monitor on laptop" (core/auth/sessions.ts). */
export const userAgent = (version: string, host = hostname()): string =>
  `agent-monitor/${version.replace(/[^\w.-]/g, '') || '0'} (${host.replace(/[^\w.-]/g, '').slice(0, 64) || 'unknown'})`;

/** The text of a file of --ca. */
export function readCa(path: string | undefined): string {
  if (!path) return '';
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${(error as Error).message}.`, EXIT.usage);
  }
}
