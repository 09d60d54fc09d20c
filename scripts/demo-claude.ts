/**
 * A scripted stand-in for Claude Code that speaks its stream-json protocol, so that the dashboard can be tried without an
 * account: it streams, asks before it writes a file, and writes it. `--version` says "demo", and the dashboard labels it.
 * The protocol part (serveClaude) also drives the tests' fake.
 */
import { randomUUID } from 'node:crypto';
import { realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

type Json = Record<string, unknown>;

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
  run?(input: Json, signal: AbortSignal): Promise<{ text: string; details?: Json; isError?: boolean }>;
}

export type Script = (turn: Turn) => Promise<void>;

class Interrupted extends Error {}
class Failed extends Error {
  readonly status: number | null;
  constructor(message: string, status: number | null) {
    super(message);
    this.status = status;
  }
}

const MODEL = 'demo-model';
/** What a demo turn pretends to cost, dollars. */
const TURN_COST = 0.0042;

export interface ServeOptions {
  version: string;
  script: Script;
  /** Everything that came in on stdin, for tests. */
  onInput?(line: Json): void;
}

export function serveClaude(options: ServeOptions): void {
  new Host(options).run();
}

class Host {
  readonly #options: ServeOptions;
  readonly #out = (line: Json) => void process.stdout.write(`${JSON.stringify(line)}\n`);
  #session = argument('resume') && !process.argv.includes('--fork-session') ? argument('resume')! : randomUUID();
  #mode = argument('permission-mode') ?? 'default';
  #model = argument('model') ?? MODEL;
  #queue: Json[] = [];
  #current: { abort: AbortController; uuid: string } | null = null;
  #answers = new Map<string, (response: Json) => void>();
  #turns = 0;
  #inputEnded = false;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  run(): void {
    const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
    lines.on('line', (line) => {
      let value: Json;
      try {
        value = JSON.parse(line);
      } catch {
        process.stderr.write('Error: input is not JSON\n');
        process.exit(1);
      }
      this.#options.onInput?.(value);
      this.#onLine(value);
    });
    lines.on('close', () => {
      this.#inputEnded = true;
      for (const answer of this.#answers.values()) answer({ behavior: 'deny', message: 'The host is gone.' });
      if (!this.#current) process.exit(0);
    });
    process.on('SIGINT', () => this.#current ? this.#current.abort.abort() : process.exit(0));
    process.on('SIGTERM', () => process.exit(143));
  }

  #onLine(line: Json): void {
    if (line.type === 'user') return this.#onUser(line);
    if (line.type === 'control_request') return this.#onControl(String(line.request_id), line.request as Json);
    if (line.type === 'control_response') {
      const response = line.response as Json;
      this.#out(line); // the real one echoes it under --replay-user-messages
      this.#answers.get(String(response.request_id))?.(
        response.response as Json ?? { behavior: 'deny', message: 'error' },
      );
      this.#answers.delete(String(response.request_id));
    }
  }

  #onUser(line: Json): void {
    this.#lifecycle(String(line.uuid), 'queued');
    this.#queue.push(line);
    if (!this.#current) void this.#next();
  }

  #lifecycle(uuid: string, state: string): void {
    this.#out({ type: 'command_lifecycle', command_uuid: uuid, state, session_id: this.#session });
  }

  #onControl(id: string, request: Json): void {
    const reply = (response: Json = {}) =>
      this.#out({ type: 'control_response', response: { subtype: 'success', request_id: id, response } });
    switch (request.subtype) {
      case 'initialize':
        return reply(this.#capabilities());
      case 'interrupt':
        this.#current?.abort.abort();
        return reply({ still_queued: this.#queue.map((line) => line.uuid) });
      case 'set_permission_mode':
        this.#mode = String(request.mode);
        this.#out({
          type: 'system',
          subtype: 'status',
          status: null,
          permissionMode: this.#mode,
          session_id: this.#session,
        });
        return reply({ mode: this.#mode });
      case 'set_model':
        this.#model = String(request.model);
        return reply({ model: this.#model });
      case 'cancel_async_message': {
        const at = this.#queue.findIndex((line) => line.uuid === request.message_uuid);
        if (at >= 0) {
          this.#queue.splice(at, 1);
          this.#lifecycle(String(request.message_uuid), 'cancelled');
        }
        return reply({ cancelled: at >= 0 });
      }
      default:
        return reply();
    }
  }

  #capabilities(): Json {
    return {
      claude_code_version: this.#options.version,
      pid: process.pid,
      account: {},
      commands: [{ name: 'compact', description: 'Summarise the conversation', argumentHint: '' }],
      models: [{ value: MODEL, displayName: 'Demo', supportedEffortLevels: ['low', 'medium', 'high'] }],
    };
  }

  async #next(): Promise<void> {
    const line = this.#queue.shift();
    if (!line) {
      if (this.#inputEnded) process.exit(0);
      return;
    }
    const uuid = String(line.uuid);
    const abort = new AbortController();
    this.#current = { abort, uuid };
    const startedAt = Date.now();
    this.#lifecycle(uuid, 'started');
    this.#out({
      type: 'system',
      subtype: 'init',
      session_id: this.#session,
      cwd: process.cwd(),
      model: this.#model,
      permissionMode: this.#mode,
    });
    this.#out({ ...line, isReplay: true, session_id: this.#session });
    const end = await this.#runScript(line, abort.signal);
    this.#turns++;
    this.#out(this.#result(end, Date.now() - startedAt));
    this.#lifecycle(uuid, end === 'interrupted' ? 'cancelled' : 'completed');
    this.#current = null;
    await this.#next();
  }

  async #runScript(line: Json, signal: AbortSignal): Promise<'done' | 'interrupted' | Failed> {
    const turn = new ScriptedTurn(line, signal, this.#out, this.#session, (request) => this.#ask(request, signal));
    try {
      await this.#options.script(turn);
      return signal.aborted ? 'interrupted' : 'done';
    } catch (error) {
      if (error instanceof Failed) return error;
      if (error instanceof Interrupted || signal.aborted) return 'interrupted';
      return new Failed(String(error), null);
    }
  }

  /** Resolves with the host's answer; an interrupt withdraws the request. */
  #ask(request: Json, signal: AbortSignal): Promise<Json> {
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        if (!this.#answers.delete(id)) return;
        this.#out({ type: 'control_cancel_request', request_id: id });
        reject(new Interrupted());
      });
      this.#answers.set(id, (answer) => {
        for (const update of (answer.updatedPermissions ?? []) as Json[]) {
          if (update.type === 'setMode') this.#mode = String(update.mode);
        }
        resolve(answer);
      });
      this.#out({ type: 'control_request', request_id: id, request: { subtype: 'can_use_tool', ...request } });
    });
  }

  #result(end: 'done' | 'interrupted' | Failed, durationMs: number): Json {
    const tokens = 1000 * this.#turns;
    return {
      type: 'result',
      subtype: end === 'interrupted' ? 'error_during_execution' : 'success',
      is_error: end !== 'done',
      terminal_reason: end === 'done' ? 'completed' : end === 'interrupted' ? 'aborted_streaming' : 'api_error',
      api_error_status: end instanceof Failed ? end.status : null,
      result: end instanceof Failed ? end.message : '',
      duration_ms: durationMs,
      num_turns: 1,
      total_cost_usd: TURN_COST * this.#turns,
      session_id: this.#session,
      modelUsage: {
        [this.#model]: {
          inputTokens: tokens,
          outputTokens: tokens / 10,
          costUSD: TURN_COST * this.#turns,
          contextWindow: 200_000,
        },
      },
    };
  }
}

class ScriptedTurn implements Turn {
  readonly prompt: string;
  readonly images: number;
  readonly cwd = process.cwd();
  readonly #signal: AbortSignal;
  readonly #out: (line: Json) => void;
  readonly #session: string;
  readonly #ask: (request: Json) => Promise<Json>;

  constructor(
    line: Json,
    signal: AbortSignal,
    out: (line: Json) => void,
    session: string,
    ask: (request: Json) => Promise<Json>,
  ) {
    const { content } = line.message as { content: string | Json[] };
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    this.prompt = blocks.filter((block) => block.type === 'text').map((block) => String(block.text)).join('\n');
    this.images = blocks.filter((block) => block.type === 'image').length;
    this.#signal = signal;
    this.#out = out;
    this.#session = session;
    this.#ask = ask;
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
      ? await this.#ask({ tool_name: name, input, tool_use_id: id, permission_suggestions: ask, description: '' })
      : { behavior: 'allow', updatedInput: input };
    if (answer.behavior !== 'allow') {
      this.#toolResult(id, String(answer.message), true, { non_execution_kind: 'permission-rule' }, {}, parent);
      if (answer.interrupt === true) throw new Interrupted();
      return false;
    }
    const done = await run?.((answer.updatedInput ?? input) as Json, this.#signal) ?? { text: 'ok' };
    if (this.#signal.aborted) throw new Interrupted();
    this.#toolResult(id, done.text, done.isError === true, {}, done.details ?? {}, parent);
    return true;
  }

  #toolResult(id: string, text: string, isError: boolean, meta: Json, details: Json, parent?: string): void {
    this.#out({
      type: 'user',
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

/** Value of `--name value` or `--name=value`. */
export function argument(name: string): string | undefined {
  const at = process.argv.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (at < 0) return undefined;
  const joined = process.argv[at]!.indexOf('=');
  return joined > 0 ? process.argv[at]!.slice(joined + 1) : process.argv[at + 1];
}

const DEMO_FILE = 'hello-from-the-demo.md';

/** What the demo agent does with whatever it is told. */
const demoScript: Script = async (turn) => {
  await turn.thinking('This is the scripted demo. I show what a session looks like.');
  await turn.text(
    `You said: *${turn.prompt.slice(0, 300)}*\n\nI am the **scripted demo agent**: no account, no model, no cost. ` +
      `I will now ask for your permission to write \`${DEMO_FILE}\` in my folder.`,
    { chunk: 6, delayMs: 25 },
  );
  const content = `# Hello from the demo\n\nYou wrote: ${turn.prompt}\n`;
  const allowed = await turn.tool({
    name: 'Write',
    input: { file_path: join(turn.cwd, DEMO_FILE), content },
    ask: [{ type: 'setMode', mode: 'acceptEdits', destination: 'session' }],
    run: (input) => {
      const path = String(input.file_path);
      writeFileSync(path, String(input.content));
      return Promise.resolve({
        text: `File created successfully at: ${path}`,
        details: { type: 'create', filePath: path, content: input.content },
      });
    },
  });
  await turn.text(
    allowed
      ? `Done: \`${DEMO_FILE}\` is there. Install Claude Code or Codex and start again to work with a real agent.`
      : 'You said no, so nothing was written. That is how it works with a real agent, too.',
    { chunk: 6, delayMs: 25 },
  );
};

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--version')) console.log('0.0.0 (Agent Monitor demo, no real agent)');
  else serveClaude({ version: '0.0.0 demo', script: demoScript });
}
