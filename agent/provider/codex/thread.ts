/** The app-server's notifications about one thread as provider events. */
import { ThreadBlocks } from './blocks.ts';
import { errorSentence, retrySentence } from './text.ts';
import { type JsonObject, list, number, object, string } from '../untyped-json.ts';
import type { ProviderEvent } from '../provider.ts';

/** The turn's error does not say when the limit is reset: what was said of it before holds. */
const LIMIT_REACHED: ProviderEvent = {
  type: 'notice',
  level: 'warning',
  code: 'rate_limit',
  text: 'The Codex limit is reached.',
  passing: true,
  limit: { isReached: true, resetsAt: null },
};

export interface ThreadHooks {
  emit(event: ProviderEvent): void;
  /** The turn that runs now, or null. Not called for a subagent's thread. */
  turn(turnId: string | null): void;
  /** Codex has taken up this message of ours. */
  taken(messageId: string): void;
}

export class ThreadEvents {
  readonly blocks: ThreadBlocks;
  readonly #hooks: ThreadHooks;
  /** Tool message of the subagent whose thread this is, empty when unknown; null for the session's own thread. */
  readonly #parent: string | null;

  constructor(hooks: ThreadHooks, parent: string | null = null) {
    this.#hooks = hooks;
    this.#parent = parent;
    this.blocks = new ThreadBlocks(hooks.emit, hooks.taken, parent);
  }

  /** Tool message that it is shown below; empty: none that is known. */
  get parent(): string {
    return this.#parent ?? '';
  }

  notify(method: string, params: JsonObject): void {
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
        return this.blocks.itemStarted(item, string(params.turnId));
      case 'item/completed':
        return this.blocks.itemCompleted(item);
      case 'item/agentMessage/delta':
      case 'item/plan/delta':
      case 'item/reasoning/summaryTextDelta':
      case 'item/reasoning/textDelta':
        return this.blocks.textDelta(itemId, delta);
      case 'item/reasoning/summaryPartAdded':
        return this.blocks.textDelta(itemId, number(params.summaryIndex) ? '\n\n' : '');
      case 'item/commandExecution/outputDelta':
        return this.blocks.outputDelta(itemId, delta);
      case 'item/fileChange/patchUpdated':
        return this.blocks.patchUpdated(itemId, params.changes);
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

  #turnStarted(turn: JsonObject): void {
    if (this.#parent !== null) return;
    this.#hooks.turn(string(turn.id));
    this.#hooks.emit({ type: 'turn.start' });
  }

  #turnCompleted(turn: JsonObject): void {
    const status = string(turn.status);
    // A command that Codex left running in the background outlives a turn that ended well.
    this.blocks.close(string(turn.id), status === 'completed');
    if (this.#parent !== null) return;
    this.#hooks.turn(null);
    if (object(turn.error).codexErrorInfo === 'usageLimitExceeded') this.#hooks.emit(LIMIT_REACHED);
    this.#hooks.emit({
      type: 'turn.end',
      outcome: status === 'interrupted' ? 'interrupted' : status === 'failed' ? 'error' : 'done',
      text: status === 'failed' ? errorSentence(object(turn.error)) : '',
      durationMs: number(turn.durationMs) ?? 0,
      ...(string(turn.id) ? { point: string(turn.id) } : {}),
    });
  }

  #plan(params: JsonObject): void {
    const status = { pending: 'pending', inProgress: 'in_progress', completed: 'completed' } as const;
    const todos = list(params.plan).map(object).map((step) => ({
      text: string(step.step),
      status: status[string(step.status) as keyof typeof status] ?? 'pending',
    }));
    this.#hooks.emit({ type: 'todos', todos });
  }

  /** Codex counts cached tokens as input too; Usage counts each token once. There is no price. */
  #usage(usage: JsonObject): void {
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

  /** An error that will not be retried is reported by the turn/completed that follows. */
  #error(error: JsonObject, willRetry: boolean, turnId: string): void {
    if (!willRetry) return;
    this.blocks.breakOff(turnId);
    this.#notice('warning', 'api_retry', retrySentence(error), true);
  }

  #notice(level: 'info' | 'warning', code: string, text: string, passing = false): void {
    if (text) this.#hooks.emit({ type: 'notice', level, code, text, passing });
  }
}
