import type { Limits } from '../../core/websocket/mod.ts';

/** Conformance suites send what no honest peer sends: 16 MiB in frames of 64 bytes, thousands of pings. */
export const WIDE_LIMITS: Partial<Limits> = {
  message: 64 << 20,
  fragments: Infinity,
  controlPerSecond: 100_000,
  backlog: 256 << 20,
};
