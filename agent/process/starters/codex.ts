import type { Starter } from './starter.ts';

/** In a tool of Codex (0.169.0). Its locale stays: the user's own is not known, and none at all would be no UTF-8. */
export const CODEX_TOOL: Starter = {
  sign: /^CODEX_(THREAD_ID|SESSION_ID|TOOL_CALL_ID|SANDBOX.*)$/,
  sets(name, value) {
    if (/^CODEX_/.test(name)) return !CODEX_SETTING.test(name);
    return CODEX_VALUES[name] === value;
  },
  path: /[\\/]@openai[\\/]codex[^\\/]*[\\/].*codex-path$/,
};
const CODEX_SETTING = /^CODEX_(HOME|API_KEY|ACCESS_TOKEN|SQLITE_HOME|CA_CERTIFICATE|OSS_.*)$/;
const CODEX_VALUES: Record<string, string> = {
  PAGER: 'cat',
  GIT_PAGER: 'cat',
  GH_PAGER: 'cat',
  NO_COLOR: '1',
  TERM: 'dumb',
  COLORTERM: '',
};
