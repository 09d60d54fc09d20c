/** Deletes an agent: nothing of its work is lost unasked, and nothing of it is left running. */
import { Failure } from '../../core/api/errors.ts';
import { refuseLoss } from '../workspace/unmerged.ts';
import type { AgentWorkspace } from '../workspace/workspace.ts';
import type { RemoveOptions } from './agents.ts';
import type { DirectoryUses, Removal } from './directory-uses.ts';
import type { AgentSession } from './session.ts';

export interface AgentRemovalContext {
  workspace: AgentWorkspace;
  uses: DirectoryUses;
  /** Its CLI has ended and its worktree is gone: removes the record. */
  deleted(session: AgentSession): Promise<void>;
}

/** Throws Failure; the agent is as it was then. */
export async function removeAgent(
  session: AgentSession,
  options: RemoveOptions,
  { workspace, uses, deleted }: AgentRemovalContext,
): Promise<void> {
  const { id, info: { worktree } } = session;
  // A refusal leaves the agent at its work; what it wrote until it was stopped is found by the second check.
  if (worktree && !options.discardWork) refuseLoss(await workspace.unmerged(worktree));
  if (worktree) await workspace.refuseUnremovable(worktree);
  session.refuse(noSuchAgent());
  let removal: Removal | null = null;
  try {
    // From here on nothing new comes: no message, no terminal, nobody who works in the worktree.
    removal = uses.remove(id, worktree?.path ?? null);
    refuseUsed(session, removal, options);
    await removal.closeOwn();
    await session.stop();
    if (worktree) await workspace.remove(worktree, options);
    await deleted(session);
  } catch (error) {
    session.refuse(null);
    throw error;
  } finally {
    removal?.end();
  }
}

/** Throws Failure when the agent is in use, and is to be removed only if it is not. */
function refuseUsed(session: AgentSession, { hasOwn }: Removal, { onlyIf }: RemoveOptions): void {
  if (!onlyIf || (session.isAtRest && !hasOwn && onlyIf(session.info))) return;
  throw new Failure('agent_busy', `"${session.info.name}" is used again, so it was not deleted. Stop it first.`);
}

export const noSuchAgent = () => new Failure('not_found', 'There is no such agent.');
