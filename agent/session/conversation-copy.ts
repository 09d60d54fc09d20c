/** What a fork takes from the agent that it is made of: its conversation up to a message, with the files that it names. */
import { constants } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import { forkAt } from '../../core/api/fork.ts';
import type { ForkPoint, Message } from '../../core/api/messages.ts';
import type { AgentInfo, WorktreeInfo } from '../../core/api/agents.ts';
import type { HistoryMessage } from '../provider/history-message.ts';
import type { MessageLog } from './message-log.ts';

export interface ConversationCopy {
  /** The agent that it is made of, and where that works. */
  agentId: string;
  name: string;
  cwd: string;
  worktree: WorktreeInfo | null;
  messages: HistoryMessage[];
}

const NO_POINT =
  'The agent cannot go back to this message: its CLI has no id for this place, or has shortened what lies ' +
  'before it. Fork from a later message.';

/** Throws Failure `no_fork_point`. */
export function copyConversation(
  { info, record, log }: { info: AgentInfo; record: { cwd: string }; log: MessageLog },
  messageId: string,
): { point: ForkPoint; copy: ConversationCopy } {
  if (!log.get(messageId)) throw new Failure('not_found', 'There is no such message.');
  const fork = forkAt([...log.newest()].reverse(), messageId);
  if (!fork) throw new Failure('no_fork_point', NO_POINT);
  const messages = fork.messages.filter((message) => !isOpen(message)).map(closed);
  const { id: agentId, name, worktree } = info;
  return { point: fork.point, copy: { agentId, name, cwd: record.cwd, worktree, messages } };
}

/** What waits for its CLI, or for a person, waits there and not in the copy. */
const isOpen = (message: Message): boolean =>
  message.kind === 'user'
    ? message.status === 'accepted' || message.status === 'queued'
    : message.kind === 'request' && (message.status === 'pending' || message.status === 'decided');

/** Nothing more comes for it. Its place says what `after` said. */
function closed(message: Message): HistoryMessage {
  switch (message.kind) {
    case 'user': {
      const { after: _, ...rest } = message;
      return rest;
    }
    case 'tool':
      return message.status === 'running' ? { ...message, status: 'cancelled' } : { ...message };
    case 'text':
    case 'thinking':
      return { ...message, done: true };
    default:
      return { ...message };
  }
}

/** Says in the copy where it begins, and where it works. */
export const forkedNotice = ({ name }: ConversationCopy, { worktree }: AgentInfo): string =>
  `Up to here this is a copy of the conversation with "${name}". The files are as they are now, ` +
  (worktree ? `in a new worktree on the branch ${worktree.branch}.` : 'in the same folder, in which both agents work.');

/** Directories of an agent's own files. */
export interface OwnFiles {
  pictures: string;
  attachments: string;
}

/** Copies the files that the messages name; one that is not there any more is left out. */
export async function copyOwnFiles(messages: readonly HistoryMessage[], from: OwnFiles, to: OwnFiles): Promise<void> {
  const pictures = new Set(messages.flatMap(picturesOf));
  const attachments = new Set(messages.flatMap(attachmentsOf));
  for (const name of pictures) await copyOne(join(from.pictures, name), join(to.pictures, name));
  for (const name of attachments) await copyOne(join(from.attachments, name), join(to.attachments, name));
}

const picturesOf = (message: HistoryMessage): string[] => {
  const pictures = message.kind === 'user' ? message.images : message.kind === 'tool' ? message.result?.pictures : [];
  return (pictures ?? []).flatMap(({ hash }) => hash ?? []);
};

const attachmentsOf = (message: HistoryMessage): string[] =>
  message.kind === 'user' ? (message.files ?? []).map(({ hash, name }) => join(hash, name)) : [];

async function copyOne(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  // Where the file system can, both share the bytes until one of them changes.
  await copyFile(from, to, constants.COPYFILE_FICLONE).catch((error) => {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
  });
}
