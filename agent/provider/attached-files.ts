/** Files that go with a message, for a CLI that is told of a file by its path. */
import type { OutgoingMessage } from './provider.ts';

/** The text with the paths of the files, which the CLI's own tools read. */
export function textWithFiles({ text, files = [] }: Pick<OutgoingMessage, 'text' | 'files'>): string {
  if (!files.length) return text;
  const lines = files.map(({ name, path, size }) => `- ${path} (${name}, ${size} bytes)`);
  return [...(text ? [text, ''] : []), 'Attached files:', ...lines].join('\n');
}
