/** Claude Code's own checkpoints of the files that it edits: before each message of the user. */
import { type JsonObject, number, string, strings } from '../untyped-json.ts';
import type { RewoundFiles } from '../provider.ts';

/** Without it, there are no checkpoints in stream-json. */
export const CHECKPOINTS_ON = { CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING: '1' };

export const rewindRequest = (messageId: string, dryRun: boolean): JsonObject => ({
  subtype: 'rewind_files',
  user_message_id: messageId,
  ...(dryRun ? { dry_run: true } : {}),
});

/** @param response the answer to a control request. Throws a sentence */
export function readRewind(response: JsonObject, body: JsonObject): RewoundFiles {
  const refusal = response.subtype === 'success' ? '' : string(response.error);
  if (refusal || body.canRewind !== true) {
    throw new Error(refusal || string(body.error) || 'Claude Code cannot rewind the files to this message.');
  }
  return {
    files: strings(body.filesChanged),
    insertions: number(body.insertions) ?? 0,
    deletions: number(body.deletions) ?? 0,
    skipped: number(body.skippedLinks) ?? 0,
  };
}
