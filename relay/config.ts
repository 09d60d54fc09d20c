/** Reads the relay's settings from environment variables. A wrong value throws a sentence that names the variable. */
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import type { Env } from '../core/dotenv.ts';
import { expandHome } from '../core/home.ts';
import { isNetwork } from '../core/http/client-address.ts';
import { generateToken, isForJoining } from '../core/tunnel/token.ts';
import { type Identifier, parseIdentifier } from './acme/identifier.ts';
import type { AcmeSettings } from './acme/manager.ts';
import { CHALLENGE_PORT } from './acme/problem.ts';
import { type AcmeWords, interfaceAddresses, isSupported, readAcmeSettings } from './acme/settings.ts';
import { checkRegularFile } from './regular-file.ts';

export interface RelayConfig {
  /** 0: any free port (tests). */
  port: number;
  /** undefined: every address of this machine. */
  host: string | undefined;
  token: string;
  /** null: the relay generates a password. '': no login. */
  password: string | null;
  /** Host names and addresses under which browsers open the relay, lower case. The start prints the first. */
  domains: string[];
  /** Files in PEM form. */
  tls: { cert: string; key: string } | null;
  /** RELAY_TLS=auto. */
  acme: AcmeConfig | null;
  trustedProxies: string[];
  /** File that stores sessions across restarts; null: memory only. */
  stateFile: string | null;
  auditFile: string | null;
  /** Every name below it is a preview's, lower case; null: there is none. */
  previewDomain: string | null;
  /** A second port, for previews, where there is no such domain; 0: any free one (tests). null: none. */
  previewPort: number | null;
  /** null: there is no /metrics. */
  metricsToken: string | null;
}

export interface AcmeConfig extends AcmeSettings {
  /** Where plain http is answered, if nobody else does there; null: nowhere (tests). */
  httpPort: number | null;
}

export const speaksTls = ({ tls, acme }: RelayConfig): boolean => tls !== null || acme !== null;

export class ConfigError extends Error {}

/** Every variable with its purpose; `--help` prints this list. */
export const SETTINGS: [name: string, text: string][] = [
  ['RELAY_TOKEN', 'secret that the agent machine shares with this relay (required)'],
  ['RELAY_PASSWORD', 'password of the dashboard; unset: one is generated; set but empty: no login'],
  ['RELAY_PORT', 'port to listen on (3457; with RELAY_TLS=auto 443)'],
  ['RELAY_HOST', 'address to listen on (all)'],
  ['RELAY_DOMAIN', 'host name or address of the dashboard; several separated by commas'],
  ['RELAY_PREVIEW_DOMAIN', 'domain whose every name leads here, for previews of what agents serve; unset: none'],
  ['RELAY_PREVIEW_PORT', 'second port to listen on, for previews where there is no RELAY_PREVIEW_DOMAIN; unset: none'],
  ['RELAY_TLS', "auto: https with a certificate by itself, for RELAY_DOMAIN or else for this server's public address"],
  ['RELAY_ACME_DIRECTORY', "authority that gives the certificate (Let's Encrypt)"],
  ['RELAY_ACME_EMAIL', 'address that the authority may write to; unset: none'],
  ['RELAY_TLS_CERT', 'certificate file in PEM form, with RELAY_TLS_KEY; read again when it changes'],
  ['RELAY_TLS_KEY', 'key file in PEM form'],
  ['TRUSTED_PROXIES', 'addresses or networks of proxies whose X-Forwarded-For and -Proto count'],
  ['RELAY_STATE', 'file that keeps logins across restarts (relay-state.json); empty: memory only'],
  ['RELAY_AUDIT', 'file for the audit log, JSON lines, rotated; unset: none'],
  ['RELAY_METRICS_TOKEN', 'bearer token for /metrics; unset: no metrics'],
];

/** @param addresses of this machine. @throws ConfigError */
export function readRelayConfig(env: Env, addresses: readonly string[] = interfaceAddresses()): RelayConfig {
  const text = (name: string) => env[name]?.trim() || null;
  const path = (name: string) => expandHome(text(name) ?? '') || null;
  const token = text('RELAY_TOKEN');
  if (!token) {
    throw new ConfigError(
      `RELAY_TOKEN is not set: choose a secret and give it to the relay and the agent machine, e.g. RELAY_TOKEN=${generateToken()}`,
    );
  }
  if (isForJoining(token)) {
    throw new ConfigError(
      'RELAY_TOKEN begins as a token or code of one machine does (amt_, amj_): set the relay one of its own, ' +
        `e.g. RELAY_TOKEN=${generateToken()}; machines that have joined go on with theirs.`,
    );
  }
  const identifiers = listOf(text('RELAY_DOMAIN')).map(domainOf);
  const host = text('RELAY_HOST') ?? undefined;
  const stateFile = env.RELAY_STATE === undefined ? 'relay-state.json' : path('RELAY_STATE');
  const auditFile = regularFile('RELAY_AUDIT', path('RELAY_AUDIT'));
  regularFile('RELAY_STATE', stateFile);
  const tls = tlsOf(path('RELAY_TLS_CERT'), path('RELAY_TLS_KEY'));
  const isAuto = isAutoTls(text('RELAY_TLS'), tls);
  const port = portOf('RELAY_PORT', text('RELAY_PORT')) ?? (isAuto ? CHALLENGE_PORT['tls-alpn-01'] : 3457);
  const authority = { directory: text('RELAY_ACME_DIRECTORY'), email: text('RELAY_ACME_EMAIL') };
  const domains = identifiers.map(({ value }) => value);
  return {
    port,
    host,
    token,
    password: env.RELAY_PASSWORD ?? null,
    domains,
    tls,
    acme: isAuto ? acmeOf({ identifiers, host, stateFile, ...authority }, addresses) : null,
    trustedProxies: listOf(text('TRUSTED_PROXIES')).map(proxyOf),
    stateFile,
    auditFile,
    ...previewsOf(text, port, domains),
    metricsToken: text('RELAY_METRICS_TOKEN'),
  };
}

const listOf = (value: string | null): string[] => (value ?? '').split(',').map((part) => part.trim()).filter(Boolean);

const previewsOf = (text: (name: string) => string | null, port: number, domains: readonly string[]) => ({
  previewDomain: previewDomainOf(text('RELAY_PREVIEW_DOMAIN'), domains),
  previewPort: previewPortOf(portOf('RELAY_PREVIEW_PORT', text('RELAY_PREVIEW_PORT')), port),
});

/** null: it is not set. */
function portOf(name: string, value: string | null): number | null {
  if (value === null) return null;
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65535) return Number(value);
  throw new ConfigError(`${name} must be a number from 0 to 65535, not "${value}".`);
}

function previewPortOf(value: number | null, own: number): number | null {
  if (value === null || value !== own || own === 0) return value;
  throw new ConfigError(
    'RELAY_PREVIEW_PORT must be another port than RELAY_PORT: previews have an origin of their own.',
  );
}

/** A page below the dashboard's own name, or the dashboard below that of previews, would share its site with what agents serve. */
function previewDomainOf(value: string | null, domains: readonly string[]): string | null {
  if (value === null) return null;
  const name = value.toLowerCase().replace(/^\*\./, '').replace(/\.$/, '');
  const identifier = parseIdentifier(name);
  if (identifier?.type !== 'dns') {
    throw new ConfigError(`RELAY_PREVIEW_DOMAIN must be a domain such as preview.example.org, not "${value}".`);
  }
  const inside = domains.find((domain) => domain.endsWith(`.${name}`));
  if (inside === undefined) return name;
  throw new ConfigError(
    `RELAY_PREVIEW_DOMAIN: ${inside} lies below ${name}, so it would be a preview; choose another domain.`,
  );
}

/** Also accepts a URL such as `https://relay.example.org/` and uses its host name. */
function domainOf(value: string): Identifier {
  const name = value.toLowerCase().replace(/^https?:\/\//, '').replace(/\/$/, '');
  const host = isIP(name) ? name : name.replace(/:\d+$/, '');
  const identifier = parseIdentifier(host) ?? parseIdentifier(domainToASCII(host));
  if (identifier) return identifier;
  throw new ConfigError(
    `RELAY_DOMAIN must be a host name such as relay.example.org or an IP address, not "${value}".`,
  );
}

function isAutoTls(value: string | null, tls: RelayConfig['tls']): boolean {
  if (value === null) return false;
  if (value !== 'auto') throw new ConfigError(`RELAY_TLS must be auto or left out, not "${value}".`);
  if (tls) throw new ConfigError('RELAY_TLS=auto and RELAY_TLS_CERT exclude each other: leave one of them out.');
  if (isSupported()) return true;
  throw new ConfigError('RELAY_TLS=auto needs Node 20.17, or 22.5 or later: use one of those, or RELAY_TLS_CERT.');
}

function acmeOf(words: AcmeWords, addresses: readonly string[]): AcmeConfig {
  try {
    return { ...readAcmeSettings(words, addresses), httpPort: CHALLENGE_PORT['http-01'] };
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

function proxyOf(value: string): string {
  if (isNetwork(value)) return value;
  throw new ConfigError(
    `TRUSTED_PROXIES must list addresses or networks such as 127.0.0.1 or 10.0.0.0/8, not "${value}".`,
  );
}

function regularFile(name: string, file: string | null): string | null {
  try {
    if (file) checkRegularFile(file);
    return file;
  } catch (error) {
    throw new ConfigError(`${name}: ${(error as Error).message}.`);
  }
}

function tlsOf(cert: string | null, key: string | null): RelayConfig['tls'] {
  if (!cert && !key) return null;
  if (!cert || !key) {
    throw new ConfigError(`${cert ? 'RELAY_TLS_KEY' : 'RELAY_TLS_CERT'} is not set: TLS needs both files.`);
  }
  for (const [name, file] of [['RELAY_TLS_CERT', cert], ['RELAY_TLS_KEY', key]]) {
    if (!existsSync(file!)) throw new ConfigError(`${name}: there is no file ${file}.`);
  }
  return { cert, key };
}
