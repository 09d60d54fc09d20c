/** A configuration folder of Claude Code with files of processes and sessions, as it writes them. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { processIdentity } from '../../../agent/process/identity.ts';

export const sessionId = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

export interface DeskFiles {
  /** The configuration folder. */
  directory: string;
  project: string;
  /** Writes `sessions/<pid>.json`, of this process unless `fields` say otherwise. */
  live(fields?: Record<string, unknown>, pid?: number): void;
  gone(pid?: number): void;
  /** Adds lines to a session's file. */
  say(id: string, ...lines: object[]): void;
  pathOf(id: string): string;
  remove(): void;
}

export function deskFiles(): DeskFiles {
  const directory = mkdtempSync(join(tmpdir(), 'desk-test-'));
  const project = join(directory, 'projects', '-home-dev-project');
  mkdirSync(project, { recursive: true });
  mkdirSync(join(directory, 'sessions'));
  const pathOf = (id: string) => join(project, `${id}.jsonl`);
  return {
    directory,
    project,
    live(fields = {}, pid = process.pid) {
      const file = join(directory, 'sessions', `${pid}.json`);
      writeFileSync(file, JSON.stringify({ ...record(pid), ...fields }));
    },
    gone: (pid = process.pid) => rmSync(join(directory, 'sessions', `${pid}.json`), { force: true }),
    say(id, ...lines) {
      appendFileSync(pathOf(id), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    },
    pathOf,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

const record = (pid: number) => ({
  pid,
  sessionId: sessionId(1),
  cwd: '/home/dev/project',
  startedAt: 1_795_886_376_091,
  procStart: processIdentity(pid)?.startTime,
  version: '2.1.330',
  kind: 'interactive',
  entrypoint: 'cli',
  name: 'project-09',
  status: 'idle',
  statusUpdatedAt: 1_795_886_376_163,
});

let at = Date.parse('2026-01-01T00:00:00Z');

/** A line of a session's file. */
export const line = (type: 'user' | 'assistant', uuid: string, parentUuid: string | null, content: unknown) => ({
  type,
  uuid,
  parentUuid,
  cwd: '/home/dev/project',
  timestamp: new Date(at += 1000).toISOString(),
  message: { role: type, content },
});

export const said = (uuid: string, parent: string | null, text: string) =>
  line('assistant', uuid, parent, [{ type: 'text', text }]);
