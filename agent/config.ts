/** The settings of the agent machine, read once from the environment. Nothing else in agent/ reads it. */
import { homedir } from 'node:os';
import { resolve } from 'node:path';

export interface Config {
  /** 0: any free port (tests). */
  port: number;
  /** Empty: the loopback addresses only. */
  host: string;
  /** Asked for by the local server when `host` is set; empty: no login. */
  dashboardPassword: string;
  /** `ca`: file with the authority of the relay's certificate (PEM), where that is none of the known ones; empty: none. */
  relay: { url: string; token: string; ca: string } | null;
  /** Absolute. */
  dataDir: string;
  /** Program names or paths. */
  claudeBin: string;
  codexBin: string;
  smtp: { host: string; port: number; secure: boolean; user: string; pass: string; from: string } | null;
  twilio: { accountSid: string; authToken: string; whatsappFrom: string } | null;
  /** Used when an agent names no webhook of its own; empty: none. */
  slackWebhookUrl: string;
  /** Where people open the dashboard, for links in notifications; empty: none. */
  publicUrl: string;
  /** Where work is done that names no folder; absolute. The home folder unless DEFAULT_DIRECTORY is set. */
  defaultDirectory: string;
  /** Somebody set DEFAULT_DIRECTORY: the create form then begins with it. */
  isDirectorySet: boolean;
  /** Where Claude keeps its sessions; empty: ~/.claude. */
  claudeConfigDir: string;
  /** false (TERMINAL=off): no terminal can be opened from the dashboard. */
  terminal: boolean;
}

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
    dataDir: resolve(text(env, 'DATA_DIR') || 'data'),
    claudeBin: program(env, 'CLAUDE_BIN', 'claude'),
    codexBin: program(env, 'CODEX_BIN', 'codex'),
    smtp: smtp(env),
    twilio: twilio(env),
    slackWebhookUrl: url(env, 'SLACK_WEBHOOK_URL', ['https:']),
    publicUrl: url(env, 'PUBLIC_URL', ['https:', 'http:']).replace(/\/+$/, ''),
    defaultDirectory: resolve(text(env, 'DEFAULT_DIRECTORY') || homedir()),
    isDirectorySet: text(env, 'DEFAULT_DIRECTORY') !== '',
    claudeConfigDir: text(env, 'CLAUDE_CONFIG_DIR'),
    terminal: onOff(env, 'TERMINAL', true),
  };
}

const text = (env: Env, name: string): string => (env[name] ?? '').trim();

function port(env: Env, name: string, fallback: number): number {
  const value = text(env, name);
  if (!value) return fallback;
  const number = Number(value);
  if (/^\d+$/.test(value) && number <= 65535) return number;
  throw new ConfigError(`${name} must be a port number between 0 and 65535, not "${value}".`);
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

/** A program name stays one, to be looked up in PATH; a path becomes absolute, `~/` is the home folder. */
function program(env: Env, name: string, fallback: string): string {
  const value = text(env, name) || fallback;
  if (value.startsWith('~/')) return resolve(homedir(), value.slice(2));
  return value.includes('/') ? resolve(value) : value;
}

function relay(env: Env): Config['relay'] {
  const address = url(env, 'RELAY_URL', ['ws:', 'wss:', 'http:', 'https:']);
  const token = text(env, 'RELAY_TOKEN');
  if (!address && !token) return null;
  if (!address) throw new ConfigError('RELAY_TOKEN is set but RELAY_URL is not: set both, or neither for local use.');
  if (!token) throw new ConfigError('RELAY_URL is set but RELAY_TOKEN is not: copy the token that the relay uses.');
  return { url: address, token, ca: text(env, 'RELAY_CA') };
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
