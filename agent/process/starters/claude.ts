import type { Starter } from './starter.ts';

/**
 * In a tool of Claude Code (2.1.330): its names age, so that every CLAUDE variable goes except the settings that users make.
 * `claude` that finds the others believes that it runs inside another session, and writes no transcript.
 */
export const CLAUDE_TOOL: Starter = {
  sign:
    /^(CLAUDECODE|CLAUDE_PID|CLAUDE_SESSION_ID|CLAUDE_CODE_(CHILD_SESSION|ENTRYPOINT|MESSAGING_.*|SESSION_.*|SSE_PORT))$/,
  sets(name, value) {
    if (/^CLAUDE/.test(name)) return name === CHECKPOINTS || !CLAUDE_SETTING.test(name);
    return name === 'AI_AGENT' || CLAUDE_VALUES[name] === value;
  },
  path: /^$/,
};
/** Set by this server for each Claude Code (agent/provider/claude/rewind.ts). */
const CHECKPOINTS = 'CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING';
/** Variables that users set for Claude Code, by the families of its documentation. */
const CLAUDE_SETTING = new RegExp(
  '^CLAUDE_(CONFIG_DIR|BASH_MAINTAIN_PROJECT_WORKING_DIR|AUTOCOMPACT_PCT_OVERRIDE|AX_SCREEN_READER|API_KEY|CODE_(' +
    '(USE|SKIP|DISABLE|ENABLE|MAX|CLIENT|HIDE|OTEL|FILE_READ_MAX|GLOB|IDE)_.*' +
    '|OAUTH_TOKEN|API_KEY_HELPER_TTL_MS|SUBAGENT_MODEL|EFFORT_LEVEL|AUTO_COMPACT_WINDOW|AUTO_CONNECT_IDE|TMPDIR|SHELL' +
    '|SHELL_PREFIX|GIT_BASH_PATH|NO_FLICKER|ACCESSIBILITY|ADDITIONAL_DIRECTORIES_CLAUDE_MD|EXTRA_BODY|CERT_STORE' +
    '|HTTPS?_PROXY|PROXY_.*|EXPERIMENTAL_AGENT_TEAMS|DEBUG_LOG.*))$',
);
const CLAUDE_VALUES: Record<string, string> = {
  GIT_EDITOR: 'true',
  COREPACK_ENABLE_AUTO_PIN: '0',
  NoDefaultCurrentDirectoryInExePath: '1',
};
