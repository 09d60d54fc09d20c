/** `npm run opencli:sync`: installs OpenCLI for the agents of DATA_DIR, or takes it away with `--remove`. */
import process from 'node:process';
import { readConfig } from '../agent/config.ts';
import { removeOpenCli, syncOpenCli } from '../agent/tools/opencli.ts';
import { ensureDirectory } from '../agent/store/atomic-file.ts';
import { withEnvFiles } from '../core/dotenv.ts';

async function main(args: string[]): Promise<void> {
  const { dataDir } = readConfig(withEnvFiles(process.env, [process.cwd()]));
  if (args.includes('--remove')) {
    await removeOpenCli(dataDir);
    return console.log('OpenCLI is removed.');
  }
  ensureDirectory(dataDir);
  const version = await syncOpenCli({ dataDir, report: (line) => console.log(line) });
  console.log(`OpenCLI ${version} is ready. Agents that are started from now on find it as \`opencli\`.`);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
