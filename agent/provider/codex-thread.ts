/**
 * The notifications of one Codex thread as ProviderEvents. Free of IO: notifications in, events out. It remembers what is
 * open, because an interrupted item never gets its item/completed and a retried answer is sent again from its start.
 */
import type { FileDiff } from '../../core/wire/types.ts';
import { fileDiffs } from './codex-diff.ts';
import { describe, type Described } from './codex-items.ts';
import { errorSentence, retrySentence } from './codex-text.ts';
import { list, type Loose, number, object, string } from './loose.ts';
import type { ProviderEvent } from './provider.ts';

/** Characters that are remembered of an open text, or of the end of an open tool's output. */
export const OPEN_TEXT_LIMIT = 1024 * 1024;

interface Block {
  kind: 'text' | 'thinking' | 'tool';
  /** Id of the block in the message model: the item's, or that of the broken attempt that it repeats. */
  id: string;
  turnId: string;
  text: string;
  /** What readers have seen. Longer than `text` while a retry repeats what is known. */
  shown: string;
  isStarted: boolean;
  diffs: FileDiff[];
}

export interface ThreadHooks {
  emit(event: ProviderEvent): void;
  /** The turn that now runs, or null. Not told for a subagent's thread. */
  turn(turnId: string | null): void;
  /** The CLI took up this message of ours. */
  seen(messageId: string): void;
}

export class ThreadEvents {
  readonly #hooks: ThreadHooks;
  /** Tool message of the subagent whose thread this is, empty when unknown; null for the session's own thread. */
  readonly #parent: string | null;
  #agentTool = '';
  readonly #open = new Map<string, Block>();
  /** Blocks of a broken stream that the retry will repeat, by kind. */
  readonly #broken = new Map<string, Block>();

  constructor(hooks: ThreadHooks, parent: string | null = null) {
    this.#hooks = hooks;
    this.#parent = parent;
  }

  /** Changes of a fileChange item that is open. */
  diffsOf(itemId: string): FileDiff[] {
    return this.#open.get(itemId)?.diffs ?? [];
  }

  /** The tool that last started a subagent. */
  get agentTool(): string {
    return this.#agentTool;
  }

  /** A tool is open although its turn may be over: a command in the background. */
  get hasOpenTool(): boolean {
    return [...this.#open.values()].some((block) => block.kind === 'tool');
  }

  notify(method: string, params: Loose): void {
    const item = object(params.item);
    const itemId = string(params.itemId);
    const delta = string(params.delta);
    const turn = object(params.turn);
    switch (method) {
      case 'turn/started':
        return this.#turnStarted(turn);
      case 'turn/completed':
        return this.#turnCompleted(turn);
      case 'item/started':
        return this.#itemStarted(item, string(params.turnId));
      case 'item/completed':
        return this.#itemCompleted(item);
      case 'item/agentMessage/delta':
      case 'item/plan/delta':
      case 'item/reasoning/summaryTextDelta':
      case 'item/reasoning/textDelta':
        return this.#textDelta(itemId, delta);
      case 'item/reasoning/summaryPartAdded':
        return this.#textDelta(itemId, number(params.summaryIndex) ? '\n\n' : '');
      case 'item/commandExecution/outputDelta':
        return this.#outputDelta(itemId, delta);
      case 'turn/plan/updated':
        return this.#plan(params);
      case 'thread/tokenUsage/updated':
        return this.#usage(object(params.tokenUsage));
      case 'error':
        return this.#error(object(params.error), params.willRetry === true, string(params.turnId));
      case 'thread/name/updated':
        return this.#hooks.emit({ type: 'title', title: string(params.threadName) });
      case 'warning':
      case 'guardianWarning':
        return this.#notice('warning', 'cli_warning', string(params.message));
      case 'model/rerouted':
        return this.#notice(
          'info',
          'model_rerouted',
          `The model was changed from ${string(params.fromModel)} to ${string(params.toModel)}.`,
        );
      default:
        return this.#hooks.emit({ type: 'activity' });
    }
  }

  /** Closes what is open, of one turn or of all, with or without tools: nothing more will come for it. */
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
      this.#hooks.emit({ type: 'tool.end', id, status: 'cancelled', result: { text: block.text, truncated: false } });
    } else if (block.isStarted) {
      this.#hooks.emit({ type: 'text.end', id, ...this.#nesting(), thinking: kind === 'thinking', text });
    }
  }

  #turnStarted(turn: Loose): void {
    if (this.#parent !== null) return;
    this.#hooks.turn(string(turn.id));
    this.#hooks.emit({ type: 'turn.start' });
  }

  #turnCompleted(turn: Loose): void {
    const status = string(turn.status);
    // A command that Codex left running in the background outlives a turn that ended well.
    this.close(string(turn.id), status === 'completed');
    if (this.#parent !== null) return;
    this.#hooks.turn(null);
    this.#hooks.emit({
      type: 'turn.end',
      outcome: status === 'interrupted' ? 'interrupted' : status === 'failed' ? 'error' : 'done',
      text: status === 'failed' ? errorSentence(object(turn.error)) : '',
      durationMs: number(turn.durationMs) ?? 0,
    });
  }

  #itemStarted(item: Loose, turnId: string): void {
    const described = describe(item);
    const id = string(item.id);
    switch (described?.kind) {
      case 'user':
        // A message to a running turn breaks off the answer that is being written.
        this.close(turnId, true);
        return this.#hooks.seen(described.clientId);
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
        this.#open.set(id, { ...newBlock('tool', id, turnId), diffs: fileDiffs(item.changes) });
        if (item.type === 'collabAgentToolCall') this.#agentTool = id;
        return this.#startTool(id, described);
      default:
        return this.#hooks.emit({ type: 'activity' });
    }
  }

  #itemCompleted(item: Loose): void {
    const described = describe(item);
    const id = string(item.id);
    const block = this.#open.get(id);
    this.#open.delete(id);
    switch (described?.kind) {
      case 'text':
      case 'thinking':
        if (!described.text && !block?.isStarted) return;
        return this.#hooks.emit({
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
        return this.#hooks.emit({ type: 'tool.end', id, status, result: { ...described.result, text } });
      }
      case 'compacted':
        return this.#hooks.emit({
          type: 'notice',
          level: 'info',
          code: 'compacted',
          text: 'The conversation was summarised to make room in the context window.',
          passing: false,
        });
      default:
        return this.#hooks.emit({ type: 'activity' });
    }
  }

  #startText(block: Block): void {
    if (block.isStarted) return;
    block.isStarted = true;
    this.#hooks.emit({ type: 'text.start', id: block.id, ...this.#nesting(), thinking: block.kind === 'thinking' });
  }

  #startTool(id: string, { tool, title, input }: Extract<Described, { kind: 'tool' }>): void {
    this.#hooks.emit({ type: 'tool.start', id, ...this.#nesting(), tool });
    this.#hooks.emit({ type: 'tool.input', id, ...this.#nesting(), tool, title, input });
  }

  #textDelta(itemId: string, delta: string): void {
    const block = this.#open.get(itemId);
    if (!block || block.kind === 'tool' || !delta) return;
    if (block.text.length < OPEN_TEXT_LIMIT) block.text += delta;
    if (!block.isStarted) this.#startText(block);
    if (block.shown) {
      // A retry: silent until it goes beyond what is seen. When it says something else, its end corrects the block.
      if (block.text.length <= block.shown.length || !block.text.startsWith(block.shown)) return;
      delta = block.text.slice(block.shown.length);
      block.shown = '';
    }
    this.#hooks.emit({ type: 'text.delta', id: block.id, text: delta });
  }

  #outputDelta(itemId: string, delta: string): void {
    const block = this.#open.get(itemId);
    if (!block) return;
    block.text += delta;
    // Cut seldom: each cut copies all that is kept.
    if (block.text.length > 2 * OPEN_TEXT_LIMIT) block.text = block.text.slice(-OPEN_TEXT_LIMIT);
    this.#hooks.emit({ type: 'tool.output.delta', id: block.id, text: delta });
  }

  #plan(params: Loose): void {
    const status = { pending: 'pending', inProgress: 'in_progress', completed: 'completed' } as const;
    const todos = list(params.plan).map(object).map((step) => ({
      text: string(step.step),
      status: status[string(step.status) as keyof typeof status] ?? 'pending',
    }));
    this.#hooks.emit({ type: 'todos', todos });
  }

  /** Codex counts cached tokens as input too; Usage counts each token once. There is no price. */
  #usage(usage: Loose): void {
    if (this.#parent !== null) return;
    const total = object(usage.total);
    const cached = number(total.cachedInputTokens) ?? 0;
    this.#hooks.emit({
      type: 'usage',
      usage: {
        costUsd: null,
        inputTokens: Math.max(0, (number(total.inputTokens) ?? 0) - cached),
        outputTokens: number(total.outputTokens) ?? 0,
        cacheReadTokens: cached,
        cacheWriteTokens: number(total.cacheWriteInputTokens) ?? 0,
        contextTokens: number(object(usage.last).totalTokens),
        contextWindow: number(usage.modelContextWindow),
      },
    });
  }

  /** What will not be retried is told by the turn/completed that follows. */
  #error(error: Loose, willRetry: boolean, turnId: string): void {
    if (!willRetry) return;
    for (const [itemId, block] of this.#open) {
      if (block.kind === 'tool' || block.turnId !== turnId) continue;
      this.#open.delete(itemId);
      const shown = block.text.length > block.shown.length ? block.text : block.shown;
      this.#broken.set(block.kind, { ...block, shown });
    }
    this.#notice('warning', 'api_retry', retrySentence(error), true);
  }

  #notice(level: 'info' | 'warning', code: string, text: string, passing = false): void {
    if (text) this.#hooks.emit({ type: 'notice', level, code, text, passing });
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
  diffs: [],
});
