/**
 * Claude Code's side of stream-json, for programs that stand in for it: the demo agent and the tests' fake. What a turn does is
 * a script; this keeps the protocol: queue, interrupt, permission requests, streaming, results.
 */
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { Checkpoints } from './checkpoints.ts';
import { Failed, Interrupted, type Json, MODEL, type Script, ScriptedTurn } from './claude-turn.ts';

/** What a demo turn pretends to cost, dollars. */
const TURN_COST = 0.0042;

const HOST_GONE: Json = { behavior: 'deny', message: 'The host is gone.' };

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
  readonly #checkpoints = new Checkpoints();
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
      for (const answer of this.#answers.values()) answer(HOST_GONE);
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
      case 'rewind_files': {
        const { user_message_id: message, dry_run: dryRun } = request;
        return void this.#checkpoints.rewind(String(message), dryRun === true).then(reply);
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
    this.#checkpoints.begin(String(line.uuid));
    const turn = new ScriptedTurn(line, signal, this.#out, this.#session, {
      ask: (request) => this.#ask(request, signal),
      beforeEdit: (path) => this.#checkpoints.note(path),
    });
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
    if (this.#inputEnded) return Promise.resolve(HOST_GONE); // nobody is left who could answer
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

/** Value of `--name value` or `--name=value`. */
export function argument(name: string): string | undefined {
  const at = process.argv.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (at < 0) return undefined;
  const joined = process.argv[at]!.indexOf('=');
  return joined > 0 ? process.argv[at]!.slice(joined + 1) : process.argv[at + 1];
}
