/** `npm run dev`: the agent on :3456 without a relay, started anew when its sources change; the UI is built on each change. */
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from './build.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Editors save in several steps: wait until they are done. */
const SETTLE_MS = 150;

const rebuild = () =>
  build({ quick: true }).catch((error) => console.error(error instanceof Error ? error.message : error));

await rebuild();
let timer: ReturnType<typeof setTimeout> | undefined;
for (const directory of ['ui', 'core/api']) {
  watch(join(ROOT, directory), { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(rebuild, SETTLE_MS);
  });
}
const agent = spawn(process.execPath, [
  join(ROOT, 'node_modules/tsx/dist/cli.mjs'),
  'watch',
  join(ROOT, 'agent/main.ts'),
], {
  cwd: ROOT,
  stdio: 'inherit',
});
agent.on('exit', (code) => process.exit(code ?? 0));
