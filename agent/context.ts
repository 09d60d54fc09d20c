/** What every part of the agent machine is given; each interface of a part stands with its owner. */
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { LiveChange } from '../core/api/live.ts';
import type { Config } from './config.ts';

export interface AgentContext {
  config: Config;
  log: Log;
  clock: Clock;
  /** Publishes a change to every subscriber; the live feed is one of them. `json`: its JSON, where the caller has it already. */
  publish(change: LiveChange, json?: string): void;
  /** Calls the listener with every change, in the order in which they are published. @returns the unsubscriber */
  subscribe(listener: (change: LiveChange) => void): () => void;
  /** Sets a server-wide warning that dashboards show until an empty text takes it back. */
  warn(code: string, text: string): void;
  /** This machine's id in addresses at its relay; null: it has none there. */
  machineAtRelay(): string | null;
}
