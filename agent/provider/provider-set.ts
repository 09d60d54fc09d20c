/** The CLIs that there are, by name; and what stands in for one that is gone. */
import type { ProviderName } from '../../core/api/agents.ts';
import type { AcpProviderInfo } from '../../core/api/providers.ts';
import type { OpenOptions, Provider, ProviderEvent, ProviderSession } from './provider.ts';

export interface ProviderSet {
  /** null: no such provider is known (any more). */
  get(name: ProviderName): Provider | null;
  all(): Provider[];
  /** The agents of the Agent Client Protocol: those that come with this program, and those of the settings. */
  acp?(): Promise<AcpProviderInfo[]>;
  /** Ends what providers keep running. */
  close(): Promise<void>;
}

/** Stands in for a provider that was taken out of the settings: its agents stay readable, and say why they cannot go on. */
export const absentProvider = (name: ProviderName): Provider => ({
  name,
  open: (_options: OpenOptions, emit: (event: ProviderEvent) => void) => absentSession(name, emit),
  probe: () => Promise.resolve({ available: false, version: '', demo: false, text: absence(name) }),
  close: () => Promise.resolve(),
});

const absence = (name: string) => `There is no agent program "${name}" any more. Add it again under Settings.`;

function absentSession(name: string, emit: (event: ProviderEvent) => void): ProviderSession {
  queueMicrotask(() => emit({ type: 'exit', expected: false, code: null, signal: null, text: absence(name) }));
  const nothing = () => {};
  return {
    pid: null,
    send: nothing,
    decide: () => false,
    interrupt: nothing,
    cancelQueued: nothing,
    setMode: nothing,
    setModel: nothing,
    setEffort: nothing,
    reap: nothing,
    stop: () => Promise.resolve(),
  };
}
