import type { AgentInfo } from '../../core/api/agents.ts';
import { createContext, useContext } from '../html.ts';
import { relativePath } from '../format.ts';

/** Id of the agent whose conversation is shown. */
export const AgentContext = createContext('');

/** Where the agent of this conversation works. */
export const DirectoryContext = createContext('');

export const workDirectory = ({ worktree, directory }: Pick<AgentInfo, 'worktree' | 'directory'>): string =>
  worktree?.path ?? directory;

/** The function that shortens a path in the agent's folder to what lies below the folder. */
export function useRelativePath(): (path: string) => string {
  const directory = useContext(DirectoryContext);
  return (path) => relativePath(directory, path);
}
