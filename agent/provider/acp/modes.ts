/** How an ACP agent's own modes, models and options are named here. What it does not offer is not offered by us. */
import type { Capabilities, PermissionMode } from '../../../core/api/agents.ts';
import { list, object, string } from '../untyped-json.ts';

interface Option {
  value: string;
  name: string;
}

/** A setting of the session: one of several values, or on or off (then "true" or "false"). */
export interface ConfigOption {
  id: string;
  category: string;
  current: string;
  isBoolean: boolean;
  options: Option[];
}

/** Values of one setting; settings of one session. */
const MAX_VALUE = 500;
const MAX_CONFIG = 50;

export interface SessionOptions {
  /** From `modes` or a config option of the category "mode". */
  modes: Option[];
  currentMode: string;
  models: Option[];
  currentModel: string;
  config: ConfigOption[];
}

/** Reads the result of session/new, load or resume, and of set_config_option. What is missing stays as it was. */
export function readSessionOptions(result: Record<string, unknown>, before = NO_OPTIONS): SessionOptions {
  const config = Array.isArray(result.configOptions)
    ? list(result.configOptions).slice(0, MAX_CONFIG).map(readConfigOption)
    : before.config;
  const modes = object(result.modes);
  const models = object(result.models);
  const mode = config.find(({ category }) => category === 'mode');
  const model = config.find(({ category }) => category === 'model');
  return {
    modes: mode?.options ?? optionsOf(modes.availableModes, 'id') ?? before.modes,
    currentMode: mode?.current ?? (string(modes.currentModeId) || before.currentMode),
    models: model?.options ?? optionsOf(models.availableModels, 'modelId') ?? before.models,
    currentModel: model?.current ?? (string(models.currentModelId) || before.currentModel),
    config,
  };
}

export const NO_OPTIONS: SessionOptions = { modes: [], currentMode: '', models: [], currentModel: '', config: [] };

const readConfigOption = (value: unknown): ConfigOption => {
  const { id, category, type, currentValue, options } = object(value);
  return {
    isBoolean: type === 'boolean',
    id: string(id),
    category: string(category),
    current: typeof currentValue === 'boolean' ? String(currentValue) : string(currentValue),
    options: optionsOf(options, 'value') ?? [],
  };
};

function optionsOf(value: unknown, key: string): Option[] | null {
  if (!Array.isArray(value)) return null;
  // They may stand in groups.
  return value.map(object).flatMap((entry) => Array.isArray(entry.options) ? entry.options.map(object) : [entry])
    .map((entry) => ({ value: string(entry[key]), name: string(entry.name) || string(entry[key]) }))
    .filter((entry) => entry.value !== '').slice(0, MAX_VALUE);
}

/** Ends of mode ids, in lower case without dashes, as agents use them (seen: Gemini, Qwen, Kimi, Copilot, OpenCode, adapters). */
const MODES: [RegExp, PermissionMode][] = [
  [/(^|#)plan$/, 'plan'],
  [/(^|#)(read-?only)$/, 'plan'],
  [/(^|#)(auto-?edit|accept-?edits)$/i, 'acceptEdits'],
  [/(^|#)(yolo|autopilot|bypass-?permissions|agent-full-access)$/i, 'bypassPermissions'],
  [/(^|#)dont-?ask$/i, 'dontAsk'],
  [/(^|#)auto$/, 'auto'],
  [/(^|#)(default|ask|agent|manual|build|workspace-write)$/, 'default'],
];

/** OpenCode's mode "build" is its ordinary one, and acts unasked unless its configuration says otherwise. */
export const asksByItself = (id: string): boolean => !/(^|#)build$/i.test(id);

/** null: a mode that has no counterpart here. */
export const modeOf = (id: string): PermissionMode | null => MODES.find(([pattern]) => pattern.test(id))?.[1] ?? null;

/** The agent's own id of a mode; null when it has none like it. */
export const modeId = ({ modes }: SessionOptions, mode: PermissionMode): string | null =>
  modes.find(({ value }) => modeOf(value) === mode)?.value ?? null;

/** The option that says how hard to think. */
const effortOf = ({ config }: SessionOptions) => config.find(({ category }) => category === 'thought_level');
/** null: the agent has no such effort. */
export const effortOption = (options: SessionOptions, effort: string): ConfigOption | null => {
  const option = effortOf(options);
  return option?.options.some(({ value }) => value === effort) ? option : null;
};

export function capabilitiesOf(options: SessionOptions, commands: Capabilities['commands']): Capabilities {
  const efforts = effortOf(options)?.options.map(({ value }) => value) ?? [];
  const modes = options.modes.map(({ value }) => modeOf(value)).filter((mode) => mode !== null);
  return {
    models: options.models.map(({ value, name }) => ({ value, label: name, efforts })),
    commands,
    modes: [...new Set(modes)],
    account: '',
  };
}
