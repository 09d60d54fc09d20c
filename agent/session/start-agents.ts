/** The agents on disk at the start of the server: CLIs that went on are taken up, what a crash left open is closed on the record. */
import { setImmediate } from 'node:timers';
import { endHolder, holderDirectory, type HolderRecord } from '../process/holder/records.ts';
import { killProcessTree } from '../process/process-tree.ts';
import type { ProviderSet } from '../provider/provider-set.ts';
import type { AgentContext } from '../context.ts';
import type { Document } from '../store/document.ts';
import type { AgentWorkspace } from '../workspace/workspace.ts';
import type { AgentFiles } from './agent-files.ts';
import type { AgentRecord } from './record.ts';
import type { AgentSession } from './session.ts';

const OTHER_RELEASE =
  'The agent server was replaced by a release that cannot read on where the one before was: the CLI is ended, and resumed ' +
  'with your next message.';

export interface StartOptions {
  context: AgentContext;
  providers: Pick<ProviderSet, 'get'>;
  workspace: Pick<AgentWorkspace, 'removeUnfinished'>;
  files: AgentFiles;
  /** Holders of CLIs that run since before this server. */
  holders?: readonly HolderRecord[];
  /** Whether a holder that has died had started its CLI. */
  wasStarted?(holder: string): boolean;
  /** Makes an agent known. */
  add(document: Document<AgentRecord>): AgentSession;
}

/** Reads what is on disk, ends processes that a previous run left behind, closes their sessions on the record. */
export async function startAgents(options: StartOptions): Promise<void> {
  /** Ids of holders that were taken up. */
  const adopted = new Set<string>();
  // One journal after the other, in steps, and dropped again, so that many hold up nobody and take no memory.
  let last = Promise.resolve();
  const inTurn: InTurn = (recover) => {
    const done = last.then(recover).then(() => new Promise<void>((resolve) => setImmediate(resolve)));
    last = done.catch(() => {});
    return done;
  };
  const { context } = options;
  await Promise.all(
    options.files.ids().map((id) =>
      startAgent(options, id, adopted, inTurn).catch((error) => {
        // The other agents start without it; a person can stop or delete this one.
        context.warn(`record ${id}`, `An agent could not be taken up again: ${reasonOf(error)}`);
      })
    ),
  );
  endUnknownHolders(options, adopted);
}

const reasonOf = (error: unknown): string => error instanceof Error ? error.message : String(error);

type InTurn = (recover: () => Promise<void>) => Promise<void>;

async function startAgent(
  options: StartOptions,
  id: string,
  adopted: Set<string>,
  inTurn: InTurn,
): Promise<void> {
  const { context, files } = options;
  const document = files.read(id);
  if (!document) return await sweepUnfinished(options, id);
  await files.forgetPlan(id).catch(() => {});
  const record = document.value;
  const session = options.add(document);
  const { state, cli, background, queue } = record.info;
  const wasAtWork = ['starting', 'running', 'waiting_input'].includes(state) || background || queue.length > 0;
  const wasOpen = record.process !== null || cli.running || wasAtWork;
  if (await adopt(options, session, adopted, inTurn)) return;
  // A message that waits for the end of a limit is in the journal before the record says so.
  if (!wasOpen && state !== 'waiting_limit') return;
  const { run } = record;
  // The server was killed between its decision to start a CLI and the CLI's start: nothing was done yet.
  if (run?.state === null && !record.process && !options.wasStarted?.(run.holder)) return session.reopen();
  if (record.process) {
    const { length: count } = await killProcessTree(record.process, { clock: context.clock, log: context.log });
    if (count) context.log.warn('killed orphaned processes from a previous run', { agent: id, count });
  }
  // It had nothing under way: what waits for the end of a limit goes on waiting.
  if (state === 'waiting_limit') {
    await inTurn(() => session.preload());
    return session.reopen();
  }
  await inTurn(async () => {
    await session.preload();
    session.recover();
    await session.save().catch(() => {});
    session.unloadIfUnused(0);
  });
}

/** Goes on with a CLI that a holder has kept. @returns false when there is none */
async function adopt(
  options: StartOptions,
  session: AgentSession,
  adopted: Set<string>,
  inTurn: InTurn,
): Promise<boolean> {
  const { holders = [], context, providers } = options;
  const { id, info, record } = session;
  const mine = holders.filter(({ meta }) => meta.agentId === id);
  const holder = mine.find((entry) => entry.id === record.run?.holder) ?? mine[0];
  const provider = providers.get(info.provider);
  if (!holder || !provider?.isHeld) return false;
  const { run } = record;
  // Of a holder that is not the record's own nothing was saved: it is read from its beginning.
  if (run?.holder === holder.id && run.state !== null && run.stateVersion !== (provider.snapshotVersion ?? 1)) {
    context.log.warn('a CLI of another release is ended', { agent: id, version: run.stateVersion });
    await inTurn(() => session.preload());
    session.notice('warning', 'other_release', OTHER_RELEASE);
    return false;
  }
  adopted.add(holder.id);
  try {
    await inTurn(() => session.preload());
    if (await session.adopt(holder)) context.log.info('an agent went on while the server was away', { agent: id });
  } catch (error) {
    adopted.delete(holder.id); // nobody would end it any more
    throw error;
  }
  return true;
}

/** A holder whose agent is gone, or has another one. */
function endUnknownHolders({ holders = [], context: { config, log } }: StartOptions, adopted: Set<string>): void {
  for (const record of holders) {
    if (adopted.has(record.id)) continue;
    log.warn('ending a CLI that no agent knows', { id: record.id });
    endHolder(holderDirectory(config.dataDir), record);
  }
}

/** What is left of an agent that was being made when the server was killed. No CLI of it has ever run. */
async function sweepUnfinished({ context, workspace, files }: StartOptions, id: string): Promise<void> {
  const worktree = files.planned(id);
  if (!worktree && files.isEmpty(id)) return await files.remove(id);
  if (!worktree) return context.log.warn('a folder of agents holds no readable record', { agent: id });
  try {
    await workspace.removeUnfinished(worktree);
    await files.remove(id);
    context.log.info('removed what was left of an agent that was being made', { agent: id, worktree: worktree.path });
  } catch (error) {
    context.warn(`record ${id}`, `${worktree.path} is left of an agent that was being made: ${reasonOf(error)}`);
  }
}
