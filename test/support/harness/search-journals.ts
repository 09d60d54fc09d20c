/** Journals of made-up agents, for tests of the search: written as the server writes them. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from '../../../core/api/messages.ts';

export interface SearchJournals {
  dataDir: string;
  /** DATA_DIR/agents */
  root: string;
  write(agent: string, messages: Message[]): void;
  append(agent: string, text: string): void;
  path(agent: string): string;
  remove(): void;
}

export function searchJournals(): SearchJournals {
  const dataDir = mkdtempSync(join(tmpdir(), 'search-'));
  const root = join(dataDir, 'agents');
  const path = (agent: string) => join(root, agent, 'journal.jsonl');
  const append = (agent: string, text: string) => {
    mkdirSync(join(root, agent), { recursive: true });
    appendFileSync(path(agent), text);
  };
  return {
    dataDir,
    root,
    path,
    append,
    write: (agent, messages) => append(agent, messages.map((m) => `${JSON.stringify({ m })}\n`).join('')),
    remove: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

const AT = Date.UTC(2026, 0, 1);

export const userMessage = (seq: number, text: string, at = AT + seq): Message => ({
  kind: 'user',
  id: `u${seq}`,
  text,
  images: [],
  status: 'sent',
  by: 'test',
  seq,
  at,
});

export const textMessage = (seq: number, text: string, done = true): Message => ({
  kind: 'text',
  id: `t${seq}`,
  text,
  done,
  seq,
  at: AT + seq,
});

export const toolMessage = (seq: number, title: string, input: Record<string, unknown>): Message => ({
  kind: 'tool',
  id: `c${seq}`,
  tool: 'Bash',
  title,
  input,
  inputText: '',
  output: 'only in the output',
  status: 'done',
  seq,
  at: AT + seq,
});
