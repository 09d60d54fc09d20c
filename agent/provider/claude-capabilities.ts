/** What this Claude Code offers: permission modes, models, commands. */
import type { Capabilities, PermissionMode } from '../../core/wire/types.ts';
import { contentText } from './claude-tools.ts';
import { list, type Loose, object, string } from './loose.ts';

const MODES: PermissionMode[] = ['default', 'acceptEdits', 'plan', 'auto', 'dontAsk', 'bypassPermissions'];
/** Nothing for a mode that is not known here. */
export function modeOf(value: unknown): { mode?: PermissionMode } {
  return MODES.includes(value as PermissionMode) ? { mode: value as PermissionMode } : {};
}

/** What `initialize` answers. */
export function readCapabilities(response: Loose, mayBypass: boolean): Capabilities {
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
