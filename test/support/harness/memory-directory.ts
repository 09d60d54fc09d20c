/** A directory for tests that save thousands of small files: in memory, where this machine has such a file system. */
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';

export function memoryDirectory(): { path: string; remove(): void } {
  const parent = existsSync(MEMORY) ? MEMORY : tmpdir();
  const path = realpathSync(mkdtempSync(join(parent, 'agent-monitor-test-')));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
