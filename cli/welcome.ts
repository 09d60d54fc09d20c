/** What a person at the console needs after the start: addresses, and the QR code that logs a phone in. */
import { networkInterfaces } from 'node:os';
import { type Config, dashboardAddress } from '../agent/config.ts';
import type { CommandContext } from './command.ts';
import { pairingLink } from './pairing.ts';
import { qrLines } from './qr.ts';
import { dashboardOrigin } from './relay-address.ts';

export interface Welcome {
  config: Config;
  /** Where the local server listens. */
  port: number;
  /** '' when it is not known. */
  relayPassword: string;
}

/** Prints to the standard error, as everything that is no result. A code that cannot be had is said and is no failure. */
export async function welcome(context: CommandContext, options: Welcome): Promise<void> {
  const say = (text: string): void => void context.stderr.write(`${text}\n`);
  const { config, port } = options;
  say(`\n  On this machine   http://localhost:${port}`);
  if (config.relay) say(`  From anywhere     ${dashboardAddress({ ...config, publicUrl: '' })}`);
  else if (config.host) say(`  On your network   ${networkOrigin(config.host, port)}`);
  const dashboard = dashboardOf(options);
  if (!dashboard) return say(`\n  ${hint(config)}\n`);
  try {
    await showCode(context, await pairingLink(dashboard));
  } catch (error) {
    say(`\n  No code for a phone: ${(error as Error).message}\n`);
  }
}

export function showCode(context: CommandContext, link: string): void {
  const lines = qrLines(link).map((line) => `  ${line}`);
  context.stderr.write(
    `\n${lines.join('\n')}\n\n  ${link}\n  Scan it with a phone within a minute; it works once.\n\n`,
  );
}

/** null: no password is known, or none is needed. */
function dashboardOf({ config, port, relayPassword }: Welcome) {
  if (config.relay) {
    return relayPassword ? { origin: dashboardOrigin(config.relay.url), password: relayPassword } : null;
  }
  if (!config.host) return null;
  return {
    origin: networkOrigin(config.host, port),
    asked: `http://${isWildcard(config.host) ? '127.0.0.1' : bracketed(config.host)}:${port}`,
    password: config.dashboardPassword,
  };
}

const hint = (config: Config): string =>
  config.relay
    ? 'To log a phone in: agent-monitor pair'
    : 'To reach it from a phone: agent-monitor setup (a relay, or a password for your network)';

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';
const bracketed = (host: string): string => host.includes(':') ? `[${host}]` : host;

function networkOrigin(host: string, port: number): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? 'localhost';
  return `http://${isWildcard(host) ? outside : bracketed(host)}:${port}`;
}
