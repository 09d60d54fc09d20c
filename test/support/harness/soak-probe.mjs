// Preloaded into relay and agent by scripts/soak.ts: at SIGUSR2 it prints what is held, after a garbage collection.
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
process.on('SIGUSR2', () => {
  collect();
  collect();
  const resources = process.getActiveResourcesInfo();
  const timers = resources.filter((kind) => kind === 'Timeout' || kind === 'Immediate').length;
  const { heapUsed, external } = process.memoryUsage();
  console.log(`SOAK ${JSON.stringify({ heap: heapUsed + external, timers, handles: resources.length - timers })}`);
});
