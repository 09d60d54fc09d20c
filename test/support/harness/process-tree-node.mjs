// One process of a tree: `node process-tree-node.mjs <json>` with { name, log, sessions, groups, children, dataDir }. It appends
// "name pid" to the log, starts its children (each in a session of its own when `session` is set, without the variables in
// `without`), and sleeps. With `dataDir` it is a server: it ends the orphans of that directory first and logs "killed pid" for
// each. It ends after a minute at the latest.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const node = JSON.parse(process.argv[2]);
const write = (line) => appendFileSync(node.log, `${line}\n`);

for (const child of node.children ?? []) {
  const env = { ...process.env, ...child.env };
  for (const name of child.without ?? []) delete env[name];
  spawn(process.execPath, [
    ...process.execArgv,
    fileURLToPath(import.meta.url),
    JSON.stringify({ ...child, log: node.log }),
  ], {
    env,
    detached: child.session === true,
    stdio: 'ignore',
  }).unref();
}
write(`${node.name} ${process.pid}`);
process.on('SIGHUP', () => {});
if (node.orphan) process.exit(0);
if (node.dataDir) {
  const { killOrphans } = await import('../../../agent/process/orphans.ts');
  await new Promise((resolve) => setTimeout(resolve, node.delayMs));
  for (const { pid } of await killOrphans(node.dataDir)) write(`killed ${pid}`);
  write('done 0');
}
setTimeout(() => process.exit(0), 60_000);
