// Preloaded into the agent server by tests: at SIGUSR2 it prints how long the event loop was held up since the last time.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
let cpu = process.cpuUsage();
let at = performance.now();
process.on('SIGUSR2', () => {
  const used = process.cpuUsage(cpu);
  const wall = performance.now() - at;
  const ms = (ns) => Math.round(ns / 1e4) / 100;
  const report = {
    p50: ms(delay.percentile(50)),
    p99: ms(delay.percentile(99)),
    max: ms(delay.max),
    cpu: Math.round((used.user + used.system) / 10 / wall) / 100,
    rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
  };
  console.log(`LOOP ${JSON.stringify(report)}`);
  delay.reset();
  cpu = process.cpuUsage();
  at = performance.now();
});
