/** An AgentContext for tests of one part: retains what was published, warned of and logged. */
import { mkdirSync } from 'node:fs';
import type { Clock } from '../../../core/clock.ts';
import { systemClock } from '../../../core/clock.ts';
import { createLog } from '../../../core/log.ts';
import type { LiveChange } from '../../../core/api/live.ts';
import { type Config, readConfig } from '../../../agent/config.ts';
import type { AgentContext } from '../../../agent/context.ts';

export interface TestContext extends AgentContext {
  readonly published: LiveChange[];
  readonly warnings: Map<string, string>;
  /** Finished log lines. */
  readonly lines: string[];
}

export function testContext(options: { dataDir: string; config?: Partial<Config>; clock?: Clock }): TestContext {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const published: LiveChange[] = [];
  const listeners = new Set<(change: LiveChange) => void>();
  const warnings = new Map<string, string>();
  const lines: string[] = [];
  return {
    config: { ...readConfig({ DATA_DIR: options.dataDir }), ...options.config },
    log: createLog({ level: 'debug', write: (line) => lines.push(line) }),
    clock: options.clock ?? systemClock,
    publish(change) {
      published.push(change);
      for (const listener of listeners) listener(change);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    warn: (code, text) => void warnings.set(code, text),
    machineAtRelay: () => null,
    published,
    warnings,
    lines,
  };
}
