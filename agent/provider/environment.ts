/** The environment that CLIs and terminals get: the user's own, without what belongs to this server. */
import { delimiter } from 'node:path';

export type Environment = Record<string, string | undefined>;

/** Settings and secrets of this server (agent and relay), by name. */
const OWN = [
  /^(RELAY|SMTP|TWILIO|SLACK)_/,
  /^(PORT|HOST|DATA_DIR|CLAUDE_BIN|CODEX_BIN|DASHBOARD_PASSWORD|TRUSTED_PROXIES|PUBLIC_URL|DEFAULT_DIRECTORY)$/,
  // How this server was started: a tool of the agent must neither inherit its debugger nor its loader.
  /^(NODE_OPTIONS|NODE_CHANNEL_FD|NODE_CHANNEL_SERIALIZATION_MODE|NODE_UNIQUE_ID|NODE_V8_COVERAGE|TSX_.*)$/,
  /^npm_(lifecycle|package)_/,
  /^(npm_command|npm_execpath|npm_node_execpath|INIT_CWD)$/,
  // A CLI that finds these believes that it runs inside another CLI's session.
  /^(CLAUDECODE|CLAUDE_CODE_ENTRYPOINT|CLAUDE_CODE_SSE_PORT)$/,
];
/** Written by `npm run`, not by the user: nvm and npm behave differently when they find them. */
const NPM_RUN =
  /^npm_config_(cache|global_prefix|globalconfig|init_module|local_prefix|node_gyp|noproxy|npm_version|prefix|user_agent|userconfig)$/;

/** A copy of `env` without what is this server's own, and with `extra` (undefined removes a name). */
export function cleanEnvironment(env: Environment, extra: Environment = {}): Record<string, string> {
  const isNpmRun = env.npm_lifecycle_event !== undefined;
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || OWN.some((pattern) => pattern.test(name)) || (isNpmRun && NPM_RUN.test(name))) continue;
    clean[name] = name === 'PATH' && isNpmRun ? withoutNpmFolders(value) : value;
  }
  for (const [name, value] of Object.entries(extra)) {
    if (value === undefined) delete clean[name];
    else clean[name] = value;
  }
  return clean;
}

/** `npm run` puts this project's own tools before the user's. */
const withoutNpmFolders = (path: string) =>
  path.split(delimiter).filter((folder) => !/[\\/](node_modules[\\/]\.bin|node-gyp-bin)$/.test(folder)).join(delimiter);
