/**
 * `tsx agent/main.ts [--env FILE]`: the machine where agents run. Settings come from the environment and from the .env at the
 * root of the checkout, or the file that is named.
 */
import '../core/require-node.ts';
import process from 'node:process';

async function main(): Promise<void> {
  // Loaded only now: an older Node must get its sentence before it meets what it cannot parse.
  const { programEnv } = await import('../core/dotenv.ts');
  const { installationRoot, packageInfo } = await import('../core/installation.ts');
  const { runAgent } = await import('./program.ts');
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1);
      controller.abort(name);
    });
  }
  const { env, rest } = programEnv(process.env, process.argv.slice(2), installationRoot());
  if (rest.length) throw new Error(`There is no option ${rest[0]}: only --env FILE.`);
  await runAgent(env, { version: packageInfo().version, signal: controller.signal });
}

main().then(() => process.exit(0), (error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
