/** Claude Code's sessions that run in terminals of this machine. */
import type { TerminalSessions } from '../terminal-sessions.ts';
import { claudeHooks } from './hooks.ts';
import { configDirectory, sessionPath } from './history.ts';
import { lastMode } from './last-mode.ts';
import { liveSessions, sessionsDirectory } from './live-sessions.ts';
import { ClaudeTranscript } from './transcript.ts';

/** @param configured CLAUDE_CONFIG_DIR; `~/.claude` when empty */
export function claudeTerminalSessions(configured: string): TerminalSessions {
  const directory = configDirectory(configured);
  return {
    directory: sessionsDirectory(directory),
    list: () => liveSessions(directory),
    path: (id) => sessionPath(directory, id),
    transcript: (isCut) => new ClaudeTranscript(isCut),
    hooks: claudeHooks(directory),
    mode: (id) => lastMode(directory, id),
  };
}
