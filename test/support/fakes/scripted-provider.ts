/** A provider without a process: tests emit its events and record its calls. */
import type { OpenOptions, Provider, ProviderEvent, ProviderSession } from '../../../agent/provider/provider.ts';

export interface ScriptedSession extends ProviderSession {
  options: OpenOptions;
  /** Method names with their first argument, in order. */
  calls: [string, unknown][];
  emit(...events: ProviderEvent[]): void;
  /** What decide() gives. */
  takesDecisions: boolean;
}

export interface ScriptedProvider extends Provider {
  sessions: ScriptedSession[];
}

export function scriptedProvider(name = 'claude'): ScriptedProvider {
  const sessions: ScriptedSession[] = [];
  return {
    name,
    sessions,
    probe: () => Promise.resolve({ available: true, version: '1.0.0', demo: false, text: '' }),
    close: () => Promise.resolve(),
    open(options, emit) {
      const calls: [string, unknown][] = [];
      const note = (method: string) => (argument?: unknown) => void calls.push([method, argument]);
      const session: ScriptedSession = {
        pid: 1,
        options,
        calls,
        takesDecisions: true,
        emit: (...events) => events.forEach(emit),
        send: note('send'),
        decide(id) {
          calls.push(['decide', id]);
          return session.takesDecisions;
        },
        interrupt: note('interrupt'),
        cancelQueued: note('cancelQueued'),
        setMode: note('setMode'),
        setModel: note('setModel'),
        setEffort: note('setEffort'),
        reap() {
          calls.push(['reap', undefined]);
          emit({ type: 'exit', expected: true, code: 0, signal: null, text: '' });
        },
        stop() {
          calls.push(['stop', undefined]);
          emit({ type: 'exit', expected: true, code: 0, signal: null, text: '' });
          return Promise.resolve();
        },
      };
      sessions.push(session);
      return session;
    },
  };
}
