/** `node relay.mjs`: reads the settings, starts the relay, and stops it on SIGTERM and SIGINT. */
import '../core/require-node.ts';
import { networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { programEnv } from '../core/dotenv.ts';
import { createLog, outliveErrors, outliveOutput } from '../core/log.ts';
import { tokenWeakness } from '../core/tunnel/token.ts';
import { pairLink } from '../core/api/auth.ts';
import { readRelayConfig, type RelayConfig, SETTINGS, speaksTls } from './config.ts';
import { loadDashboard } from './assets.ts';
import { createRelay, type Relay } from './server.ts';

/** scripts/build.ts defines it. */
declare const RELAY_VERSION: string | undefined;
const VERSION = typeof RELAY_VERSION === 'undefined' ? 'unbuilt' : RELAY_VERSION;
/** How long running requests and tunnels may take to finish after a stop signal, ms. */
const GRACE_MS = 10_000;

const HELP = `Agent Monitor relay ${VERSION}

  node relay.mjs [--help] [--version] [--check] [--env FILE]

--check only reads the settings, and says what is wrong with them.

Settings come from the environment and from a .env file beside the program (in a checkout: at its root), or the one that
--env names:

${SETTINGS.map(([name, text]) => `  ${name.padEnd(20)} ${text}`).join('\n')}
`;

/** Where relay.mjs is, or the root of the checkout. */
function ownDirectory(): string {
  const file = fileURLToPath(import.meta.url);
  return file.endsWith('.ts') ? dirname(dirname(file)) : dirname(file);
}

async function main(args: string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(HELP);
  if (args.includes('--version') || args.includes('-v')) return void process.stdout.write(`${VERSION}\n`);
  const { env, rest } = programEnv(process.env, args, ownDirectory());
  const isCheck = rest[0] === '--check';
  if (rest.length > (isCheck ? 1 : 0)) throw new Error(`There is no option ${rest.at(-1)}: --help lists the options.`);
  const config = readRelayConfig(env);
  if (isCheck) return void process.stdout.write('The settings are right.\n');
  // Child processes inherit the environment, and crash reports contain it.
  delete process.env.RELAY_TOKEN;
  delete process.env.RELAY_PASSWORD;
  delete process.env.RELAY_METRICS_TOKEN;
  const log = createLog();
  const relay = await createRelay(config, { log: log.tagged('Relay'), assets: loadDashboard(), version: VERSION });
  const { port } = await relay.listen();
  outliveErrors(log);
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) process.exit(1); // A second signal does not wait.
    stopping = true;
    log.info('Stopping; running requests may finish.', { signal });
    await relay.close(GRACE_MS);
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
  await greet(config, relay, port);
}

/** Prints what the person at the console needs to know. The password goes here and never into a log. */
async function greet(config: RelayConfig, relay: Relay, port: number): Promise<void> {
  const origin = originOf(config, port);
  const print = (text: string) => process.stdout.write(`${text}\n`);
  print(`Agent Monitor relay running on port ${port}`);
  print(`  Dashboard   ${origin}`);
  const weakness = tokenWeakness(config.token);
  if (weakness) print(`  WARNING     ${weakness}`);
  if (!relay.login.loginRequired) {
    print('  WARNING     RELAY_PASSWORD is empty: there is NO LOGIN. Whoever reaches this port controls your agents.');
    return;
  }
  if (relay.generatedPassword) {
    print(
      `  Password    ${relay.generatedPassword}   (generated, shown only now; set RELAY_PASSWORD to choose your own)`,
    );
  } else if (config.password === null) {
    print('  Password    the one generated at the first start; set RELAY_PASSWORD to choose another');
  }
  // A link that works for a minute is of use only when browsers trust what it leads to.
  await relay.certified();
  const waiting = relay.waiting();
  if (waiting) print(`  WARNING     There is no https yet. ${waiting}`);
  else if (relay.firstStart) {
    print(`  First login ${pairLink(origin, relay.login.newPairCode().code)}   (works once, within a minute)`);
  }
  if (!speaksTls(config) && !config.trustedProxies.length) {
    print(
      '  Note        plain http: use RELAY_TLS=auto, RELAY_TLS_CERT, or a proxy with TLS, on any network you do not own',
    );
  }
}

/** The origin under which a browser reaches this relay, as far as the relay can know it. */
function originOf(config: RelayConfig, port: number): string {
  const names = config.domains.length ? config.domains : config.acme?.identifiers.map(({ value }) => value) ?? [];
  if (names.length) {
    const secure = speaksTls(config) || config.trustedProxies.length > 0;
    const plainPort = config.trustedProxies.length > 0 || port === (secure ? 443 : 80);
    return `${secure ? 'https' : 'http'}://${bracketed(names[0]!)}${plainPort ? '' : `:${port}`}`;
  }
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  const host = config.host && config.host !== '0.0.0.0' && config.host !== '::' ? config.host : outside ?? 'localhost';
  return `${config.tls ? 'https' : 'http'}://${bracketed(host)}:${port}`;
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

outliveOutput();
main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
