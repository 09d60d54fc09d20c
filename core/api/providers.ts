/** What is known of the providers with drivers of their own, as data; of all others the machine tells what there is. Browser-safe. */
import type { ProviderName } from './agents.ts';

/** What an agent can do beyond talking and asking. The page shows nothing of what it cannot. */
export interface ProviderFeatures {
  /** A denial may carry words for the model, and what is allowed may be changed before. */
  words: boolean;
  /** A budget, rules about tools, a file of MCP servers. */
  limits: boolean;
  /** The browser's extension. */
  chrome: boolean;
  /** "Full auto": works in its folder without asking. */
  fullAuto: boolean;
  /** Further folders. */
  addDirs: boolean;
  /** A copy of a session can be gone on with. */
  fork: boolean;
  /** It keeps the files as they were before each message. */
  rewind: boolean;
  /** Its sessions on disk are listed, also those started in a terminal. */
  sessions: boolean;
  /** Its own interface goes on with a session in a terminal. */
  terminal: boolean;
  /** Its sessions in terminals are found, taken over, and given back. */
  desk: boolean;
  /** It reads a message at the next step of a running turn. Without it, "now" interrupts the turn first. */
  steer: boolean;
  /** It lets no second process write to a session. */
  guardsSessions: boolean;
}

export interface ProviderData {
  /** For people. */
  label: string;
  /** One or two characters. */
  icon: string;
  features: ProviderFeatures;
  /** Suggestions for the model. */
  models: readonly string[];
  /** In the agent's folder. */
  instructionsFile: string;
}

const OWN: Record<ProviderName, ProviderData> = {
  claude: {
    label: 'Claude',
    icon: '✳',
    features: {
      words: true,
      limits: true,
      chrome: true,
      fullAuto: false,
      addDirs: true,
      fork: true,
      rewind: true,
      sessions: true,
      terminal: true,
      desk: true,
      steer: true,
      guardsSessions: false,
    },
    models: ['sonnet', 'opus', 'haiku'],
    instructionsFile: 'CLAUDE.md',
  },
  codex: {
    label: 'Codex',
    icon: '⬡',
    features: {
      words: false,
      limits: false,
      chrome: false,
      fullAuto: true,
      addDirs: true,
      fork: true,
      rewind: false,
      sessions: true,
      terminal: true,
      desk: false,
      steer: true,
      guardsSessions: true,
    },
    models: [],
    instructionsFile: 'AGENTS.md',
  },
};

/** An agent of the Agent Client Protocol: no more than the protocol has. */
const PLAIN: ProviderData = {
  label: '',
  icon: '◆',
  features: {
    words: false,
    limits: false,
    chrome: false,
    fullAuto: false,
    addDirs: false,
    fork: false,
    rewind: false,
    sessions: false,
    terminal: false,
    desk: false,
    steer: false,
    guardsSessions: false,
  },
  models: [],
  instructionsFile: 'AGENTS.md',
};

/** Providers with drivers of their own. */
export const OWN_PROVIDERS: readonly ProviderName[] = Object.keys(OWN);

/** Where nobody named another. */
export const DEFAULT_PROVIDER: ProviderName = OWN_PROVIDERS[0]!;

export const providerData = (name: ProviderName): ProviderData => Object.hasOwn(OWN, name) ? OWN[name]! : PLAIN;

/** One provider as the machine sees it: GET /api/settings/providers, and `providers` of the machine. */
export interface ProviderInfo {
  /** For people. */
  label: string;
  icon: string;
  available: boolean;
  version: string;
  demo: boolean;
  /** What to do when it is not available. */
  text: string;
}

/** GET /api/settings/providers: an agent of the Agent Client Protocol. */
export interface AcpProviderInfo extends ProviderInfo {
  id: ProviderName;
  /** As it would be typed. */
  command: string;
  /** What to type to install it. */
  install: string;
  /** From the settings; else it comes with this program. */
  custom: boolean;
}
