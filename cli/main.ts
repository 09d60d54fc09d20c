/** `agent-monitor`: the one program of the package. */
import '../core/require-node.ts';
import process from 'node:process';

async function main(): Promise<void> {
  // Loaded only now: an older Node must get its sentence before it meets what it cannot parse.
  const { dispatch } = await import('./dispatch.ts');
  const { packageInfo } = await import('../core/installation.ts');
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
      controller.abort(name);
    });
  }
  // Node 20 can spin for ever in its own cleanup after TLS sockets (Environment::CleanupHandles), where exit() does not go.
  process.once('beforeExit', () => process.exit());
  const { version } = packageInfo();
  process.exitCode = await dispatch(process.argv.slice(2), { version, signal: controller.signal });
}

await main();
