/**
 * Claude's output lines (stream-json, tested with 2.1.197 and 2.1.330) as provider events. Holds only what is needed to name
 * messages; a line of an unknown type is a sign of life and nothing else.
 */
import { type BlocksSnapshot, ClaudeBlocks } from './blocks.ts';
import { modeOf } from './capabilities.ts';
import { type OpenRequest, readRequest } from './requests.ts';
import { windowsOfEvent } from './limits.ts';
import { isLost, outcomeOf, usageOf } from './result.ts';
import { systemEvents } from './system.ts';
import { limitState, rateLimitText, turnText } from './text.ts';
import { type JsonObject, list, number, object, string } from '../untyped-json.ts';
import type { ProviderEvent } from '../provider.ts';

export interface ReaderHooks {
  emit(event: ProviderEvent): void;
  /** A request waits for a decision; the reader emits its event. */
  opened(request: OpenRequest): void;
  /** The CLI has withdrawn the request. */
  withdrawn(requestId: string): void;
  /** A tool has its result: a request about it is over. */
  toolDone(toolId: string): void;
  /** The answer to a control request of ours, or the echo of our answer to one of its. */
  response(requestId: string, response: JsonObject): void;
  /** A control request that is not about a permission. */
  unsupported(requestId: string): void;
}

/** As JSON: a later server goes on reading where this one was. */
export interface ReaderSnapshot {
  isTurning: boolean;
  backgroundTasks: number;
  model: string;
  blocks: BlocksSnapshot;
  lifecycle: [string, 'queued' | 'started'][];
  /** Missing: an older version wrote it. */
  newest?: string;
}

export class ClaudeReader {
  readonly #hooks: ReaderHooks;
  readonly #emit: (event: ProviderEvent) => void;
  isTurning = false;
  /** The session that was to be resumed does not exist. */
  isSessionLost = false;
  backgroundTasks = 0;
  #model = '';
  /** The newest line of the conversation itself, by its id. */
  #newest = '';
  readonly #blocks: ClaudeBlocks;
  #lifecycle = new Map<string, 'queued' | 'started'>();

  constructor(hooks: ReaderHooks) {
    this.#hooks = hooks;
    this.#emit = hooks.emit;
    this.#blocks = new ClaudeBlocks({
      emit: hooks.emit,
      turnBegan: () => this.#beginTurn(),
      toolDone: hooks.toolDone,
    });
  }

  snapshot(): ReaderSnapshot {
    const { isTurning, backgroundTasks } = this;
    const lifecycle = [...this.#lifecycle];
    const newest = this.#newest;
    return { isTurning, backgroundTasks, model: this.#model, blocks: this.#blocks.snapshot(), lifecycle, newest };
  }

  restore({ isTurning, backgroundTasks, model, blocks, lifecycle, newest = '' }: ReaderSnapshot): void {
    this.isTurning = isTurning;
    this.backgroundTasks = backgroundTasks;
    this.#model = model;
    this.#newest = newest;
    this.#blocks.restore(blocks);
    for (const [id, state] of lifecycle) this.#lifecycle.set(id, state);
  }

  read(line: JsonObject): void {
    switch (line.type) {
      case 'stream_event':
        return this.#blocks.onStream(object(line.event), string(line.parent_tool_use_id));
      case 'assistant':
        this.#note(line);
        return this.#blocks.onAssistant(line);
      case 'user':
        this.#note(line);
        return this.#blocks.onUser(line);
      case 'system':
        return this.#onSystem(line);
      case 'result':
        return this.#onResult(line);
      case 'control_request':
        return this.#onControlRequest(line);
      case 'control_response': {
        const response = object(line.response);
        return this.#hooks.response(string(response.request_id), response);
      }
      case 'control_cancel_request':
        this.#hooks.withdrawn(string(line.request_id));
        return this.#emit({ type: 'request.cancelled', requestId: string(line.request_id) });
      case 'command_lifecycle':
        return this.#onLifecycle(string(line.command_uuid), string(line.state));
      case 'rate_limit_event':
        return this.#onRateLimit(object(line.rate_limit_info));
      case 'conversation_reset':
        return this.#emit({ type: 'cleared' });
      default:
        return this.#emit({ type: 'activity' });
    }
  }

  /** What a subagent says is not in the conversation. */
  #note(line: JsonObject): void {
    if (!string(line.parent_tool_use_id)) this.#newest = string(line.uuid) || this.#newest;
  }

  #beginTurn(): void {
    if (this.isTurning) return;
    this.isTurning = true;
    this.#emit({ type: 'turn.start' });
  }

  #onSystem(line: JsonObject): void {
    if (line.subtype === 'init') return this.#onInit(line);
    if (line.subtype === 'background_tasks_changed') this.backgroundTasks = list(line.tasks).length;
    for (const event of systemEvents(line)) this.#emit(event);
  }

  #onInit(line: JsonObject): void {
    this.#model = string(line.model);
    this.#emit({
      type: 'session',
      sessionId: string(line.session_id),
      model: this.#model,
      cwd: string(line.cwd),
      ...modeOf(line.permissionMode),
    });
    this.#beginTurn();
  }

  #onResult(line: JsonObject): void {
    if (!this.isTurning && isLost(line)) {
      this.isSessionLost = true;
      return;
    }
    this.isTurning = false;
    this.#blocks.reset();
    this.#emit({ type: 'usage', usage: usageOf(line, this.#model) });
    const outcome = outcomeOf(line);
    this.#emit({
      type: 'turn.end',
      outcome,
      // The text of a good end was already emitted as the answer.
      text: outcome === 'done' || outcome === 'interrupted' ? '' : turnText(line),
      durationMs: number(line.duration_ms) ?? 0,
      ...(this.#newest ? { point: this.#newest } : {}),
    });
  }

  #onControlRequest(line: JsonObject): void {
    const requestId = string(line.request_id);
    const request = object(line.request);
    if (request.subtype !== 'can_use_tool') return this.#hooks.unsupported(requestId);
    const { open, shown } = readRequest(requestId, request);
    this.#hooks.opened(open);
    this.#emit({ type: 'request', request: shown });
  }

  #onLifecycle(id: string, state: string): void {
    const before = this.#lifecycle.get(id);
    if (state === 'queued') {
      this.#lifecycle.set(id, 'queued');
      // Every message passes through the queue; it stays there only while a turn runs.
      if (this.isTurning) this.#emit({ type: 'message.status', id, status: 'queued' });
    } else if (state === 'started') {
      this.#lifecycle.set(id, 'started');
      this.#emit({ type: 'message.status', id, status: 'sent' });
    } else {
      this.#lifecycle.delete(id);
      // A started message that is "cancelled" is a turn that was interrupted.
      const status = state === 'cancelled' && before !== 'started' ? 'cancelled' : 'sent';
      this.#emit({ type: 'message.status', id, status });
    }
  }

  #onRateLimit(info: JsonObject): void {
    const windows = windowsOfEvent(info);
    if (windows.length) this.#emit({ type: 'limits', windows });
    const text = rateLimitText(info);
    if (!text) return this.#emit({ type: 'activity' });
    const limit = limitState(info);
    this.#emit({ type: 'notice', level: 'warning', code: 'rate_limit', text, passing: true, limit });
  }
}
