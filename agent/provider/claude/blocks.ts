/** Texts, thoughts and tool calls of Claude's answers, while they stream and when they are complete, as provider events. */
import { notLoggedIn } from './text.ts';
import { todosOf, toolEnd, toolTitle } from './tools.ts';
import { type JsonObject, list, number, object, string } from '../untyped-json.ts';
import type { ProviderEvent } from '../provider.ts';

/** API messages whose blocks are counted: far more than stream at the same time. */
const MAX_MESSAGES = 200;

export interface BlockHooks {
  emit(event: ProviderEvent): void;
  /** The main thread says something: a turn runs. */
  turnBegan(): void;
  /** A tool has its result: a request about it is over. */
  toolDone(toolId: string): void;
}

/** As JSON: a later server goes on reading where this one was. */
export interface BlocksSnapshot {
  streaming: [string, { id: string; block: number; tool: string }][];
  complete: [string, number][];
}

export class ClaudeBlocks {
  readonly #hooks: BlockHooks;
  readonly #emit: (event: ProviderEvent) => void;
  /** What streams in the main thread (key '') and in each subagent: API message, block in it, tool of that block. */
  readonly #streaming = new Map<string, { id: string; block: number; tool: string }>();
  /** API message id → number of its blocks that came complete. */
  readonly #complete = new Map<string, number>();

  constructor(hooks: BlockHooks) {
    this.#hooks = hooks;
    this.#emit = hooks.emit;
  }

  snapshot(): BlocksSnapshot {
    return {
      streaming: [...this.#streaming].map(([parent, at]) => [parent, { ...at }]),
      complete: [...this.#complete],
    };
  }

  restore({ streaming, complete }: BlocksSnapshot): void {
    for (const [parent, at] of streaming) this.#streaming.set(parent, at);
    for (const [message, count] of complete) this.#complete.set(message, count);
  }

  /** A turn has ended. */
  reset(): void {
    this.#streaming.clear();
    this.#complete.clear();
  }

  onStream(event: JsonObject, parent: string): void {
    const at = this.#streaming.get(parent);
    switch (event.type) {
      case 'message_start':
        if (!parent) this.#hooks.turnBegan();
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
        if (!parent) this.#emitContextUsage(object(event.usage));
        return;
    }
  }

  #onBlockStart(block: JsonObject, id: string, parent: string): void {
    const nesting = parent ? { parent } : {};
    if (block.type === 'text' || block.type === 'thinking') {
      return this.#emit({ type: 'text.start', id, thinking: block.type === 'thinking', ...nesting });
    }
    if (block.type !== 'tool_use') return;
    this.#emit({ type: 'tool.start', id: string(block.id), tool: string(block.name), ...nesting });
  }

  #onDelta(delta: JsonObject, id: string, tool: string): void {
    switch (delta.type) {
      case 'text_delta':
        return this.#emit({ type: 'text.delta', id, text: string(delta.text) });
      case 'thinking_delta':
        return this.#emit({ type: 'text.delta', id, text: string(delta.thinking) });
      case 'input_json_delta':
        return this.#emit({ type: 'tool.input.delta', id: tool, text: string(delta.partial_json) });
    }
  }

  /** One line per finished block, in the order of the blocks, while or after it streams. */
  onAssistant(line: JsonObject): void {
    const message = object(line.message);
    const parent = string(line.parent_tool_use_id);
    const nesting = parent ? { parent } : {};
    if (!parent) this.#hooks.turnBegan();
    for (const block of list(message.content).map(object)) {
      const id = this.#blockId(string(message.id), parent);
      if (block.type === 'text' || block.type === 'thinking') {
        // The turn's error, which follows, has the same text.
        if (line.error !== undefined && line.error !== null) continue;
        const thinking = block.type === 'thinking';
        const text = string(thinking ? block.thinking : block.text);
        if (text) this.#emit({ type: 'text.end', id, thinking, text, ...nesting });
      } else if (block.type === 'tool_use') this.#onToolUse(block, nesting);
    }
    if (string(line.error) === 'authentication_failed') {
      this.#emit({ type: 'notice', level: 'error', code: 'login', text: notLoggedIn, passing: true });
    }
  }

  #blockId(message: string, parent: string): string {
    const done = this.#complete.get(message) ?? 0;
    this.#complete.set(message, done + 1);
    if (this.#complete.size > MAX_MESSAGES) this.#complete.delete(this.#complete.keys().next().value!);
    const at = this.#streaming.get(parent);
    // While a message streams, the index counts: a block that never came complete must not shift the others.
    return `${message}:${at?.id === message ? Math.max(at.block, 0) : done}`;
  }

  #onToolUse(block: JsonObject, nesting: { parent?: string }): void {
    const tool = string(block.name);
    const input = object(block.input);
    this.#emit({ type: 'tool.input', id: string(block.id), tool, title: toolTitle(input), input, ...nesting });
    const todos = todosOf(tool, input);
    if (todos) this.#emit({ type: 'todos', todos });
  }

  onUser(line: JsonObject): void {
    if (line.isReplay === true && string(line.uuid)) {
      // In versions without command_lifecycle this alone shows that the message was taken.
      this.#emit({ type: 'message.status', id: string(line.uuid), status: 'sent' });
    }
    const time = Date.parse(string(line.timestamp));
    const at = Number.isNaN(time) ? {} : { at: time };
    for (const block of list(object(line.message).content).map(object)) {
      if (block.type !== 'tool_result') continue;
      const id = string(block.tool_use_id);
      this.#emit({ type: 'tool.end', id, ...toolEnd(block, line.tool_use_result, line.tool_result_meta), ...at });
      this.#hooks.toolDone(id);
    }
  }

  #emitContextUsage(usage: JsonObject): void {
    const keys = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens', 'output_tokens'];
    const contextTokens = keys.reduce((total, key) => total + (number(usage[key]) ?? 0), 0);
    if (contextTokens) this.#emit({ type: 'usage', usage: { contextTokens } });
  }
}
