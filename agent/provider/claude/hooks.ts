/**
 * Claude Code's hooks (`hooks` of its settings): what it passes to one on its standard input, and what one prints to answer.
 * A PermissionRequest hook runs beside the prompt in the terminal; the first answer counts, and the other side goes away.
 */
import { join } from 'node:path';
import type { DecisionBody } from '../../../core/api/messages.ts';
import type { HookCall, SessionHooks } from '../terminal-sessions.ts';
import { isObject, type JsonObject, string } from '../untyped-json.ts';
import { answerOf, type OpenRequest, readRequest } from './requests.ts';

export const claudeHooks = (directory: string): SessionHooks => ({
  settingsFile: join(directory, 'settings.json'),
  read: readHook,
});

/** @param id of the request: the payload has none */
export function readHook(id: string, payload: JsonObject): HookCall | null {
  const session = string(payload.session_id).toLowerCase();
  if (!/^[0-9a-f-]{36}$/.test(session)) return null;
  switch (payload.hook_event_name) {
    case 'PermissionRequest': {
      // An input in another form could not be shown.
      const { tool_input: input } = payload;
      if (!string(payload.tool_name) || !isObject(input)) return null;
      const { open, shown } = readRequest(id, { ...payload, input });
      return { event: 'request', session, request: shown, answer: (decision) => hookAnswer(open, decision) };
    }
    case 'Notification':
      // That a turn is over is what Stop says, a minute earlier.
      return payload.notification_type === 'permission_prompt' ? { event: 'waits', session } : null;
    case 'Stop':
      return { event: 'finished', session, text: string(payload.last_assistant_message) };
    default:
      return null;
  }
}

/** The decision in the form of a PermissionRequest hook's output. */
export function hookAnswer(open: OpenRequest, decision: DecisionBody): JsonObject {
  const { interrupt, ...answer } = answerOf(open, decision);
  const result = interrupt === true ? { ...answer, interrupt } : answer;
  return { hookSpecificOutput: { hookEventName: 'PermissionRequest', decision: result } };
}
