/**
 * Who works where: agents and terminals enter the directory that they use, before they wait for anything. A worktree that
 * others use is not removed, and one that is being removed takes nobody in.
 */
import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { AgentInfo } from '../../core/api/agents.ts';

export interface DirectoryUse {
  /** For people: `The agent "x"`, `The terminal "shell"`. */
  readonly label: string;
  /** Absolute, without links. */
  directory: string;
  /** The agent itself, or the agent that a terminal was opened for. */
  agentId: string | null;
  /** Nothing runs there any more. */
  readonly isOver?: boolean;
  /** Ends the use; missing for agents, which are removed by themselves. */
  close?(): Promise<void>;
}

/** A removal that has begun: nobody enters the directory until it has ended. */
export interface Removal {
  /** Something that was opened for the agent runs: a terminal, also one that is only being started. */
  readonly hasOwn: boolean;
  /** Closes it. */
  closeOwn(): Promise<void>;
  end(): void;
}

export class DirectoryUses {
  readonly #uses = new Set<DirectoryUse>();
  /** Directories and agents that are being removed. */
  readonly #removals = new Set<{ directory: string | null; agentId: string }>();

  /** @returns how to leave. Throws Failure `folder_gone` when the directory, or the agent that it is for, is being removed. */
  enter(use: DirectoryUse): () => void {
    for (const { directory, agentId } of this.#removals) {
      if (directory !== null && isWithin(use.directory, directory)) {
        throw new Failure('folder_gone', `${directory} is being deleted with its agent. Choose another folder.`);
      }
      if (use.agentId === agentId) throw new Failure('not_found', 'There is no such agent.');
    }
    this.#uses.add(use);
    return () => void this.#uses.delete(use);
  }

  /**
   * Begins to remove an agent and its worktree, null when it has none. Throws Failure `worktree_in_use` that names the others
   * who work in it.
   */
  remove(agentId: string, directory: string | null): Removal {
    const others = [...this.#uses].filter((use) =>
      directory !== null && use.agentId !== agentId && !use.isOver && isWithin(use.directory, directory)
    );
    if (others.length) throw worktreeInUse(others.map(({ label }) => label));
    const removal = { directory, agentId };
    this.#removals.add(removal);
    const own = [...this.#uses].filter((use) => use.agentId === agentId && use.close);
    return {
      hasOwn: own.some((use) => !use.isOver),
      closeOwn: async () => void await Promise.all(own.map((use) => use.close!())),
      end: () => void this.#removals.delete(removal),
    };
  }
}

const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);

function worktreeInUse(labels: string[]): Failure {
  const names = labels.length > 1 ? `${labels.slice(0, -1).join(', ')} and ${labels.at(-1)}` : labels[0];
  const [work, end] = labels.length > 1 ? ['work', 'them'] : ['works', 'it'];
  return new Failure('worktree_in_use', `${names} ${work} in this agent's worktree. Delete or close ${end} first.`);
}

/** An agent works in its directory for as long as it exists. */
export function useOf(session: { id: string; info: Pick<AgentInfo, 'name'>; record: { cwd: string } }): DirectoryUse {
  return {
    get label() {
      return `The agent "${session.info.name}"`;
    },
    directory: realDirectory(session.record.cwd),
    agentId: session.id,
  };
}

function realDirectory(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // it is gone: nobody else's is at risk
  }
}
