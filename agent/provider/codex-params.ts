/** What the app-server is told to open a thread and to start a turn. */
import type { PermissionMode } from '../../core/wire/types.ts';
import { codexMode, sandboxPolicy } from './codex-modes.ts';
import type { Loose } from './loose.ts';
import { MARK } from './proc.ts';
import type { OpenOptions, OutgoingMessage } from './provider.ts';

export interface Settings {
  mode: PermissionMode;
  /** Empty: Codex's own default. */
  model: string;
  effort: string;
}

/**
 * Params of thread/start, thread/resume and thread/fork.
 * @param mark what the thread's commands carry in their environment
 */
export function threadParams(options: OpenOptions, { mode, model }: Settings, mark: string): Loose {
  const { resume, cwd, flags } = options;
  const { approvalPolicy, sandbox } = codexMode(mode);
  return {
    cwd,
    approvalPolicy,
    sandbox,
    ...(model ? { model } : {}),
    ...(resume ? { threadId: resume, excludeTurns: true } : {}),
    config: {
      [`shell_environment_policy.set.${MARK}`]: mark,
      ...(flags.addDirs?.length ? { 'sandbox_workspace_write.writable_roots': flags.addDirs } : {}),
    },
  };
}

/**
 * Settings of turn/start: absolute each time, so that what was changed while a turn ran holds from the next one on.
 * @param knownPolicy the thread's sandbox policy as Codex told it
 */
export function turnSettings({ mode, model, effort }: Settings, knownPolicy: Loose): Loose {
  const { approvalPolicy, collaboration } = codexMode(mode);
  const settings = { model, reasoning_effort: effort || null, developer_instructions: null };
  return {
    approvalPolicy,
    sandboxPolicy: sandboxPolicy(mode, knownPolicy),
    ...(effort ? { effort } : {}),
    ...(model ? { model, collaborationMode: { mode: collaboration, settings } } : {}),
  };
}

/** `input` of turn/start. */
export function inputOf({ text, images }: OutgoingMessage): Loose[] {
  const pictures = images.map(({ mediaType, data }) => ({ type: 'image', url: `data:${mediaType};base64,${data}` }));
  return [...(text || !pictures.length ? [{ type: 'text', text, text_elements: [] }] : []), ...pictures];
}
