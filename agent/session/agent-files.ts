/** The agents on disk: DATA_DIR/agents/<id>/ with agent.json, journal.jsonl, pictures/ and attachments/. */
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseWorktree } from '../../core/api/agent-info.ts';
import type { WorktreeInfo } from '../../core/api/agents.ts';
import type { AgentContext } from '../context.ts';
import { ensureDirectory, readWhole, writeWhole } from '../store/atomic-file.ts';
import { ensureDirectoryIfWritable } from '../store/data-directory.ts';
import { type Document, openDocument } from '../store/document.ts';
import type { OwnFiles } from './conversation-copy.ts';
import { type AgentRecord, parseRecord } from './record.ts';

/** Bytes of a plan. */
const MAX_PLAN = 64 * 1024;

export class AgentFiles {
  readonly #context: AgentContext;
  readonly #root: string;

  constructor(context: AgentContext) {
    this.#context = context;
    this.#root = join(context.config.dataDir, 'agents');
    ensureDirectoryIfWritable(this.#root);
  }

  directory(id: string): string {
    return join(this.#root, id);
  }

  journalPath(id: string): string {
    return join(this.#root, id, 'journal.jsonl');
  }

  attachmentsPath(id: string): string {
    return join(this.#root, id, 'attachments');
  }

  picturesPath(id: string): string {
    return join(this.#root, id, 'pictures');
  }

  /** What the messages of the agent name. */
  ownFiles(id: string): OwnFiles {
    return { pictures: this.picturesPath(id), attachments: this.attachmentsPath(id) };
  }

  /** Names of the directories: each should be an agent's id. */
  ids(): string[] {
    try {
      return readdirSync(this.#root, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) =>
        name
      );
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return [];
      throw error;
    }
  }

  /** @returns null when there is no record that can be read */
  read(id: string): Document<AgentRecord> | null {
    const document = this.#document(id, null);
    return document.value && document as Document<AgentRecord>;
  }

  /** Throws Failure `not_saved` when the record cannot be written; nothing is left behind then. */
  async create(id: string, record: AgentRecord): Promise<Document<AgentRecord>> {
    ensureDirectory(this.directory(id));
    const document = this.#document(id, record) as Document<AgentRecord>;
    await document.update(() => record);
    await this.forgetPlan(id).catch(() => {}); // the next start does
    return document;
  }

  /** Records the worktree that is about to be made for an agent which has no record yet. */
  async plan(id: string, worktree: WorktreeInfo): Promise<void> {
    ensureDirectory(this.directory(id));
    await writeWhole(this.#planPath(id), [JSON.stringify(worktree)]);
  }

  /** The worktree that was about to be made when the server was killed. */
  planned(id: string): WorktreeInfo | null {
    try {
      const bytes = readWhole(this.#planPath(id), MAX_PLAN);
      return bytes && parseWorktree(JSON.parse(bytes.toString()), 'the plan');
    } catch {
      return null;
    }
  }

  /** Whether nothing was ever written whole for this agent. */
  isEmpty(id: string): boolean {
    return readdirSync(this.directory(id)).every((name) => name.endsWith('.tmp'));
  }

  async forgetPlan(id: string): Promise<void> {
    await rm(this.#planPath(id), { force: true });
  }

  #planPath(id: string): string {
    return join(this.#root, id, 'worktree-plan.json');
  }

  async remove(id: string): Promise<void> {
    await rm(this.directory(id), { recursive: true, force: true });
  }

  #document(id: string, initial: AgentRecord | null): Document<AgentRecord | null> {
    return openDocument<AgentRecord | null>({
      path: join(this.directory(id), 'agent.json'),
      parse: (value) => recordOf(id, value),
      initial,
      now: this.#context.clock.now,
      warn: (text) => this.#context.warn(`record ${id}`, text),
    });
  }
}

/** Throws a sentence also when it is the record of another agent than its directory is named after. */
function recordOf(id: string, value: unknown): AgentRecord {
  const record = parseRecord(value);
  if (record.info.id !== id) throw new Error(`it is the record of ${JSON.stringify(record.info.id)}, not of ${id}`);
  return record;
}
