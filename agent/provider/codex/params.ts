import type { PermissionMode } from '../../../core/api/agents.ts';
import { textWithFiles } from '../attached-files.ts';
import { codexMode, modeOfFlags, sandboxPolicy } from './modes.ts';
import type { JsonObject } from '../untyped-json.ts';
import { PROCESS_MARK } from '../../process/environment.ts';
import type { OpenOptions, OutgoingMessage } from '../provider.ts';

export interface Settings {
  mode: PermissionMode;
  /** Empty: Codex's own default. */
  model: string;
  effort: string;
}

/**
 * Params of thread/start, thread/resume and thread/fork.
 * @param mark value of PROCESS_MARK in the environment of the thread's commands
 */
export function threadParams(options: OpenOptions, { mode, model }: Settings, mark: string): JsonObject {
  const { resume, cwd, flags, fork, forkAt } = options;
  const { approvalPolicy, sandbox } = codexMode(mode);
  return {
    cwd,
    approvalPolicy,
    sandbox,
    ...(model ? { model } : {}),
    ...(resume ? { threadId: resume, excludeTurns: true } : {}),
    ...(resume && fork && forkAt ? { lastTurnId: forkAt } : {}),
    config: {
      [`shell_environment_policy.set.${PROCESS_MARK}`]: mark,
      ...(flags.addDirs?.length ? { 'sandbox_workspace_write.writable_roots': flags.addDirs } : {}),
    },
  };
}

/**
 * Settings of turn/start, complete each time, so that a change made while a turn ran is valid from the next one on.
 * @param knownPolicy the thread's sandbox policy as Codex reported it
 */
export function turnSettings({ mode, model, effort }: Settings, knownPolicy: JsonObject): JsonObject {
  const { approvalPolicy, collaboration } = codexMode(mode);
  const settings = { model, reasoning_effort: effort || null, developer_instructions: null };
  return {
    approvalPolicy,
    sandboxPolicy: sandboxPolicy(mode, knownPolicy),
    ...(effort ? { effort } : {}),
    ...(model ? { model, collaborationMode: { mode: collaboration, settings } } : {}),
  };
}

/**
 * The same session in a terminal. Without a policy Codex would take the user's own, under which commands may run unasked
 * although the agent asks first. The interface (0.169.0) has no policy "untrusted": what comes nearest is a sandbox in which
 * nothing can be written unasked.
 */
export function codexTerminalArgs({ resume, fork, flags, mode, model, effort }: OpenOptions): string[] {
  const { approvalPolicy, sandbox } = codexMode(modeOfFlags(flags, mode));
  const asksFirst = approvalPolicy === 'untrusted';
  const setting = (name: string, value: string) => ['-c', `${name}=${JSON.stringify(value)}`];
  return [
    ...(resume ? [fork ? 'fork' : 'resume'] : []),
    ...setting('approval_policy', asksFirst ? 'on-request' : approvalPolicy),
    ...setting('sandbox_mode', asksFirst ? 'read-only' : sandbox),
    ...(model ? setting('model', model) : []),
    ...(effort ? setting('model_reasoning_effort', effort) : []),
    ...(flags.addDirs ?? []).flatMap((directory) => ['--add-dir', directory]),
    ...(resume ? ['--', resume] : []),
  ];
}

/**
 * `input` of turn/start. A file that is mentioned stays in the text as `@path`: an item `mention` is for `app://` and `plugin://`
 * alone, and of one with a file's path nothing reaches the model (codex-cli 0.169.0).
 */
export function inputOf(message: OutgoingMessage): JsonObject[] {
  const { images } = message;
  const text = textWithFiles(message);
  const pictures = images.map(({ mediaType, data }) => ({ type: 'image', url: `data:${mediaType};base64,${data}` }));
  return [...(text || !pictures.length ? [{ type: 'text', text, text_elements: [] }] : []), ...pictures];
}
