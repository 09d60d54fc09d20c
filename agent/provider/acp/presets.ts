/** Agents of the Agent Client Protocol that are known, as data. Everything that one of them needs differently stands here. */
import type { Environment } from '../../process/environment.ts';

export interface AcpAgent {
  /** The provider's name: `POST /api/agents {provider: id}`. */
  id: string;
  /** For people. */
  name: string;
  command: string;
  args: string[];
  env?: Environment;
  /** Where to look for what to do when it is missing. */
  install: string;
  /** One or two characters. */
  icon?: string;
  /** How long it may take to begin, ms; default INITIALIZE_MS. For those that are known to speak, on a busy machine. */
  startMs?: number;
  /** It asks only because `env` tells it to: it has no mode that does. */
  asksByConfiguration?: boolean;
  /** It tells a failure only as text that begins so, and ends the turn as if all were well. */
  failurePrefix?: string;
}

/** OpenCode has no mode that asks: without this it runs commands and writes files unasked. */
const OPENCODE_ASKS = JSON.stringify({ permission: { bash: 'ask', edit: 'ask', webfetch: 'ask' }, autoupdate: false });

/** Gemini was seen to take 23 s where 20 processes wanted 2 cores. */
const KNOWN_START_MS = 60_000;

const KNOWN: readonly AcpAgent[] = [
  {
    id: 'gemini',
    name: 'Gemini CLI',
    icon: '✦',
    command: 'gemini',
    args: ['--acp'],
    install: 'npm install -g @google/gemini-cli',
  },
  {
    id: 'opencode',
    name: 'OpenCode',
    icon: '▣',
    command: 'opencode',
    args: ['acp'],
    env: { OPENCODE_CONFIG_CONTENT: OPENCODE_ASKS },
    install: 'npm install -g opencode-ai',
    asksByConfiguration: true,
  },
  {
    id: 'qwen',
    name: 'Qwen Code',
    icon: '✧',
    command: 'qwen',
    args: ['--acp'],
    install: 'npm install -g @qwen-code/qwen-code',
  },
  {
    id: 'copilot',
    name: 'Copilot CLI',
    icon: '◎',
    command: 'copilot',
    args: ['--acp'],
    env: { COPILOT_AUTO_UPDATE: 'false' },
    failurePrefix: 'Error: ',
    install: 'npm install -g @github/copilot',
  },
  {
    id: 'kimi',
    name: 'Kimi Code',
    icon: '☾',
    command: 'kimi',
    args: ['acp'],
    env: { KIMI_CODE_NO_AUTO_UPDATE: '1' },
    install: 'npm install -g @moonshot-ai/kimi-code',
  },
];

export const PRESETS: readonly AcpAgent[] = KNOWN.map((agent) => ({ startMs: KNOWN_START_MS, ...agent }));
