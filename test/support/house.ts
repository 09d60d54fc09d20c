/** A House for tests of one room: keeps what it was told. */
import { mkdirSync } from 'node:fs';
import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import { createLog } from '../../core/log.ts';
import type { LiveChange } from '../../core/wire/live.ts';
import { type Config, readConfig } from '../../agent/config.ts';
import type { House } from '../../agent/rooms.ts';

export interface TestHouse extends House {
  readonly published: LiveChange[];
  readonly warnings: Map<string, string>;
  /** Finished log lines. */
  readonly lines: string[];
}

export function testHouse(options: { dataDir: string; config?: Partial<Config>; clock?: Clock }): TestHouse {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const published: LiveChange[] = [];
  const warnings = new Map<string, string>();
  const lines: string[] = [];
  return {
    config: { ...readConfig({ DATA_DIR: options.dataDir }), ...options.config },
    log: createLog({ level: 'debug', write: (line) => lines.push(line) }),
    clock: options.clock ?? systemClock,
    publish: (change) => published.push(change),
    warn: (code, text) => void warnings.set(code, text),
    published,
    warnings,
    lines,
  };
}
