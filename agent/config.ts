/** The settings of the agent machine, read once from the environment. Nothing else in agent/ reads it. */
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { expandHome } from '../core/home.ts';
import { type OwnProgram, PROGRAM_SETTINGS } from './process/programs.ts';

export interface Config {
  /** 0: any free port (tests). */
  port: number;
  /** Empty: the loopback addresses only. */
  host: string;
  /** The password of the local server's login, which `host` demands; empty: no login. */
  dashboardPassword: string;
  /** `ca`: PEM file of the authority that signed the relay's certificate; empty: one that Node knows. null: no relay. */
  relay: { url: string; token: string; ca: string } | null;
  /** Absolute. */
  dataDir: string;
  /** Names or paths of the programs that have drivers of their own, by provider. */
  programs: Record<OwnProgram, string>;
  /** Where such a program keeps its sessions; empty: its own default. */
  programDirectories: Record<OwnProgram, string>;
  smtp: { host: string; port: number; secure: boolean; user: string; pass: string; from: string } | null;
  twilio: { accountSid: string; authToken: string; whatsappFrom: string } | null;
  /** Used when an agent names no webhook of its own; empty: none. */
  slackWebhookUrl: string;
  /** `address`: of a Bot API server of one's own, without a slash at the end; empty: Telegram's. */
  telegram: { token: string; address: string } | null;
  /** Of the ntfy server's access control; empty: none. */
  ntfyToken: string;
  /** Signs what the webhook gets; empty: none. */
  webhookSecret: string;
  /** Where people open the dashboard, for links in notifications; empty: none. */
  publicUrl: string;
  /** Absolute. Agents and terminals that name no directory work here: DEFAULT_DIRECTORY, else the home directory. */
  defaultDirectory: string;
  /** DEFAULT_DIRECTORY is set: the create form then begins with it. */
  isDirectorySet: boolean;
  /** false (TERMINAL=off): no terminal can be opened from the dashboard. */
  terminal: boolean;
  /** How long terminals and agents that do nothing wait for a server that is away, ms; 0: for ever. */
  holderIdleMs: number;
  /** Webhooks and push services may have addresses of this machine and its networks. */
  allowPrivateAddresses: boolean;
}

/** The program of a CLI that runs in a terminal, by the name of its provider. */
export const cliProgram = ({ programs }: Config, provider: string): string =>
  Object.hasOwn(programs, provider) ? programs[provider as OwnProgram] : provider;

export type Env = Record<string, string | undefined>;

/** A setting is wrong: the sentence names the variable and says what it takes. */
export class ConfigError extends Error {}

const LOOPBACK = new Set(['', 'localhost', '127.0.0.1', '::1']);

/** Reads and checks every setting. Throws ConfigError. */
export function readConfig(env: Env): Config {
  const host = LOOPBACK.has(text(env, 'HOST')) ? '' : text(env, 'HOST');
  const dashboardPassword = env.DASHBOARD_PASSWORD ?? '';
  if (host && !dashboardPassword) {
    throw new ConfigError(
      `HOST=${host} opens the dashboard to other machines: set DASHBOARD_PASSWORD too, or leave HOST out.`,
    );
  }
  return {
    port: port(env, 'PORT', 3456),
    host,
    dashboardPassword,
    relay: relay(env),
    dataDir: resolve(path(env, 'DATA_DIR') || 'data'),
    programs: ofPrograms((name) => program(env, PROGRAM_SETTINGS[name].program, name)),
    programDirectories: ofPrograms((name) => {
      const { directory } = PROGRAM_SETTINGS[name];
      return directory ? path(env, directory) : '';
    }),
    smtp: smtp(env),
    twilio: twilio(env),
    slackWebhookUrl: url(env, 'SLACK_WEBHOOK_URL', ['https:']),
    telegram: telegram(env),
    ntfyToken: text(env, 'NTFY_TOKEN'),
    webhookSecret: secret(env, 'WEBHOOK_SECRET'),
    publicUrl: url(env, 'PUBLIC_URL', ['https:', 'http:']).replace(/\/+$/, ''),
    defaultDirectory: resolve(path(env, 'DEFAULT_DIRECTORY') || homedir()),
    isDirectorySet: text(env, 'DEFAULT_DIRECTORY') !== '',
    terminal: onOff(env, 'TERMINAL', true),
    holderIdleMs: minutes(env, 'HOLDER_IDLE_MINUTES', 60) * 60_000,
    allowPrivateAddresses: onOff(env, 'ALLOW_PRIVATE_ADDRESSES', false),
  };
}

/** Where people open the dashboard: PUBLIC_URL, else the relay's address, else this machine. */
export function dashboardAddress({ publicUrl, relay, port }: Config): string {
  if (publicUrl) return publicUrl;
  if (!relay) return port ? `http://localhost:${port}` : '';
  const { protocol, host } = new URL(relay.url);
  return `${protocol === 'wss:' || protocol === 'https:' ? 'https' : 'http'}://${host}`;
}

const ofPrograms = (value: (name: OwnProgram) => string): Record<OwnProgram, string> => {
  const names = Object.keys(PROGRAM_SETTINGS) as OwnProgram[];
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<OwnProgram, string>;
};

/** What stands before a page's path in a link: the dashboard's address, and which machine of a relay it is about. */
export function linkBase(config: Config, machineAtRelay: string | null): string {
  const address = dashboardAddress(config);
  return address && `${address}/#${machineAtRelay ? `/m/${machineAtRelay}` : ''}`;
}

const text = (env: Env, name: string): string => (env[name] ?? '').trim();
/** A file or directory; empty when unset. */
const path = (env: Env, name: string): string => expandHome(text(env, name));

function port(env: Env, name: string, fallback: number): number {
  const value = text(env, name);
  if (!value) return fallback;
  const number = Number(value);
  if (/^\d+$/.test(value) && number <= 65535) return number;
  throw new ConfigError(`${name} must be a port number between 0 and 65535, not "${value}".`);
}

function minutes(env: Env, name: string, fallback: number): number {
  const value = text(env, name) || String(fallback);
  if (/^\d{1,6}$/.test(value)) return Number(value);
  throw new ConfigError(`${name} must be a whole number of minutes, 0 for no end, not "${value}".`);
}

function flag(env: Env, name: string, fallback: boolean): boolean {
  const value = text(env, name).toLowerCase();
  if (!value) return fallback;
  if (['true', '1', 'yes'].includes(value)) return true;
  if (['false', '0', 'no'].includes(value)) return false;
  throw new ConfigError(`${name} must be true or false, not "${value}".`);
}

function onOff(env: Env, name: string, fallback: boolean): boolean {
  const value = text(env, name).toLowerCase();
  if (!value) return fallback;
  if (value === 'on' || value === 'off') return value === 'on';
  throw new ConfigError(`${name} must be on or off, not "${value}".`);
}

function url(env: Env, name: string, protocols: string[]): string {
  const value = text(env, name);
  if (!value) return '';
  let parsed: URL | null = null;
  try {
    parsed = new URL(value);
  } catch { /* reported below */ }
  if (parsed && protocols.includes(parsed.protocol)) return value;
  throw new ConfigError(`${name} must be an address that begins with ${protocols.join('// or ')}//.`);
}

/** A program name stays one, to be looked up in PATH; a path becomes absolute. */
function program(env: Env, name: string, fallback: string): string {
  const value = path(env, name) || fallback;
  return value.includes('/') ? resolve(value) : value;
}

function relay(env: Env): Config['relay'] {
  const address = url(env, 'RELAY_URL', ['ws:', 'wss:', 'http:', 'https:']);
  const token = text(env, 'RELAY_TOKEN');
  if (!address && !token) return null;
  if (!address) throw new ConfigError('RELAY_TOKEN is set but RELAY_URL is not: set both, or neither for local use.');
  if (!token) throw new ConfigError('RELAY_URL is set but RELAY_TOKEN is not: copy the token that the relay uses.');
  return { url: address, token, ca: path(env, 'RELAY_CA') };
}

function smtp(env: Env): Config['smtp'] {
  const host = text(env, 'SMTP_HOST');
  if (!host) return null;
  const secure = flag(env, 'SMTP_SECURE', false);
  const user = text(env, 'SMTP_USER');
  const from = text(env, 'SMTP_FROM') || user;
  if (!from) throw new ConfigError('SMTP_FROM must name the sender of the mails, e.g. "Agents <agents@example.org>".');
  return { host, port: port(env, 'SMTP_PORT', secure ? 465 : 587), secure, user, pass: env.SMTP_PASS ?? '', from };
}

function twilio(env: Env): Config['twilio'] {
  const names = ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'TWILIO_WHATSAPP_FROM'];
  const missing = names.filter((name) => !text(env, name));
  if (missing.length === names.length) return null;
  if (missing.length) {
    throw new ConfigError(`WhatsApp needs ${missing.join(' and ')} too (or none of ${names.join(', ')}).`);
  }
  const [accountSid, authToken, whatsappFrom] = names.map((name) => text(env, name));
  return { accountSid: accountSid!, authToken: authToken!, whatsappFrom: whatsappFrom! };
}

/** The token goes into addresses: `123456:ABC…`. */
function telegram(env: Env): Config['telegram'] {
  const token = text(env, 'TELEGRAM_BOT_TOKEN');
  const address = url(env, 'TELEGRAM_API_URL', ['https:', 'http:']).replace(/\/+$/, '');
  if (!token) return null;
  if (!/^\d+:[\w-]+$/.test(token)) {
    throw new ConfigError('TELEGRAM_BOT_TOKEN must be the token that @BotFather gave, e.g. 123456:ABC-def.');
  }
  return { token, address };
}

/** Shorter ones can be found by trying. */
const MIN_SECRET = 16;

function secret(env: Env, name: string): string {
  const value = text(env, name);
  if (!value || value.length >= MIN_SECRET) return value;
  throw new ConfigError(`${name} must have at least ${MIN_SECRET} characters.`);
}
