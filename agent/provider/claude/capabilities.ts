import type { Capabilities, PermissionMode } from '../../../core/api/agents.ts';
import { contentText } from './tools.ts';
import { type JsonObject, list, object, string } from '../untyped-json.ts';

const MODES: PermissionMode[] = ['default', 'acceptEdits', 'plan', 'auto', 'dontAsk', 'bypassPermissions'];
/** Empty for a mode that is not known here. */
export function modeOf(value: unknown): { mode?: PermissionMode } {
  return MODES.includes(value as PermissionMode) ? { mode: value as PermissionMode } : {};
}

/** Reads the answer to `initialize`. */
export function readCapabilities(response: JsonObject, mayBypass: boolean): Capabilities {
  const account = object(response.account);
  return {
    models: list(response.models).map(object).map((model) => ({
      value: string(model.value),
      label: string(model.displayName) || string(model.value),
      efforts: list(model.supportedEffortLevels).map(string).filter(Boolean),
    })),
    commands: list(response.commands).map(object).map((command) => ({
      name: string(command.name),
      description: string(command.description).slice(0, 500),
      argumentHint: contentText(command.argumentHint),
    })),
    modes: MODES.filter((mode) => mode !== 'bypassPermissions' || mayBypass),
    account: string(account.email) || string(account.organization) || string(account.apiKeySource),
  };
}
