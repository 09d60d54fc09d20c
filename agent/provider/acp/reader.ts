/** `session/update` of the Agent Client Protocol, version 1, as events. Pure but for the emitter. */
import type { Capabilities, Usage } from '../../../core/api/agents.ts';
import type { Todo, ToolStatus } from '../../../core/api/messages.ts';
import type { ProviderEvent } from '../provider.ts';
import { type JsonObject, list, number, object, string } from '../untyped-json.ts';
import { emptyCall, isOver, resultOf, statusOf, type ToolCall, toolInput, toolName, updateCall } from './tools.ts';

/** Tool calls that are remembered; the oldest that is over goes first. */
export const MAX_CALL = 1000;
/** Characters of one streamed text. */
export const MAX_OPEN_TEXT = 2 * 1024 * 1024;
const MAX_COMMAND = 500;

export interface ReaderHooks {
  emit(event: ProviderEvent): void;
  /** Settings of the session changed: `current_mode_update` or `config_option_update`. */
  options(update: JsonObject): void;
  commands(commands: Capabilities['commands']): void;
}

interface OpenText {
  id: string;
  thinking: boolean;
  /** Where the agent tells where a message ends. */
  messageId: string;
  text: string;
}

/** As JSON: a later server goes on with it. */
export interface ReaderSnapshot {
  calls: ToolCall[];
  text: OpenText | null;
  texts: number;
  lastChunk: string;
}

export class AcpReader {
  readonly #hooks: ReaderHooks;
  readonly #calls = new Map<string, ToolCall>();
  readonly #prefix: string;
  #text: OpenText | null = null;
  #texts = 0;
  /** The last piece of text of the turn: some agents tell a failure only in it. */
  lastChunk = '';
  /** History is being replayed (session/load): it stands in our journal already. */
  isReplaying = false;

  /** @param prefix of the ids of texts; unique within the agent's conversation */
  constructor(hooks: ReaderHooks, prefix: string) {
    this.#hooks = hooks;
    this.#prefix = prefix;
  }

  snapshot(): ReaderSnapshot {
    return { calls: [...this.#calls.values()], text: this.#text, texts: this.#texts, lastChunk: this.lastChunk };
  }

  restore({ calls, text, texts, lastChunk }: ReaderSnapshot): void {
    for (const call of calls) this.#calls.set(call.id, call);
    this.#text = text;
    this.#texts = texts;
    this.lastChunk = lastChunk;
  }

  read(update: JsonObject): void {
    switch (string(update.sessionUpdate)) {
      case 'agent_message_chunk':
        return this.#onChunk(update, false);
      case 'agent_thought_chunk':
        return this.#onChunk(update, true);
      case 'tool_call':
      case 'tool_call_update':
        return this.#onTool(update);
      case 'plan':
        return this.#onPlan(update);
      case 'available_commands_update':
        return this.#hooks.commands(commandsOf(update));
      case 'current_mode_update':
      case 'config_option_update':
        return this.#hooks.options(update);
      case 'session_info_update':
        if (string(update.title) && !this.isReplaying) this.#hooks.emit({ type: 'title', title: string(update.title) });
        return;
      case 'usage_update':
        return this.#onUsage(update);
      case 'user_message_chunk': // our own words, on load
      default: // a later version's
        return this.#hooks.emit({ type: 'activity' });
    }
  }

  /** The call that a permission request is about; it may be told there for the first time. */
  call(update: JsonObject): ToolCall {
    const id = string(update.toolCallId);
    const known = this.#calls.get(id);
    // What a call that is over was about says nothing about what is asked now.
    if (known && isOver(known)) return { ...updateCall(emptyCall(id), update), id: '' };
    this.#onTool(update);
    return this.#calls.get(id) ?? updateCall(emptyCall(id), update);
  }

  /** The turn is over: what is open is closed. */
  endTurn(): void {
    this.#endText();
    this.lastChunk = '';
    for (const call of this.#calls.values()) {
      if (!isOver(call)) this.#end(call, 'cancelled');
    }
    this.#calls.clear();
  }

  #onChunk(update: JsonObject, thinking: boolean): void {
    const text = string(object(update.content).text);
    const usage = usageOf(object(object(update._meta).usage));
    if (usage) this.#hooks.emit({ type: 'usage', usage });
    if (!text || this.isReplaying) return;
    this.lastChunk = thinking ? '' : text;
    const messageId = string(update.messageId);
    const open = this.#text;
    if (!open || open.thinking !== thinking || (messageId && open.messageId && messageId !== open.messageId)) {
      this.#endText();
      const id = `${this.#prefix}-t${++this.#texts}`;
      this.#text = { id, thinking, messageId, text: '' };
      this.#hooks.emit({ type: 'text.start', id, thinking });
    }
    const current = this.#text!;
    const room = MAX_OPEN_TEXT - current.text.length;
    if (room <= 0) return;
    current.text += text.slice(0, room);
    this.#hooks.emit({ type: 'text.delta', id: current.id, text: text.slice(0, room) });
  }

  #endText(): void {
    const open = this.#text;
    this.#text = null;
    if (open) this.#hooks.emit({ type: 'text.end', id: open.id, thinking: open.thinking, text: open.text });
  }

  #onTool(update: JsonObject): void {
    const id = string(update.toolCallId);
    if (!id || this.isReplaying) return;
    const before = this.#calls.get(id);
    if (before && isOver(before)) return;
    if (!before) this.#begin(id);
    const call = updateCall(before ?? emptyCall(id), update);
    this.#calls.set(id, call);
    this.#emitInput(call, before);
    if (isOver(call)) this.#end(call, statusOf(call));
    else this.#emitOutput(call, before);
  }

  #begin(id: string): void {
    this.#endText();
    if (this.#calls.size >= MAX_CALL) {
      const oldest = [...this.#calls.values()].find(isOver) ?? this.#calls.values().next().value!;
      if (!isOver(oldest)) this.#end(oldest, 'cancelled');
      this.#calls.delete(oldest.id);
    }
    this.#hooks.emit({ type: 'tool.start', id: this.#toolId(id), tool: 'Tool' });
  }

  /** Ids are the agent's own: another session of the same agent may have the same. */
  #toolId = (id: string) => `${this.#prefix}-${id}`;
  toolId(id: string): string {
    return this.#toolId(id);
  }

  #emitInput(call: ToolCall, before: ToolCall | undefined): void {
    const isNew = !before || before.title !== call.title || before.input !== call.input || before.kind !== call.kind;
    if (!isNew) return;
    this.#hooks.emit({
      type: 'tool.input',
      id: this.#toolId(call.id),
      tool: toolName(call),
      title: call.title,
      input: toolInput(call),
    });
  }

  /** Output comes as the whole text so far: what is new of it goes on, as far as it only grew. */
  #emitOutput(call: ToolCall, before: ToolCall | undefined): void {
    const isOutput = call.status === 'in_progress' && before?.status === 'in_progress';
    if (!isOutput || call.text === before.text || !call.text.startsWith(before.text)) return;
    const text = call.text.slice(before.text.length);
    this.#hooks.emit({ type: 'tool.output.delta', id: this.#toolId(call.id), text });
  }

  #end(call: ToolCall, status: ToolStatus): void {
    const { pictures } = call;
    const result = resultOf(call);
    this.#hooks.emit({
      type: 'tool.end',
      id: this.#toolId(call.id),
      status,
      result,
      ...(pictures.length ? { pictures } : {}),
    });
    // That it is over is remembered until its turn ends; the rest of it is megabytes, on disk with every marker.
    if (this.#calls.has(call.id)) this.#calls.set(call.id, { ...emptyCall(call.id), status: call.status });
  }

  #onPlan(update: JsonObject): void {
    if (this.isReplaying) return;
    this.#hooks.emit({ type: 'todos', todos: list(update.entries).map(object).map(todoOf) });
  }

  #onUsage({ used, size, cost }: JsonObject): void {
    const { amount, currency } = object(cost);
    const usage: Partial<Usage> = { contextTokens: number(used), contextWindow: number(size) };
    if (currency === 'USD' && number(amount) !== null) usage.costUsd = number(amount);
    this.#hooks.emit({ type: 'usage', usage });
  }
}

const todoOf = (entry: JsonObject): Todo => ({
  text: string(entry.content),
  status: entry.status === 'completed' || entry.status === 'in_progress' ? entry.status : 'pending',
});

const commandsOf = (update: JsonObject): Capabilities['commands'] =>
  list(update.availableCommands).slice(0, MAX_COMMAND).map(object).map((command) => ({
    name: string(command.name),
    description: string(command.description),
    argumentHint: string(object(command.input).hint),
  })).filter(({ name }) => name !== '');

/** Token counts of a turn, where an agent tells them (not in the stable protocol). */
export function usageOf(usage: JsonObject): Partial<Usage> | null {
  const input = number(usage.inputTokens) ?? number(usage.input_tokens);
  const output = number(usage.outputTokens) ?? number(usage.output_tokens);
  if (input === null || output === null) return null;
  return { inputTokens: input, outputTokens: output };
}

/** Gemini's counts of a turn, in the prompt's result. */
export function quotaOf(result: JsonObject): Partial<Usage> | null {
  return usageOf(object(object(object(result._meta).quota).token_count));
}
