/** The end of the machine, as far as a test can make it. */
import process from 'node:process';
import { holderDirectory, readRecords } from '../../../agent/process/holder/records.ts';
import type { Product } from './product.ts';

/** Kills the agent server, and the holders, which would go on without it. */
export async function killAll(product: Product): Promise<void> {
  const holders = readRecords(holderDirectory(product.dataDir));
  await product.agent!.kill('SIGKILL');
  for (const { pid } of holders) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch { /* it has ended by itself */ }
  }
}
