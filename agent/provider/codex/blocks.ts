/** The texts and tools of one thread that are open: each emits its start, its deltas and its end. */
import { type FileChange, fileChanges } from './diff.ts';
import { describe, type Described } from './items.ts';
import { type JsonObject, string } from '../untyped-json.ts';
import type { ProviderEvent } from '../provider.ts';

/** Characters held of an open text, or of the end of an open tool's output. */
export const MAX_OPEN_TEXT = 1024 * 1024;

interface Block {
  kind: 'text' | 'thinking' | 'tool';
  /** Id of the message: the item's, or that of the broken attempt which the item repeats. */
  id: string;
  turnId: string;
  text: string;
  /** What was emitted. Longer than `text` while a retry repeats what is known. */
  shown: string;
  isStarted: boolean;
  changes: FileChange[];
}

/** As JSON: a later server goes on with them. */
export interface BlocksSnapshot {
  open: [string, Block][];
  broken: [string, Block][];
  agentTool: string;
}

export class ThreadBlocks {
  readonly #emit: (event: ProviderEvent) => void;
  readonly #onMessage: (messageId: string) => void;
  /** Tool message of the subagent whose thread this is, empty when unknown; null for the session's own thread. */
  readonly #parent: string | null;
  readonly #open = new Map<string, Block>();
  /** Blocks of a broken stream that the retry will repeat, by kind. */
  readonly #broken = new Map<string, Block>();
  #agentTool = '';

  /** @param onMessage called when the thread has taken up this message of ours */
  constructor(
    emit: (event: ProviderEvent) => void,
    onMessage: (messageId: string) => void,
    parent: string | null,
  ) {
    this.#emit = emit;
    this.#onMessage = onMessage;
    this.#parent = parent;
  }

  snapshot(): BlocksSnapshot {
    return { open: [...this.#open], broken: [...this.#broken], agentTool: this.#agentTool };
  }

  restore({ open, broken, agentTool }: BlocksSnapshot): void {
    for (const [id, block] of open) this.#open.set(id, block);
    for (const [kind, block] of broken) this.#broken.set(kind, block);
    this.#agentTool = agentTool;
  }

  /** Changes of a fileChange item that is open. */
  changesOf(itemId: string): FileChange[] {
    return this.#open.get(itemId)?.changes ?? [];
  }

  /** Codex has gone on writing the patch of an open item. */
  patchUpdated(itemId: string, changes: unknown): void {
    const block = this.#open.get(itemId);
    if (!block) return;
    block.changes = fileChanges(changes);
    const described = describe({ type: 'fileChange', id: itemId, changes });
    if (described?.kind === 'tool') this.#emitInput(block.id, described);
  }

  /** The tool that last started a subagent. */
  get agentTool(): string {
    return this.#agentTool;
  }

  get hasOpenTool(): boolean {
    return [...this.#open.values()].some((block) => block.kind === 'tool');
  }

  /** Closes the open blocks of one turn, or of all: nothing more will come for them. */
  close(turnId?: string, isTextOnly = false): void {
    for (const [itemId, block] of this.#open) {
      if ((turnId !== undefined && block.turnId !== turnId) || (isTextOnly && block.kind === 'tool')) continue;
      this.#open.delete(itemId);
      this.#closeBlock(block);
    }
    for (const [kind, block] of this.#broken) {
      this.#broken.delete(kind);
      this.#closeBlock(block);
    }
  }

  #closeBlock(block: Block): void {
    const { id, kind } = block;
    const text = block.text.length > block.shown.length ? block.text : block.shown;
    if (kind === 'tool') {
      this.#emit({ type: 'tool.end', id, status: 'cancelled', result: { text: block.text, truncated: false } });
    } else if (block.isStarted) {
      this.#emit({ type: 'text.end', id, ...this.#nesting(), thinking: kind === 'thinking', text });
    }
  }

  itemStarted(item: JsonObject, turnId: string): void {
    const described = describe(item);
    const id = string(item.id);
    switch (described?.kind) {
      case 'user':
        // A message to a running turn breaks off the answer that is being written.
        this.close(turnId, true);
        return this.#onMessage(described.clientId);
      case 'text':
      case 'thinking': {
        const again = this.#broken.get(described.kind);
        this.#broken.delete(described.kind);
        const block = again ? { ...again, turnId, text: '' } : newBlock(described.kind, id, turnId);
        this.#open.set(id, block);
        if (described.kind === 'text') this.#startText(block);
        return;
      }
      case 'tool':
        this.#open.set(id, { ...newBlock('tool', id, turnId), changes: fileChanges(item.changes) });
        if (item.type === 'collabAgentToolCall') this.#agentTool = id;
        return this.#startTool(id, described);
      default:
        return this.#emit({ type: 'activity' });
    }
  }

  itemCompleted(item: JsonObject): void {
    const described = describe(item);
    const id = string(item.id);
    const block = this.#open.get(id);
    this.#open.delete(id);
    switch (described?.kind) {
      case 'text':
      case 'thinking':
        if (!described.text && !block?.isStarted) return;
        return this.#emit({
          type: 'text.end',
          id: block?.id ?? id,
          ...this.#nesting(),
          thinking: described.kind === 'thinking',
          text: described.text || block?.text || '',
        });
      case 'tool': {
        if (!block) this.#startTool(id, described);
        const text = described.result.text || block?.text || '';
        const status = described.status === 'running' ? 'done' : described.status;
        const { result, pictures } = described;
        return this.#emit({
          type: 'tool.end',
          id,
          status,
          result: { ...result, text },
          ...(pictures ? { pictures } : {}),
        });
      }
      case 'compacted':
        return this.#emit({
          type: 'notice',
          level: 'info',
          code: 'compacted',
          text: 'The conversation was summarised to make room in the context window.',
          passing: false,
        });
      default:
        return this.#emit({ type: 'activity' });
    }
  }

  #startText(block: Block): void {
    if (block.isStarted) return;
    block.isStarted = true;
    this.#emit({ type: 'text.start', id: block.id, ...this.#nesting(), thinking: block.kind === 'thinking' });
  }

  #startTool(id: string, described: Extract<Described, { kind: 'tool' }>): void {
    this.#emit({ type: 'tool.start', id, ...this.#nesting(), tool: described.tool });
    this.#emitInput(id, described);
  }

  #emitInput(id: string, { tool, title, input }: Extract<Described, { kind: 'tool' }>): void {
    this.#emit({ type: 'tool.input', id, ...this.#nesting(), tool, title, input });
  }

  textDelta(itemId: string, delta: string): void {
    const block = this.#open.get(itemId);
    if (!block || block.kind === 'tool' || !delta) return;
    if (block.text.length < MAX_OPEN_TEXT) block.text += delta;
    if (!block.isStarted) this.#startText(block);
    if (block.shown) {
      // A retry emits nothing until it goes beyond what was shown. When its text differs, its end corrects the block.
      if (block.text.length <= block.shown.length || !block.text.startsWith(block.shown)) return;
      delta = block.text.slice(block.shown.length);
      block.shown = '';
    }
    this.#emit({ type: 'text.delta', id: block.id, text: delta });
  }

  outputDelta(itemId: string, delta: string): void {
    const block = this.#open.get(itemId);
    if (!block) return;
    block.text += delta;
    // Cut seldom: each cut copies the whole rest.
    if (block.text.length > 2 * MAX_OPEN_TEXT) block.text = block.text.slice(-MAX_OPEN_TEXT);
    this.#emit({ type: 'tool.output.delta', id: block.id, text: delta });
  }

  /** The stream of a turn broke off and will be retried: its texts are repeated. */
  breakOff(turnId: string): void {
    for (const [itemId, block] of this.#open) {
      if (block.kind === 'tool' || block.turnId !== turnId) continue;
      this.#open.delete(itemId);
      const shown = block.text.length > block.shown.length ? block.text : block.shown;
      this.#broken.set(block.kind, { ...block, shown });
    }
  }

  #nesting(): { parent?: string } {
    return this.#parent ? { parent: this.#parent } : {};
  }
}

const newBlock = (kind: Block['kind'], id: string, turnId: string): Block => ({
  kind,
  id,
  turnId,
  text: '',
  shown: '',
  isStarted: false,
  changes: [],
});
