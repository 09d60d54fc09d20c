/** `tsx agent/main.ts`: the machine where agents run. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { withEnvFiles } from '../core/env.ts';
import { createLog, outliveOutput } from '../core/log.ts';
import { ConfigError, readConfig } from './config.ts';
import { startAgentServer } from './server.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const log = createLog();

async function main(): Promise<void> {
  const config = readConfig(withEnvFiles(process.env, [process.cwd(), ROOT]));
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const server = await startAgentServer(config, { log, version });
  let isClosing = false;
  const close = (signal: string) => {
    if (isClosing) process.exit(1);
    isClosing = true;
    log.info('going down', { signal });
    server.close().then(() => process.exit(0), (error) => {
      log.error('could not go down cleanly', { error: String(error) });
      process.exit(1);
    });
  };
  process.on('SIGTERM', () => close('SIGTERM'));
  process.on('SIGINT', () => close('SIGINT'));
}

outliveOutput();
// Agents at work must not die of one failed request.
process.on('uncaughtException', (error) => log.error('unexpected error', { error: error.stack ?? error.message }));
process.on('unhandledRejection', (error) => {
  log.error('unexpected rejection', { error: error instanceof Error ? error.stack ?? error.message : String(error) });
});

main().catch((error) => {
  const isExpected = error instanceof ConfigError || error instanceof Error;
  console.error(isExpected ? error.message : error);
  process.exit(1);
});
