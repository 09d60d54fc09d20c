/** What tools do, in words for people: their names belong to the CLIs. Pure. */
import type { ToolMessage } from '../../core/api/messages.ts';
import { t } from '../i18n/all.ts';

export type ToolKind = keyof typeof t.tool.did;

const KINDS: Record<string, ToolKind> = {
  Read: 'read',
  NotebookRead: 'read',
  Bash: 'run',
  BashOutput: 'run',
  Edit: 'edit',
  MultiEdit: 'edit',
  NotebookEdit: 'edit',
  Write: 'write',
  Grep: 'search',
  Glob: 'search',
  LS: 'search',
  WebFetch: 'open',
  WebSearch: 'web',
  Task: 'subagent',
  Agent: 'subagent',
};

export const kindOf = ({ tool }: Pick<ToolMessage, 'tool'>): ToolKind =>
  Object.hasOwn(KINDS, tool) ? KINDS[tool]! : 'other';

/** `mcp__github__create_issue` as `github: create_issue`; any other name as it is. */
export const toolName = (tool: string): string => tool.replace(/^mcp__(.+?)__(.+)$/, '$1: $2');

/** The file or command that a tool is about: two uses of the same file count as one file. */
const subject = ({ id, input, title }: ToolMessage): string => {
  const path = input?.file_path ?? input?.notebook_path;
  return typeof path === 'string' ? path : title || id;
};

/** How many files, commands … of each kind, in order of their first appearance. */
export function countKinds(tools: readonly ToolMessage[]): { kind: ToolKind; count: number }[] {
  const subjects = new Map<ToolKind, Set<string>>();
  for (const tool of tools) {
    const kind = kindOf(tool) === 'write' ? 'edit' : kindOf(tool);
    const isFile = kind === 'read' || kind === 'edit';
    const set = subjects.get(kind) ?? new Set();
    subjects.set(kind, set.add(isFile ? subject(tool) : tool.id));
  }
  return [...subjects].map(([kind, set]) => ({ kind, count: set.size }));
}
