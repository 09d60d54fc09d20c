/** The registry of agents over a scripted provider, a fake clock and a disk that can be made to refuse. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry, type RegistryOptions } from '../../../agent/session/registry.ts';
import type { AgentWorkspace } from '../../../agent/workspace/workspace.ts';
import type { ProviderEvent } from '../../../agent/provider/provider.ts';
import { type FakeClock, fakeClock } from '../fakes/fake-clock.ts';
import { type ScriptedProvider, scriptedProvider, type ScriptedSession } from '../fakes/scripted-provider.ts';
import { type TestContext, testContext } from '../fakes/test-context.ts';
import { temporaryDirectory } from './git.ts';

/** What a CLI says when it has started. */
export const READY: ProviderEvent[] = [
  { type: 'ready', sessionId: null, version: '1', capabilities: null },
  { type: 'session', sessionId: 's-1' },
];
export const DONE: ProviderEvent = { type: 'turn.end', outcome: 'done', text: '', durationMs: 1 };

export interface ScriptedAgents {
  readonly directory: string;
  readonly clock: FakeClock;
  readonly context: TestContext;
  agents: Registry;
  provider: ScriptedProvider;
  /** What the agents ask and say beside their events; may be set at any time. */
  readonly hooks: Pick<RegistryOptions, 'onLimits' | 'refuse'>;
  /** The CLI that was started last. */
  session(): ScriptedSession;
  create(prompt?: string, clientId?: string, provider?: string): Promise<{ id: string }>;
  /** Nothing of this agent can be written from now on. @returns how the disk is mended */
  refuseWrites(id: string): () => void;
  /** The server ends, and another one starts. `whileEnded`: what happens to its files meanwhile. */
  restart(whileEnded?: () => void): Promise<void>;
  file(id: string, name: string): string;
}

const nothing = () => Promise.resolve();
export const workspace: AgentWorkspace = {
  prepare: ({ directory }) => Promise.resolve({ directory, cwd: directory, worktree: null, notice: '' }),
  unmerged: () => Promise.resolve([]),
  refuseUnremovable: nothing,
  removeUnfinished: nothing,
  remove: nothing,
};

export async function withScriptedAgents(use: (place: ScriptedAgents) => Promise<void>): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  const clock = fakeClock();
  const context = testContext({ dataDir: join(directory, 'data'), clock });
  const start = () =>
    Registry.open({
      ...{ context, providers: { get: () => place.provider }, workspace },
      onLimits: (...said) => place.hooks.onLimits?.(...said),
      refuse: (agent) => place.hooks.refuse?.(agent) ?? null,
    });
  const place: ScriptedAgents = {
    ...{ directory, clock, context, provider: scriptedProvider(), hooks: {} },
    agents: null as unknown as Registry,
    session: () => place.provider.sessions.at(-1)!,
    create: (prompt, clientId, provider) =>
      place.agents.create(
        {
          directory,
          ...(prompt ? { prompt } : {}),
          ...(clientId ? { clientId } : {}),
          ...(provider ? { provider } : {}),
        },
        'test',
      ),
    refuseWrites: (id) => refuseWrites(join(directory, 'data/agents', id)),
    file: (id, name) => join(directory, 'data/agents', id, name),
    async restart(whileEnded) {
      await place.agents.close();
      whileEnded?.();
      place.provider = scriptedProvider();
      place.agents = await start();
    },
  };
  place.agents = await start();
  try {
    await use(place);
  } finally {
    await place.agents.close();
    remove();
  }
}

/** Puts a file into the directory's place. */
function refuseWrites(path: string): () => void {
  renameSync(path, `${path}.away`);
  writeFileSync(path, '');
  return () => {
    rmSync(path);
    renameSync(`${path}.away`, path);
  };
}

/** Lets what was begun (writes to the disk) come to its end; the fake clock stands still meanwhile. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await new Promise((resolve) => setTimeout(resolve, 2));
}
