/** A user's message as Claude Code reads it. */
import type { JsonObject } from '../untyped-json.ts';
import { textWithFiles } from '../attached-files.ts';
import type { OutgoingMessage } from '../provider.ts';

export function userLine(message: OutgoingMessage): JsonObject {
  const { id, images } = message;
  const text = textWithFiles(message);
  const content = images.length === 0 ? text : [
    ...(text ? [{ type: 'text', text }] : []),
    ...images.map(({ mediaType, data }) => ({
      type: 'image',
      source: { type: 'base64', media_type: mediaType, data },
    })),
  ];
  return {
    type: 'user',
    message: { role: 'user', content },
    parent_tool_use_id: null,
    session_id: '',
    uuid: id,
  };
}
