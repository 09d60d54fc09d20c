/** Starts the search's worker thread in whatever runtime this is. */
import { createRequire } from 'node:module';
import process from 'node:process';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { pathToFileURL } from 'node:url';
import { programFile } from '../../core/installation.ts';
import type { WorkerSettings } from './worker-messages.ts';

/** MiB of the thread's heap: a search that would need more ends, and the server goes on. */
const MAX_HEAP_MIB = 512;

export function startWorker(settings: WorkerSettings): Worker {
  const file = programFile('agent/search/worker');
  const options: WorkerOptions = {
    name: 'search',
    workerData: settings,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
  };
  const readsTypeScript = 'Deno' in globalThis || (process.features as { typescript?: unknown }).typescript;
  if (file.endsWith('.mjs') || readsTypeScript) return new Worker(pathToFileURL(file), options);
  // As the host of a terminal: tsx as a hook of CommonJS, which a thread can be given.
  const hook = createRequire(import.meta.url).resolve('tsx/cjs');
  const code = `require(${JSON.stringify(hook)}); require(${JSON.stringify(file)});`;
  return new Worker(code, { ...options, eval: true, execArgv: [] });
}
