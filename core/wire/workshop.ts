/**
 * REST bodies of the workshop: settings, folders, changes, pipeline configuration. Browser-safe. Times are milliseconds
 * since the Unix epoch. The routes are listed in ./SPEC.md, "Workshop".
 */
import type { AgentFlags, FileDiff, PipelineStatus, ProviderName } from './types.ts';

/** GET, PUT /api/settings. PUT takes any part of it. */
export interface Settings {
  /** Agents that were not active for so long are deleted (never those with unmerged work); 0: never. */
  retentionHours: number;
  /** What the create form starts with. Skipping permissions is never a default. */
  defaults: { provider: ProviderName; model: string; flags: AgentFlags };
  /** Copied into a new worktree when git does not track them: paths below the repository, `*` within a name. */
  copyFiles: string[];
  /** Run in a new worktree, one after another, each split into words without a shell. */
  setupCommands: string[];
  /** Folders besides the home folder that the folder picker may show. */
  roots: string[];
  notify: NotifySettings;
}

export type NotifyEvent = 'needs_input' | 'failed' | 'stuck' | 'pipeline_complete' | 'agent_finished';
export const NOTIFY_EVENTS: readonly NotifyEvent[] = [
  'needs_input',
  'failed',
  'stuck',
  'pipeline_complete',
  'agent_finished',
];

export interface NotifySettings {
  /** Used when an agent names none of its own; empty: none. */
  adminEmail: string;
  whatsappPhone: string;
  slackWebhookUrl: string;
  events: Record<NotifyEvent, boolean>;
  /** A request that is answered within this time notifies nobody. */
  delaySeconds: number;
}

export type NotifyChannel = 'email' | 'whatsapp' | 'slack';
export const NOTIFY_CHANNELS: readonly NotifyChannel[] = ['email', 'whatsapp', 'slack'];

/** What a channel did last: GET /api/settings/channels. */
export interface ChannelStatus {
  channel: NotifyChannel;
  configured: boolean;
  /** What to set when it is not configured. */
  text: string;
  sentAt: number | null;
  failedAt: number | null;
  /** The last failure in a sentence; empty after a success. */
  error: string;
  /** Waiting for a retry. */
  waiting: number;
}

/** A program that agents need: GET /api/settings/tools. */
export interface ToolInfo {
  name: 'claude' | 'codex' | 'git' | 'opencli';
  installed: boolean;
  version: string;
  /** null: it has no login, or does not tell. */
  loggedIn: boolean | null;
  /** What to do, in a sentence; empty when all is well. */
  text: string;
}

/** GET /api/directories?path=&hidden=1 */
export interface DirectoryListing {
  path: string;
  /** null at a root. */
  parent: string | null;
  /** Folders only, by name. */
  entries: DirectoryEntry[];
  /** Not all are listed. */
  truncated: boolean;
  /** `path` itself is in a git repository. */
  repository: boolean;
  roots: string[];
  recent: string[];
}

export interface DirectoryEntry {
  name: string;
  path: string;
  isDirectory: true;
  repository: boolean;
}

/** One file of GET /api/agents/:id/changes. */
export interface ChangedFile {
  /** Relative to the repository. Bytes that are not UTF-8 are shown as \xNN. */
  path: string;
  kind: FileDiff['kind'];
  added: number;
  removed: number;
  binary: boolean;
  /** In a commit already, and nothing newer in the folder. */
  committed: boolean;
  /** Put there when the worktree was made (instructions, copied files): not work. */
  placed: boolean;
  /** false: its name is not UTF-8, only actions on all files reach it. */
  addressable: boolean;
}

/** GET /api/agents/:id/changes: everything since the branch left its base. */
export interface Changes {
  /** false: the folder is not a git repository; `text` says so. */
  repository: boolean;
  text: string;
  branch: string;
  /** Where the work is merged; empty when the agent works in the folder itself. */
  base: string;
  /** Commits that the base does not have, and commits of the base that the branch does not have. */
  ahead: number;
  behind: number;
  files: ChangedFile[];
  truncated: boolean;
  /** What deleting the agent would lose; empty: nothing. */
  unmerged: string[];
}

/** GET, PUT /api/tasks/meta/config */
export interface PipelineConfig {
  running: boolean;
  defaultDirectory: string;
  defaultProvider: ProviderName;
  pollIntervalMs: number;
  /** Instructions of tasks that bring none of their own. */
  claudeMd: string;
  adminEmail: string;
  whatsappPhone: string;
  slackWebhookUrl: string;
  stuckTimeoutMs: number;
  /** Commit and merge what a finished task did, so that the next step builds on it. */
  mergeCompleted: boolean;
}

/** GET /api/tasks/meta/status; also the answer of start and stop. */
export type PipelineAnswer = PipelineStatus & { ok: true };

/** GET, PUT /api/agents/:id/claude-md */
export interface Instructions {
  file: string;
  exists: boolean;
  content: string;
  /** Of this content; sent back with PUT it refuses to overwrite a newer one. */
  version: string;
}

/** GET, POST (install or update), DELETE /api/settings/opencli */
export interface OpenCliStatus {
  /** It is being installed. */
  running: boolean;
  /** Why the last installation failed; empty when it did not. */
  error: string;
  package: string;
  version: string;
}
