/** Claude's `system` lines about its state as provider events. */
import { modeOf } from './capabilities.ts';
import { retryText } from './text.ts';
import { type JsonObject, list, object, string } from '../untyped-json.ts';
import type { ProviderEvent } from '../provider.ts';

const ACTIVITY: ProviderEvent[] = [{ type: 'activity' }];

const notice = (level: 'info' | 'warning', code: string, text: string, passing = true): ProviderEvent[] =>
  text ? [{ type: 'notice', level, code, text, passing }] : [];

/** @param line any `system` line except `init`. @returns what it means; an unknown one is a sign of life */
export function systemEvents(line: JsonObject): ProviderEvent[] {
  switch (line.subtype) {
    case 'status':
      return statusEvents(line);
    case 'api_retry':
      return notice('warning', 'api_retry', retryText(line));
    case 'compact_boundary':
      return notice('info', 'compacted', 'The conversation was summarised to make room.', false);
    case 'informational':
      return notice('info', 'informational', string(line.content) || string(line.message) || string(line.text));
    case 'permission_denied':
      return notice(
        'warning',
        'permission_denied',
        string(line.message) || `${string(line.tool_name)} was not allowed.`,
      );
    case 'background_tasks_changed':
      return notice('info', 'background', backgroundText(list(line.tasks)));
    case 'task_started':
    case 'task_progress':
      return notice('info', 'task', string(line.description));
    case 'task_notification':
      return notice('info', 'task', string(line.summary));
    case 'session_title_changed':
      return [{ type: 'title', title: string(line.title) }];
    default:
      return ACTIVITY;
  }
}

function statusEvents(line: JsonObject): ProviderEvent[] {
  const { mode } = modeOf(line.permissionMode);
  const session: ProviderEvent[] = mode ? [{ type: 'session', sessionId: string(line.session_id), mode }] : [];
  if (line.status === 'compacting') {
    return [...session, ...notice('info', 'compacting', 'Summarising the conversation …')];
  }
  if (line.compact_result !== 'failed') return [...session, ...ACTIVITY];
  return [...session, ...notice('warning', 'compacting', string(line.compact_error))];
}

const backgroundText = (tasks: unknown[]): string =>
  tasks.length ? `In the background: ${tasks.map((task) => string(object(task).description)).join(', ')}` : '';
