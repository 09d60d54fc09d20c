/** One turn of a stand-in for Claude Code: what its script does, as stream-json lines. */
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

export type Json = Record<string, unknown>;

export const MODEL = 'demo-model';

/** What a turn's script can do. Every step throws Interrupted when the user interrupts. */
export interface Turn {
  readonly prompt: string;
  readonly images: number;
  readonly cwd: string;
  text(text: string, options?: { chunk?: number; delayMs?: number; parent?: string }): Promise<void>;
  thinking(text: string): Promise<void>;
  /** Shows a tool call, asks for permission if `ask`, then runs it. Gives whether it was allowed. */
  tool(call: ToolCall): Promise<boolean>;
  wait(ms: number): Promise<void>;
  /** Writes a line as it is. */
  line(line: Json): void;
  /** Ends the turn as a failure. */
  fail(text: string, status: number | null): never;
}

export interface ToolCall {
  name: string;
  input: Json;
  /** Suggestions that come with the request; left out: it is not asked for. */
  ask?: Json[];
  parent?: string;
  id?: string;
  run?(input: Json, signal: AbortSignal): Promise<ToolOutcome>;
}

export interface ToolOutcome {
  /** Or blocks of content. */
  text: string | Json[];
  details?: Json;
  isError?: boolean;
}

export type Script = (turn: Turn) => Promise<void>;

export class Interrupted extends Error {}
export class Failed extends Error {
  readonly status: number | null;
  constructor(message: string, status: number | null) {
    super(message);
    this.status = status;
  }
}

/** What a turn needs of the program around it. */
export interface TurnHost {
  /** Resolves with the answer to a permission request. */
  ask(request: Json): Promise<Json>;
  beforeEdit(path: string): Promise<void>;
}

export class ScriptedTurn implements Turn {
  readonly prompt: string;
  readonly images: number;
  readonly cwd = process.cwd();
  readonly #signal: AbortSignal;
  readonly #out: (line: Json) => void;
  readonly #session: string;
  readonly #host: TurnHost;

  constructor(
    line: Json,
    signal: AbortSignal,
    out: (line: Json) => void,
    session: string,
    host: TurnHost,
  ) {
    const { content } = line.message as { content: string | Json[] };
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    this.prompt = blocks.filter((block) => block.type === 'text').map((block) => String(block.text)).join('\n');
    this.images = blocks.filter((block) => block.type === 'image').length;
    this.#signal = signal;
    this.#out = out;
    this.#session = session;
    this.#host = host;
  }

  line(line: Json): void {
    this.#out(line);
  }

  fail(text: string, status: number | null): never {
    throw new Failed(text, status);
  }

  async wait(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#signal }).catch(() => {});
    if (this.#signal.aborted) throw new Interrupted();
  }

  text(text: string, { chunk = 12, delayMs = 0, parent }: { chunk?: number; delayMs?: number; parent?: string } = {}) {
    return this.#block(
      { type: 'text', text: '' },
      text,
      chunk,
      delayMs,
      (part) => ({ type: 'text_delta', text: part }),
      (said) => ({ type: 'text', text: said }),
      parent,
    );
  }

  thinking(text: string): Promise<void> {
    return this.#block(
      { type: 'thinking', thinking: '' },
      text,
      12,
      5,
      (part) => ({ type: 'thinking_delta', thinking: part }),
      (said) => ({ type: 'thinking', thinking: said }),
    );
  }

  async tool({ name, input, ask, parent, id = `toolu_${randomUUID()}`, run }: ToolCall): Promise<boolean> {
    const block = { type: 'tool_use', id, name, input };
    await this.#block(
      { ...block, input: {} },
      JSON.stringify(input),
      48,
      0,
      (part) => ({ type: 'input_json_delta', partial_json: part }),
      () => block,
      parent,
    );
    const answer = ask
      ? await this.#host.ask({ tool_name: name, input, tool_use_id: id, permission_suggestions: ask, description: '' })
      : { behavior: 'allow', updatedInput: input };
    if (answer.behavior !== 'allow') {
      this.#toolResult(id, String(answer.message), true, { non_execution_kind: 'permission-rule' }, {}, parent);
      if (answer.interrupt === true) throw new Interrupted();
      return false;
    }
    const used = (answer.updatedInput ?? input) as Json;
    if (name === 'Edit' || name === 'Write') await this.#host.beforeEdit(String(used.file_path));
    const done: ToolOutcome = await run?.(used, this.#signal) ?? { text: 'ok' };
    if (this.#signal.aborted) throw new Interrupted();
    this.#toolResult(id, done.text, done.isError === true, {}, done.details ?? {}, parent);
    return true;
  }

  #toolResult(
    id: string,
    text: ToolOutcome['text'],
    isError: boolean,
    meta: Json,
    details: Json,
    parent?: string,
  ): void {
    this.#out({
      type: 'user',
      uuid: randomUUID(),
      message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: text, is_error: isError }] },
      parent_tool_use_id: parent ?? null,
      session_id: this.#session,
      tool_use_result: details,
      tool_result_meta: [{ id, ...meta }],
    });
  }

  /** One content block as its own API message: start, deltas, the complete line, stop. */
  async #block(
    start: Json,
    text: string,
    chunk: number,
    delayMs: number,
    delta: (part: string) => Json,
    whole: (said: string) => Json,
    parent?: string,
  ): Promise<void> {
    const id = `msg_${randomUUID()}`;
    const around = { session_id: this.#session, parent_tool_use_id: parent ?? null };
    const event = (line: Json) => this.#out({ type: 'stream_event', event: line, ...around });
    event({ type: 'message_start', message: { id, role: 'assistant', content: [] } });
    event({ type: 'content_block_start', index: 0, content_block: start });
    let said = '';
    try {
      while (said.length < text.length) {
        const part = text.slice(said.length, said.length + chunk);
        said += part;
        event({ type: 'content_block_delta', index: 0, delta: delta(part) });
        if (delayMs > 0 || this.#signal.aborted) await this.wait(delayMs);
      }
    } finally {
      this.#out({
        type: 'assistant',
        uuid: randomUUID(),
        message: { id, role: 'assistant', model: MODEL, content: [whole(said)] },
        ...around,
      });
    }
    event({ type: 'content_block_stop', index: 0 });
    event({
      type: 'message_delta',
      delta: {},
      usage: { input_tokens: 1000, output_tokens: Math.ceil(text.length / 4) },
    });
  }
}
