/** `node relay.mjs`: reads the settings, starts the relay, ends it on SIGTERM and SIGINT. */
import { networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { withEnvFiles } from '../core/env.ts';
import { createLog, outliveOutput } from '../core/log.ts';
import { tokenWeakness } from '../core/tunnel/token.ts';
import { pairLink } from '../core/wire/auth.ts';
import { readRelayConfig, type RelayConfig, SETTINGS } from './config.ts';
import { loadDashboard } from './dashboard.ts';
import { createRelay, type Relay } from './server.ts';

/** Put in by scripts/build.ts. */
declare const RELAY_VERSION: string | undefined;
const VERSION = typeof RELAY_VERSION === 'undefined' ? 'unbuilt' : RELAY_VERSION;
/** Running requests and tunnels have this long when the relay is told to end, ms. */
const GRACE_MS = 10_000;

const HELP = `Agent Monitor relay ${VERSION}

  node relay.mjs [--help] [--version]

Settings come from the environment and from a .env file beside the program or in the current folder:

${SETTINGS.map(([name, text]) => `  ${name.padEnd(20)} ${text}`).join('\n')}
`;

async function main(args: string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(HELP);
  if (args.includes('--version') || args.includes('-v')) return void process.stdout.write(`${VERSION}\n`);
  if (args.length) throw new Error(`There is no option ${args[0]}: --help lists what there is.`);
  const config = readRelayConfig(withEnvFiles(process.env, [dirname(fileURLToPath(import.meta.url)), process.cwd()]));
  // Whatever this process starts or dumps must not carry them.
  delete process.env.RELAY_TOKEN;
  delete process.env.RELAY_PASSWORD;
  delete process.env.RELAY_METRICS_TOKEN;
  const log = createLog();
  const relay = await createRelay(config, { log: log.tagged('Relay'), assets: loadDashboard(), version: VERSION });
  const { port } = await relay.listen();
  greet(config, relay, port);

  let ending = false;
  const end = async (signal: string) => {
    if (ending) process.exit(1); // Asked twice: now.
    ending = true;
    log.info('Ending; running requests may finish.', { signal });
    await relay.close(GRACE_MS);
    process.exit(0);
  };
  process.on('SIGTERM', () => void end('SIGTERM'));
  process.on('SIGINT', () => void end('SIGINT'));
}

/** What the person at the console needs to know, and nothing that belongs in a log. */
function greet(config: RelayConfig, relay: Relay, port: number): void {
  const origin = originOf(config, port);
  const say = (text: string) => process.stdout.write(`${text}\n`);
  say(`Agent Monitor relay running on port ${port}`);
  say(`  Dashboard   ${origin}`);
  const weakness = tokenWeakness(config.token);
  if (weakness) say(`  WARNING     ${weakness}`);
  if (!relay.gate.loginRequired) {
    say('  WARNING     RELAY_PASSWORD is empty: there is NO LOGIN. Whoever reaches this port controls your agents.');
    return;
  }
  if (relay.generatedPassword) {
    say(
      `  Password    ${relay.generatedPassword}   (generated, shown only now; set RELAY_PASSWORD to choose your own)`,
    );
  } else if (config.password === null) {
    say('  Password    the one generated at the first start; set RELAY_PASSWORD to choose another');
  }
  if (relay.firstStart) {
    say(`  First login ${pairLink(origin, relay.gate.newPairCode().code)}   (works once, within a minute)`);
  }
  if (!config.tls && !config.trustedProxies.length) {
    say(
      '  Note        plain http: use RELAY_TLS_CERT and RELAY_TLS_KEY, or a proxy with TLS, on any network you do not own',
    );
  }
}

/** Where a browser finds this relay, as well as that can be known from here. */
function originOf(config: RelayConfig, port: number): string {
  if (config.domains.length) {
    const secure = config.tls !== null || config.trustedProxies.length > 0;
    const plainPort = config.trustedProxies.length > 0 || port === (secure ? 443 : 80);
    return `${secure ? 'https' : 'http'}://${config.domains[0]}${plainPort ? '' : `:${port}`}`;
  }
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  const host = config.host && config.host !== '0.0.0.0' && config.host !== '::' ? config.host : outside ?? 'localhost';
  return `${config.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

outliveOutput();
main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
