/** The relay's settings, from the environment and nowhere else. A wrong one is a sentence that names the variable. */
import { existsSync } from 'node:fs';
import type { Env } from '../core/env.ts';
import { isNetwork } from '../core/http/client.ts';
import { generateToken } from '../core/tunnel/token.ts';

export interface RelayConfig {
  /** 0: any free port (tests). */
  port: number;
  /** undefined: every address of this machine. */
  host: string | undefined;
  token: string;
  /** null: generate one. '': no login. */
  password: string | null;
  /** Host names that browsers open the relay by, lower case; the first is printed. */
  domains: string[];
  /** Files in PEM form. */
  tls: { cert: string; key: string } | null;
  trustedProxies: string[];
  /** Where sessions are kept; null: in memory only. */
  stateFile: string | null;
  auditFile: string | null;
  /** null: there is no /metrics. */
  metricsToken: string | null;
}

export class ConfigError extends Error {}

/** Every variable with what it is for: `--help` prints this. */
export const SETTINGS: [name: string, text: string][] = [
  ['RELAY_TOKEN', 'secret that the agent machine shares with this relay (required)'],
  ['RELAY_PASSWORD', 'password of the dashboard; unset: one is generated; set but empty: no login'],
  ['RELAY_PORT', 'port to listen on (3457)'],
  ['RELAY_HOST', 'address to listen on (all)'],
  ['RELAY_DOMAIN', 'host name of the dashboard; several separated by commas'],
  ['RELAY_TLS_CERT', 'certificate file in PEM form, with RELAY_TLS_KEY; read again when it changes'],
  ['RELAY_TLS_KEY', 'key file in PEM form'],
  ['TRUSTED_PROXIES', 'addresses or networks of proxies whose X-Forwarded-For and -Proto count'],
  ['RELAY_STATE', 'file that keeps logins across restarts (relay-state.json); empty: memory only'],
  ['RELAY_AUDIT', 'file for the audit log, JSON lines, rotated; unset: none'],
  ['RELAY_METRICS_TOKEN', 'bearer token for /metrics; unset: no metrics'],
];

/** @throws ConfigError */
export function readRelayConfig(env: Env): RelayConfig {
  const text = (name: string) => env[name]?.trim() || null;
  const token = text('RELAY_TOKEN');
  if (!token) {
    throw new ConfigError(
      `RELAY_TOKEN is not set: choose a secret and give it to the relay and the agent machine, e.g. RELAY_TOKEN=${generateToken()}`,
    );
  }
  return {
    port: portOf(text('RELAY_PORT')),
    host: text('RELAY_HOST') ?? undefined,
    token,
    password: env.RELAY_PASSWORD ?? null,
    domains: listOf(text('RELAY_DOMAIN')).map(domainOf),
    tls: tlsOf(text('RELAY_TLS_CERT'), text('RELAY_TLS_KEY')),
    trustedProxies: listOf(text('TRUSTED_PROXIES')).map(proxyOf),
    stateFile: env.RELAY_STATE === undefined ? 'relay-state.json' : text('RELAY_STATE'),
    auditFile: text('RELAY_AUDIT'),
    metricsToken: text('RELAY_METRICS_TOKEN'),
  };
}

const listOf = (value: string | null): string[] => (value ?? '').split(',').map((part) => part.trim()).filter(Boolean);

function portOf(value: string | null): number {
  if (value === null) return 3457;
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65535) return Number(value);
  throw new ConfigError(`RELAY_PORT must be a number from 0 to 65535, not "${value}".`);
}

/** `https://relay.example.org/` is taken for what it means. */
function domainOf(value: string): string {
  const name = value.toLowerCase().replace(/^https?:\/\//, '').replace(/\/$/, '').replace(/:\d+$/, '');
  if (/^[a-z0-9.-]+$/.test(name)) return name;
  throw new ConfigError(`RELAY_DOMAIN must be a host name such as relay.example.org, not "${value}".`);
}

function proxyOf(value: string): string {
  if (isNetwork(value)) return value;
  throw new ConfigError(
    `TRUSTED_PROXIES must list addresses or networks such as 127.0.0.1 or 10.0.0.0/8, not "${value}".`,
  );
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
