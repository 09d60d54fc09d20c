import type { AgentFlags, PermissionMode } from '../../../core/api/agents.ts';
import { type JsonObject, object } from '../untyped-json.ts';

interface Mode {
  approvalPolicy: 'untrusted' | 'on-request' | 'never';
  sandbox: 'read-only' | 'workspace-write' | 'danger-full-access';
  collaboration: 'default' | 'plan';
}

const MODES: Partial<Record<PermissionMode, Mode>> = {
  default: { approvalPolicy: 'untrusted', sandbox: 'workspace-write', collaboration: 'default' },
  acceptEdits: { approvalPolicy: 'on-request', sandbox: 'workspace-write', collaboration: 'default' },
  plan: { approvalPolicy: 'on-request', sandbox: 'read-only', collaboration: 'plan' },
  dontAsk: { approvalPolicy: 'never', sandbox: 'workspace-write', collaboration: 'default' },
  bypassPermissions: { approvalPolicy: 'never', sandbox: 'danger-full-access', collaboration: 'default' },
};

export const CODEX_MODES = Object.keys(MODES) as PermissionMode[];

/** For a mode that Codex does not have: the nearest one that is more careful. */
export function codexMode(mode: PermissionMode): Mode {
  return MODES[mode] ?? MODES.acceptEdits!;
}

/**
 * The mode that comes nearest to what a thread was begun with elsewhere, and lets through no more; null: Codex did not say it.
 * Without a sandbox only "untrusted" asks before commands run.
 */
export function modeOfPolicy(approvalPolicy: unknown, { type }: JsonObject): PermissionMode | null {
  const isOpen = type === 'dangerFullAccess' || type === 'externalSandbox';
  if (isOpen && approvalPolicy !== 'untrusted') return 'bypassPermissions';
  if (approvalPolicy === undefined) return null;
  if (type === 'readOnly') return 'default';
  if (approvalPolicy === 'never') return 'dontAsk';
  return approvalPolicy === 'on-request' ? 'acceptEdits' : 'default';
}

/** A thread that runs in this mode has this policy. */
export const isPolicyOf = (mode: PermissionMode, approvalPolicy: unknown, { type }: JsonObject): boolean =>
  approvalPolicy === codexMode(mode).approvalPolicy && type === sandboxPolicy(mode, {}).type;

/** The mode that the flags ask for; `mode` when they ask for none. */
export function modeOfFlags(flags: AgentFlags, mode: PermissionMode): PermissionMode {
  if (flags.dangerouslySkipPermissions) return 'bypassPermissions';
  return flags.fullAuto && mode === 'default' ? 'acceptEdits' : mode;
}

/**
 * `sandboxPolicy` of turn/start.
 * @param known the thread's policy as Codex reported it: it holds the user's own settings (network, further directories)
 */
export function sandboxPolicy(mode: PermissionMode, known: JsonObject): JsonObject {
  switch (codexMode(mode).sandbox) {
    case 'read-only':
      return { type: 'readOnly', networkAccess: false };
    case 'danger-full-access':
      return { type: 'dangerFullAccess' };
    case 'workspace-write': {
      const base = { writableRoots: [], networkAccess: false, excludeTmpdirEnvVar: false, excludeSlashTmp: false };
      return known.type === 'workspaceWrite' ? object(known) : { type: 'workspaceWrite', ...base };
    }
  }
}

/** Flags of the create form that only Claude has, as users know them. */
export function ignoredFlags(flags: AgentFlags): string[] {
  const names: [keyof AgentFlags, string][] = [
    ['maxBudgetUsd', 'the budget'],
    ['allowedTools', 'allowed tools'],
    ['disallowedTools', 'disallowed tools'],
    ['mcpConfig', 'the MCP configuration'],
    ['chrome', 'Chrome'],
  ];
  return names.filter(([key]) => {
    const value = flags[key];
    return Array.isArray(value) ? value.length > 0 : Boolean(value);
  }).map(([, name]) => name);
}
