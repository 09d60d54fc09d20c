/** The user's settings, and what the settings page shows beside them. Browser-safe. */
import { type AgentFlags, parseFlags, type ProviderName, providerName } from './agents.ts';
import { OWN_PROVIDERS } from './providers.ts';
import { type NotifyPatch, type NotifySettings, parseNotify } from './notify.ts';
import { type Budget, parseBudget } from './usage.ts';
import {
  bool,
  type Check,
  fields,
  list,
  MAX_FIELD,
  MAX_LINE,
  MAX_NAME,
  need,
  number,
  oneOf,
  pick,
  string,
  text,
  wrong,
} from './schema.ts';

/** GET, PUT /api/settings. PUT takes any part of it. */
export interface Settings {
  /** Agents that were not used for so long are archived; 0: never. */
  retentionHours: number;
  /** Agents that lie in the archive for so many days are deleted (never those with unmerged work); 0: never. */
  archiveDays: number;
  /** What the create form starts with. Skipping permissions is never a default. */
  defaults: { provider: ProviderName; model: string; flags: AgentFlags };
  /** Copied into a new worktree when git does not track them: paths below the repository, `*` within a name. */
  copyFiles: string[];
  /** Run in a new worktree, one after another, each split into words without a shell. */
  setupCommands: string[];
  /** Folders besides the home folder that the folder picker may show. */
  roots: string[];
  notify: NotifySettings;
  /** The machine does not go to sleep while an agent is at a turn. */
  keepAwake: boolean;
  /** Whether a session that is begun by the command line client is given hooks, so that it asks here too; `ask`: it asks its user, once. */
  deskHooks: DeskHooks;
  /** What may be used in a day. */
  budget: Budget;
  /** Agents of the Agent Client Protocol beside those that are known; one with the id of a known one takes its place. */
  acpAgents: AcpAgentSettings[];
}

export type DeskHooks = 'ask' | 'on' | 'off';

export const DESK_HOOKS: readonly DeskHooks[] = ['ask', 'on', 'off'];

/** How an agent of the Agent Client Protocol is started. */
export interface AcpAgentSettings {
  /** The provider's name. */
  id: string;
  name: string;
  /** A program on the PATH, or its whole path. */
  command: string;
  args: string[];
  env?: Record<string, string>;
  icon?: string;
}

/** Agents in the settings, arguments of one, variables of one. */
export const MAX_ACP_AGENT = 20;
const MAX_ARGUMENT = 50;
const MAX_VARIABLE = 50;

/** A program that agents need: GET /api/settings/tools. */
export interface ToolInfo {
  /** A provider with a driver of its own, `git` or `opencli`. */
  name: ProviderName;
  installed: boolean;
  version: string;
  /** null: it has no login, or does not tell. */
  loggedIn: boolean | null;
  /** What to do, in a sentence; empty when all is well. */
  text: string;
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

/** PUT /api/settings, and the settings as they were stored: what is left out stays as it is. */
export interface SettingsPatch extends Partial<Omit<Settings, 'defaults' | 'notify' | 'budget'>> {
  defaults?: Partial<Settings['defaults']>;
  notify?: NotifyPatch;
  budget?: Partial<Budget>;
}

/** Ten years: retention beyond it means never. */
const MAX_HOURS = 24 * 3650;
/** More would make a pattern slow to match. */
const MAX_STARS = 4;

/** Throws ValidationError. */
export const parseSettings = (value: unknown): SettingsPatch =>
  pick<SettingsPatch>(value, {
    retentionHours: number(0, MAX_HOURS),
    archiveDays: number(0, MAX_HOURS / 24),
    defaults: (input, name) =>
      pick<Settings['defaults']>(input, {
        provider: providerName,
        model: text(MAX_NAME),
        flags: carefulFlags,
      }, name),
    copyFiles: lines(
      MAX_FIELD,
      isPattern,
      'a list of paths below the repository, e.g. ".env" or "config/*.local.json"',
    ),
    setupCommands: lines(
      MAX_LINE,
      (line) => splitWords(line) !== null,
      'a list of commands, each with a program and with every quote closed',
    ),
    roots: lines(
      MAX_FIELD,
      (line) => line.startsWith('/') && !line.includes('\0'),
      'a list of whole paths, each beginning with "/"',
    ),
    notify: parseNotify,
    budget: parseBudget,
    keepAwake: bool,
    deskHooks: oneOf(DESK_HOOKS),
    acpAgents: parseAcpAgents,
  });

const parseAcpAgents: Check<AcpAgentSettings[]> = (value, name) => {
  const agents = list(acpAgent, MAX_ACP_AGENT)(value, name);
  const ids = agents.map(({ id }) => id);
  if (new Set(ids).size < ids.length) wrong(name, 'a list in which every id is there once');
  return agents;
};

const acpAgent: Check<AcpAgentSettings> = (value, name) => {
  const agent = need(
    pick<AcpAgentSettings>(value, {
      id: ownId,
      name: text(MAX_NAME, true),
      command: text(MAX_FIELD, true),
      args: list(text(MAX_FIELD), MAX_ARGUMENT),
      env: variables,
      icon: text(MAX_NAME),
    }, name),
    'id',
    'name',
    'command',
  );
  return { ...agent, args: agent.args ?? [] };
};

const ownId: Check<string> = (value, name) => {
  const id = providerName(value, name);
  return OWN_PROVIDERS.includes(id) ? wrong(name, `another name than ${OWN_PROVIDERS.join(' and ')}`) : id;
};

const variables: Check<Record<string, string>> = (value, name) => {
  const entries = Object.entries(fields(value, name));
  if (entries.length > MAX_VARIABLE) wrong(name, `at most ${MAX_VARIABLE} variables`);
  const bad = entries.find(([key]) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(key));
  if (bad) wrong(name, `named as variables are (not ${JSON.stringify(bad[0].slice(0, MAX_NAME))})`);
  return Object.fromEntries(entries.map(([key, entry]) => [key, text(MAX_FIELD)(entry, `${name}.${key}`)]));
};

/** What skips permissions is chosen anew for every agent, and a session to resume belongs to one agent. */
const carefulFlags: Check<AgentFlags> = (value, name) => {
  const flags = parseFlags(value, name);
  if (flags.dangerouslySkipPermissions || flags.permissionMode === 'bypassPermissions') {
    wrong(name, 'without skipping permissions: choose that for each agent');
  }
  const { resume: _, forkSession: __, resumeAt: ___, dangerouslySkipPermissions: ____, ...rest } = flags;
  return rest;
};

/** A list of lines, trimmed, without the empty ones. */
const lines = (limit: number, isGood: (line: string) => boolean, what: string): Check<string[]> => (value, name) => {
  const trimmed = list(string)(value, name).map((line) => line.trim()).filter(Boolean);
  const bad = trimmed.find((line) => line.length > limit || !isGood(line));
  return bad === undefined ? trimmed : wrong(name, `${what} (not ${JSON.stringify(bad.slice(0, MAX_NAME))})`);
};

const isPattern = (line: string): boolean =>
  !line.startsWith('/') && !line.split('/').includes('..') && line.split('*').length <= MAX_STARS + 1;

/**
 * Splits a command into words as a shell would, without being one: quotes and backslashes group, nothing is expanded.
 * null, what cannot be run: a quote is not closed, there is no program, or a NUL that no argument can carry.
 */
export function splitWords(command: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < command.length; i++) {
    const c = command[i]!;
    if (quote) {
      if (c === quote) quote = '';
      else if (c === '\\' && quote === '"' && '"\\'.includes(command[i + 1] ?? '')) word += command[++i]!;
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (c === '\\' && i + 1 < command.length) word = (word ?? '') + command[++i]!;
    else if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + c;
  }
  if (word !== null) words.push(word);
  return quote || !words[0] || command.includes('\0') ? null : words;
}
