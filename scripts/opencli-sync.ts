/** `npm run opencli:sync`: installs OpenCLI for the agents of DATA_DIR, or takes it away with `--remove`. */
import process from 'node:process';
import { readConfig } from '../agent/config.ts';
import { removeOpenCli, syncOpenCli } from '../agent/opencli.ts';
import { ensureFolder } from '../agent/store/files.ts';
import { withEnvFiles } from '../core/env.ts';

async function main(args: string[]): Promise<void> {
  const { dataDir } = readConfig(withEnvFiles(process.env, [process.cwd()]));
  if (args.includes('--remove')) {
    await removeOpenCli(dataDir);
    return console.log('OpenCLI is removed.');
  }
  ensureFolder(dataDir);
  const version = await syncOpenCli({ dataDir, tell: (line) => console.log(line) });
  console.log(`OpenCLI ${version} is ready. Agents that are started from now on find it as \`opencli\`.`);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
