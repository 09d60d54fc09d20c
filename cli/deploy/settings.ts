/** What deploy writes into the relay's settings on the server. */
import { randomBytes } from 'node:crypto';
import { generateToken } from '../../core/tunnel/token.ts';
import { withSettings } from '../settings-file.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Set here when deploying, they are set on the server; set but empty takes one back to its default. */
export const PASSED_ON: readonly string[] = [
  'RELAY_PORT',
  'RELAY_HOST',
  'RELAY_DOMAIN',
  'RELAY_PREVIEW_DOMAIN',
  'RELAY_PREVIEW_PORT',
  'RELAY_TLS',
  'RELAY_ACME_DIRECTORY',
  'RELAY_ACME_EMAIL',
  'RELAY_TLS_CERT',
  'RELAY_TLS_KEY',
  'TRUSTED_PROXIES',
  'RELAY_METRICS_TOKEN',
];

export interface RelaySecrets {
  /** null: stays as it is on the server. */
  token: string | null;
  password: string | null;
}

export interface RelaySettings {
  /** Lines that replace those of the same name. */
  settings: string;
  /** Lines for names that the server has not set yet: a first deploy makes token and password. */
  defaults: string;
  /** What `defaults` has, by name. */
  generated: Record<string, string>;
}

/** @throws CommandError for a value with control characters */
export function relaySettings(env: Env, { token, password }: RelaySecrets): RelaySettings {
  const changes: Record<string, string> = {};
  for (const name of PASSED_ON) if (env[name] !== undefined) changes[name] = env[name];
  // The authority of a test or of an organisation, whose file is on the server.
  if (env.DEPLOY_EXTRA_CA_CERTS) changes.NODE_EXTRA_CA_CERTS = env.DEPLOY_EXTRA_CA_CERTS;
  if (token !== null) changes.RELAY_TOKEN = token;
  if (password !== null) changes.RELAY_PASSWORD = password;
  const generated = { RELAY_TOKEN: generateToken(), RELAY_PASSWORD: randomBytes(12).toString('base64url') };
  return { settings: lines(changes), defaults: lines(generated), generated };
}

/** An empty value is written too: it replaces one that is there. */
const lines = (settings: Record<string, string>): string =>
  Object.entries(settings).map(([name, value]) => value === '' ? `${name}=\n` : withSettings('', { [name]: value }))
    .join('');
