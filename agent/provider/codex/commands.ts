/** Commands that are typed as in Codex' own interface, and which of the app-server's methods each is. */
import type { Capabilities } from '../../../core/api/agents.ts';
import type { JsonObject } from '../untyped-json.ts';
import type { OutgoingMessage } from '../provider.ts';

export const CODEX_COMMANDS: Capabilities['commands'] = [
  { name: 'compact', description: 'Summarise the conversation to free context', argumentHint: '' },
  {
    name: 'review',
    description: 'Review the uncommitted changes, or what the instructions name',
    argumentHint: '[instructions]',
  },
];

/** Begins a turn without a message to the model; null: the text is a message. */
export function commandOf({ text, images, files }: OutgoingMessage): { method: string; params: JsonObject } | null {
  const [, name, argument = ''] = /^\/(compact|review)(?:\s+([^]+))?$/.exec(text.trim()) ?? [];
  if (!name || images.length || files?.length) return null;
  if (name === 'compact') return argument ? null : { method: 'thread/compact/start', params: {} };
  const target = argument ? { type: 'custom', instructions: argument } : { type: 'uncommittedChanges' };
  return { method: 'review/start', params: { target } };
}
