/**
 * Claude's output lines (stream-json, seen with 2.1.197 and 2.1.330) as provider events. Keeps only what is needed to name
 * things; a type that it does not know is a sign of life and nothing else.
 */
import { modeOf } from './claude-capabilities.ts';
import { type OpenRequest, readRequest } from './claude-requests.ts';
import { isLost, outcomeOf, usageOf } from './claude-result.ts';
import { notLoggedIn, rateLimitText, retryText, turnText } from './claude-text.ts';
import { todosOf, toolEnd, toolTitle } from './claude-tools.ts';
import { list, type Loose, number, object, string } from './loose.ts';
import type { ProviderEvent } from './provider.ts';

/** Content blocks whose id is remembered, per API message: far more than any answer has. */
const MESSAGES_KNOWN = 200;

export interface ReaderHooks {
  emit(event: ProviderEvent): void;
  /** A request that waits for a decision; its event is emitted by the reader. */
  opened(request: OpenRequest): void;
  /** The CLI has withdrawn it. */
  withdrawn(requestId: string): void;
  /** A tool has its result: a request about it is over. */
  toolDone(toolId: string): void;
  /** The answer to a control request of ours, or the echo of our answer to one of its. */
  response(requestId: string, response: Loose): void;
  /** A control request that is not about a permission. */
  unsupported(requestId: string): void;
}

export class ClaudeReader {
  readonly #hooks: ReaderHooks;
  readonly #emit: (event: ProviderEvent) => void;
  isTurning = false;
  /** The session that was to be resumed does not exist. */
  isSessionLost = false;
  backgroundTasks = 0;
  #model = '';
  /** What streams in the main thread (key '') and in each subagent: API message, block in it, tool of that block. */
  #streaming = new Map<string, { id: string; block: number; tool: string }>();
  /** API message id → blocks that came complete. */
  #complete = new Map<string, number>();
  #lifecycle = new Map<string, 'queued' | 'started'>();

  constructor(hooks: ReaderHooks) {
    this.#hooks = hooks;
    this.#emit = hooks.emit;
  }

  read(line: Loose): void {
    switch (line.type) {
      case 'stream_event':
        return this.#onStream(object(line.event), string(line.parent_tool_use_id));
      case 'assistant':
        return this.#onAssistant(line);
      case 'user':
        return this.#onUser(line);
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

  #beginTurn(): void {
    if (this.isTurning) return;
    this.isTurning = true;
    this.#emit({ type: 'turn.start' });
  }

  #onStream(event: Loose, parent: string): void {
    const at = this.#streaming.get(parent);
    switch (event.type) {
      case 'message_start':
        if (!parent) this.#beginTurn();
        return void this.#streaming.set(parent, { id: string(object(event.message).id), block: -1, tool: '' });
      case 'content_block_start':
        if (!at) return;
        at.block = number(event.index) ?? at.block + 1;
        at.tool = string(object(event.content_block).id);
        return this.#onBlockStart(object(event.content_block), `${at.id}:${at.block}`, parent);
      case 'content_block_delta':
        if (at) this.#onDelta(object(event.delta), `${at.id}:${at.block}`, at.tool);
        return;
      case 'message_delta':
        if (!parent) this.#tellContext(object(event.usage));
        return;
    }
  }

  #onBlockStart(block: Loose, id: string, parent: string): void {
    const inside = parent ? { parent } : {};
    if (block.type === 'text' || block.type === 'thinking') {
      return this.#emit({ type: 'text.start', id, thinking: block.type === 'thinking', ...inside });
    }
    if (block.type !== 'tool_use') return;
    this.#emit({ type: 'tool.start', id: string(block.id), tool: string(block.name), ...inside });
  }

  #onDelta(delta: Loose, id: string, tool: string): void {
    switch (delta.type) {
      case 'text_delta':
        return this.#emit({ type: 'text.delta', id, text: string(delta.text) });
      case 'thinking_delta':
        return this.#emit({ type: 'text.delta', id, text: string(delta.thinking) });
      case 'input_json_delta':
        return this.#emit({ type: 'tool.input.delta', id: tool, text: string(delta.partial_json) });
    }
  }

  /** One line a finished block, in the order of the blocks, while or after it streams. */
  #onAssistant(line: Loose): void {
    const message = object(line.message);
    const parent = string(line.parent_tool_use_id);
    const inside = parent ? { parent } : {};
    if (!parent) this.#beginTurn();
    for (const block of list(message.content).map(object)) {
      const id = this.#blockId(string(message.id), parent);
      if (block.type === 'text' || block.type === 'thinking') {
        // The end of the turn tells the same words as its error.
        if (line.error !== undefined && line.error !== null) continue;
        const thinking = block.type === 'thinking';
        const text = string(thinking ? block.thinking : block.text);
        if (text) this.#emit({ type: 'text.end', id, thinking, text, ...inside });
      } else if (block.type === 'tool_use') this.#onToolUse(block, inside);
    }
    if (string(line.error) === 'authentication_failed') {
      this.#emit({ type: 'notice', level: 'error', code: 'login', text: notLoggedIn, passing: true });
    }
  }

  #blockId(message: string, parent: string): string {
    const done = this.#complete.get(message) ?? 0;
    this.#complete.set(message, done + 1);
    if (this.#complete.size > MESSAGES_KNOWN) this.#complete.delete(this.#complete.keys().next().value!);
    const at = this.#streaming.get(parent);
    // While it streams the block's own index is the truth: a block that never came complete must not shift the rest.
    return `${message}:${at?.id === message ? Math.max(at.block, 0) : done}`;
  }

  #onToolUse(block: Loose, inside: { parent?: string }): void {
    const tool = string(block.name);
    const input = object(block.input);
    this.#emit({ type: 'tool.input', id: string(block.id), tool, title: toolTitle(input), input, ...inside });
    const todos = todosOf(tool, input);
    if (todos) this.#emit({ type: 'todos', todos });
  }

  #onUser(line: Loose): void {
    if (line.isReplay === true && string(line.uuid)) {
      // Versions without command_lifecycle show by this alone that they took the message.
      this.#emit({ type: 'message.status', id: string(line.uuid), status: 'sent' });
    }
    for (const block of list(object(line.message).content).map(object)) {
      if (block.type !== 'tool_result') continue;
      const id = string(block.tool_use_id);
      this.#emit({ type: 'tool.end', id, ...toolEnd(block, line.tool_use_result, line.tool_result_meta) });
      this.#hooks.toolDone(id);
    }
  }

  #onSystem(line: Loose): void {
    const notice = (level: 'info' | 'warning', code: string, text: string, passing = true) =>
      text ? this.#emit({ type: 'notice', level, code, text, passing }) : undefined;
    switch (line.subtype) {
      case 'init':
        this.#model = string(line.model);
        this.#emit({
          type: 'session',
          sessionId: string(line.session_id),
          model: this.#model,
          cwd: string(line.cwd),
          ...modeOf(line.permissionMode),
        });
        return this.#beginTurn();
      case 'status':
        return this.#onStatus(line);
      case 'api_retry':
        return notice('warning', 'api_retry', retryText(line));
      case 'compact_boundary':
        return notice('info', 'compacted', 'The conversation was summarised to make room.', false);
      case 'informational':
        return notice('info', 'informational', string(line.content) || string(line.message) || string(line.text));
      case 'permission_denied':
        return notice(
          'warning',
          'permission_denied',
          string(line.message) || `${string(line.tool_name)} was not allowed.`,
        );
      case 'background_tasks_changed':
        this.backgroundTasks = list(line.tasks).length;
        return notice('info', 'background', backgroundText(list(line.tasks)));
      case 'task_started':
      case 'task_progress':
        return notice('info', 'task', string(line.description));
      case 'task_notification':
        return notice('info', 'task', string(line.summary));
      case 'session_title_changed':
        return this.#emit({ type: 'title', title: string(line.title) });
      default:
        return this.#emit({ type: 'activity' });
    }
  }

  #onStatus(line: Loose): void {
    const { mode } = modeOf(line.permissionMode);
    if (mode) this.#emit({ type: 'session', sessionId: string(line.session_id), mode });
    if (line.status === 'compacting') {
      this.#emit({
        type: 'notice',
        level: 'info',
        code: 'compacting',
        text: 'Summarising the conversation …',
        passing: true,
      });
    } else if (line.compact_result === 'failed') {
      this.#emit({
        type: 'notice',
        level: 'warning',
        code: 'compacting',
        text: string(line.compact_error),
        passing: true,
      });
    } else this.#emit({ type: 'activity' });
  }

  #onResult(line: Loose): void {
    if (!this.isTurning && isLost(line)) {
      this.isSessionLost = true;
      return;
    }
    this.isTurning = false;
    this.#streaming.clear();
    this.#complete.clear();
    this.#emit({ type: 'usage', usage: usageOf(line, this.#model) });
    const outcome = outcomeOf(line);
    this.#emit({
      type: 'turn.end',
      outcome,
      // The text of a good end has been told as the answer.
      text: outcome === 'done' || outcome === 'interrupted' ? '' : turnText(line),
      durationMs: number(line.duration_ms) ?? 0,
    });
  }

  #tellContext(usage: Loose): void {
    const keys = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens', 'output_tokens'];
    const contextTokens = keys.reduce((total, key) => total + (number(usage[key]) ?? 0), 0);
    if (contextTokens) this.#emit({ type: 'usage', usage: { contextTokens } });
  }

  #onControlRequest(line: Loose): void {
    const requestId = string(line.request_id);
    const request = object(line.request);
    if (request.subtype !== 'can_use_tool') return this.#hooks.unsupported(requestId);
    const { open, told } = readRequest(requestId, request);
    this.#hooks.opened(open);
    this.#emit({ type: 'request', request: told });
  }

  #onLifecycle(id: string, state: string): void {
    const before = this.#lifecycle.get(id);
    if (state === 'queued') {
      this.#lifecycle.set(id, 'queued');
      // Every message passes the queue; only behind a running turn does it stay there.
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

  #onRateLimit(info: Loose): void {
    const text = rateLimitText(info);
    if (!text) return this.#emit({ type: 'activity' });
    this.#emit({ type: 'notice', level: 'warning', code: 'rate_limit', text, passing: true });
  }
}

const backgroundText = (tasks: unknown[]): string =>
  tasks.length ? `In the background: ${tasks.map((task) => string(object(task).description)).join(', ')}` : '';
