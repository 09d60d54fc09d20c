/** One Claude Code process that speaks stream-json: commands to it, its output, and what of both a later server needs. */
import type { Clock, Timer } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { DecisionBody } from '../../../core/api/messages.ts';
import type { Capabilities, PermissionMode } from '../../../core/api/agents.ts';
import { claudeArgs } from './args.ts';
import { readCapabilities } from './capabilities.ts';
import { ControlRequests } from './control-requests.ts';
import { ClaudeReader, type ReaderSnapshot } from './reader.ts';
import { answerOf, type OpenRequest } from './requests.ts';
import { CHECKPOINTS_ON, readRewind, rewindRequest } from './rewind.ts';
import { userLine } from './user-line.ts';
import { type HeldCli, type HeldOptions, holdProcess } from '../../process/holder/held-child.ts';
import { jsonLines, type LineSplitter } from '../../process/jsonl.ts';
import { type JsonObject, object, string } from '../untyped-json.ts';
import { type CliProcess, type Launch, type ProcessEnd, spawnProcess } from '../../process/child.ts';
import type { Program } from '../../process/child-errors.ts';
import type { Environment } from '../../process/environment.ts';
import type {
  HeldSession,
  HolderOptions,
  OpenOptions,
  OutgoingMessage,
  ProviderEvent,
  ProviderSession,
  RewoundFiles,
} from '../provider.ts';

export const PROGRAM: Program = {
  name: 'Claude Code',
  setting: 'CLAUDE_BIN',
  install: 'npm install -g @anthropic-ai/claude-code',
};
/** Lines of stderr are reported together this often, ms. */
const STDERR_MS = 500;

interface Command {
  command: string;
  prefix: string[];
  env: Environment;
  clock: Clock;
  log: Log | undefined;
  /** Where its CLIs are held, so that they outlive this server; missing: they end with it. */
  holders: { dataDir: string; idleMs: number } | undefined;
}

/** As JSON: a later server goes on where this one was. */
interface SessionSnapshot {
  reader: ReaderSnapshot;
  requests: OpenRequest[];
  answered: OpenRequest[];
  /** What the CLI said of itself; null: it has not yet. */
  ready: { version: string; capabilities: Capabilities | null } | null;
  /** Bytes of a line under way that is too long. */
  dropping: number;
}

/** How the line begins that ends a turn: the holder waits for it, when no server does. */
const TURN_END = '{"type":"result"';

export class ClaudeSession implements ProviderSession {
  readonly #emit: (event: ProviderEvent) => void;
  readonly #process: CliProcess;
  readonly #reader: ClaudeReader;
  readonly #clock: Clock;
  #requests = new Map<string, OpenRequest>();
  /** Answered requests that Claude has not confirmed yet, by their ids. */
  #answered = new Map<string, OpenRequest>();
  readonly #controls = new ControlRequests((line, key) => this.#write(line, key), () => this.#clock);
  #ready: SessionSnapshot['ready'] = null;
  #isReaping = false;
  #stderrTimer: Timer | null = null;
  readonly #lines: LineSplitter;
  readonly held: HeldSession | null;

  constructor(
    { command, prefix, env, clock, log, holders }: Command,
    options: OpenOptions,
    emit: (event: ProviderEvent) => void,
  ) {
    this.#emit = emit;
    this.#clock = clock;
    this.#reader = new ClaudeReader({
      emit,
      opened: (request) => this.#requests.set(request.requestId, request),
      withdrawn: (id) => this.#requests.delete(id),
      toolDone: (toolId) => this.#toolDone(toolId),
      response: (id, response) => this.#onResponse(id, response),
      unsupported: (id) => this.#refuse(id),
    });
    this.#lines = this.#createLines();
    const launch = this.#launch({ command, prefix, env, clock, log }, options);
    const { holder } = options;
    if (holders && holder) {
      const held = holdProcess(launch, this.#heldOptions(holders, holder, options.agentId));
      this.#process = held;
      this.held = this.#createHeld(held, holder);
    } else {
      this.#process = spawnProcess(launch);
      this.held = null;
    }
    if (holder?.survivor) this.#restore(holder.survivor.state as SessionSnapshot | null);
    const initialized = (response: JsonObject) => this.#onInitialized(response, options);
    if (!this.#ready) this.#controls.send({ subtype: 'initialize' }, initialized, 'req_initialize');
  }

  #createLines(): LineSplitter {
    return jsonLines({
      value: (line) => this.#reader.read(line),
      garbage: (text) =>
        this.#notice('warning', 'garbage', `Claude Code wrote something unexpected: ${text.slice(0, 300)}`),
      dropped: (bytes) =>
        this.#notice('warning', 'dropped', `A line of ${bytes} bytes from Claude Code was too long and was dropped.`),
    });
  }

  #launch({ command, prefix, env, clock, log }: Omit<Command, 'holders'>, options: OpenOptions): Launch {
    return {
      program: PROGRAM,
      command,
      args: [...prefix, ...claudeArgs(options)],
      cwd: options.cwd,
      env,
      extraEnv: CHECKPOINTS_ON,
      clock,
      log,
      stdout: (chunk) => {
        this.#lines.push(chunk);
        if (this.#lines.dropping) this.#emit({ type: 'activity' });
      },
      stderr: () => this.#stderrTimer ??= clock.setTimeout(() => this.#emitStderr(), STDERR_MS),
      exit: (end) => {
        this.#lines.end();
        this.#onExit(end);
      },
    };
  }

  #heldOptions(
    { dataDir, idleMs }: NonNullable<Command['holders']>,
    { id, survivor }: HolderOptions,
    agentId: string,
  ): HeldOptions {
    return {
      dataDir,
      id,
      idleMs,
      meta: { agentId, turnEnd: TURN_END },
      survivor,
      onStarted: () => this.#emit({ type: 'process' }),
      onCaughtUp: () => {
        this.#emit({ type: 'caught.up' });
      },
    };
  }

  #createHeld(held: HeldCli, { id, survivor }: HolderOptions): HeldSession {
    const start = survivor?.offset ?? 0;
    const lines = this.#lines;
    const reader = this.#reader;
    return {
      id,
      get isTurning() {
        return reader.isTurning;
      },
      // A line that is too long is no longer needed before it ends: it may be longer than the holder can retain.
      get offset() {
        return start + (lines.dropping ? lines.pushed : lines.consumed);
      },
      snapshot: () => this.#snapshot(),
      running: held.running,
      ack: (offset) => held.ack(offset),
      detach: () => {
        this.#clock.clearTimeout(this.#stderrTimer);
        held.detach();
      },
    };
  }

  #snapshot(): SessionSnapshot {
    return {
      reader: this.#reader.snapshot(),
      requests: [...this.#requests.values()],
      answered: [...this.#answered.values()],
      ready: this.#ready,
      dropping: this.#lines.dropping,
    };
  }

  #restore(state: SessionSnapshot | null): void {
    if (!state) return;
    this.#reader.restore(state.reader);
    for (const request of state.requests) this.#requests.set(request.requestId, request);
    for (const request of state.answered) this.#answered.set(request.requestId, request);
    this.#ready = state.ready;
    this.#lines.resume(state.dropping);
    if (state.ready) queueMicrotask(() => this.#emit({ type: 'ready', sessionId: null, ...state.ready! }));
  }

  get pid() {
    return this.#process.pid;
  }
  get identity() {
    return this.#process.identity;
  }
  get hasBackgroundWork() {
    return this.#reader.backgroundTasks > 0;
  }

  send(message: OutgoingMessage): void {
    const { id } = message;
    const isWritten = this.#write(userLine(message), `message ${id}`);
    if (isWritten) return;
    const error = 'Claude Code does not take messages at the moment. Stop the agent and send it again.';
    this.#emit({ type: 'message.status', id, status: 'failed', error });
  }

  decide(requestId: string, decision: DecisionBody): boolean {
    // Answered already: a holder that has the answer takes it no second time; nobody else would notice.
    const answered = this.held ? this.#answered.get(requestId) : undefined;
    const open = this.#requests.get(requestId) ?? answered;
    if (!open) return false;
    const response = { subtype: 'success', request_id: requestId, response: answerOf(open, decision) };
    if (!this.#write({ type: 'control_response', response }, `decision ${requestId}`)) return false;
    this.#requests.delete(requestId);
    if (open.toolId) this.#answered.set(requestId, open);
    return true;
  }

  interrupt(): void {
    this.#controls.send({ subtype: 'interrupt' });
  }

  cancelQueued(messageId: string): void {
    this.#controls.send({ subtype: 'cancel_async_message', message_uuid: messageId }, (response) => {
      if (object(response.response).cancelled === true) return;
      this.#notice('info', 'cancel', 'It was too late to cancel: the agent has begun with this message.');
    });
  }

  setMode(mode: PermissionMode): void {
    this.#controls.send({ subtype: 'set_permission_mode', mode }, (response) => this.#orExplain(response));
  }

  setModel(model: string): void {
    this.#controls.send({ subtype: 'set_model', model: model || 'default' }, (response) => this.#orExplain(response));
  }

  setEffort(effort: string): void {
    const settings = { effortLevel: effort || null };
    this.#controls.send({ subtype: 'apply_flag_settings', settings }, (response) => this.#orExplain(response));
  }

  async rewindFiles(messageId: string, dryRun: boolean): Promise<RewoundFiles> {
    const response = await this.#controls.ask(rewindRequest(messageId, dryRun), !dryRun);
    return readRewind(response, object(response.response));
  }

  reap(): void {
    this.#isReaping = true;
    this.#process.closeInput();
  }

  stop(): Promise<void> {
    return this.#process.stop({
      interrupt: () => {
        if (!this.#reader.isTurning) return;
        return new Promise((resolve) => this.#controls.send({ subtype: 'interrupt' }, resolve));
      },
    });
  }

  #write(line: JsonObject, key = ''): boolean {
    return this.#process.write(`${JSON.stringify(line)}\n`, key);
  }

  /** Claude asks for something that this host does not offer: without an answer it would wait for ever. */
  #refuse(requestId: string): void {
    this.#write({
      type: 'control_response',
      response: { subtype: 'error', request_id: requestId, error: 'This host does not support that request.' },
    });
  }

  #onResponse(id: string, response: JsonObject): void {
    if (!this.#controls.answered(id, response) && this.#answered.has(id)) this.#resolved(id);
  }

  #toolDone(toolId: string): void {
    for (const open of this.#answered.values()) if (open.toolId === toolId) this.#resolved(open.requestId);
    // Answered under an earlier server: the answer is not known here, its result is.
    for (const open of this.#requests.values()) if (open.toolId === toolId) this.#resolved(open.requestId);
  }

  #resolved(requestId: string): void {
    this.#answered.delete(requestId);
    this.#requests.delete(requestId);
    this.#emit({ type: 'request.resolved', requestId });
  }

  #onInitialized(response: JsonObject, { flags }: OpenOptions): void {
    const info = object(response.response);
    const mayBypass = flags.dangerouslySkipPermissions === true;
    const isKnown = response.subtype === 'success';
    this.#ready = {
      version: string(info.claude_code_version),
      capabilities: isKnown ? readCapabilities(info, mayBypass) : null,
    };
    this.#emit({ type: 'ready', sessionId: null, ...this.#ready });
  }

  #orExplain(response: JsonObject): void {
    if (response.subtype === 'success') return;
    this.#notice('warning', 'setting', string(response.error) || 'Claude Code did not accept that setting.');
  }

  #notice(level: 'info' | 'warning', code: string, text: string): void {
    this.#emit({ type: 'notice', level, code, text, passing: true });
  }

  #emitStderr(): void {
    this.#stderrTimer = null;
    const text = this.#process.stderrTail().trim().split('\n').slice(-5).join('\n');
    if (text) this.#notice('warning', 'stderr', text);
  }

  #onExit(end: ProcessEnd): void {
    if (this.#stderrTimer !== null) this.#clock.clearTimeout(this.#stderrTimer);
    this.#stderrTimer = null;
    this.#controls.clear();
    this.#requests.clear();
    const expected = end.expected || this.#isReaping;
    this.#emit({
      type: 'exit',
      expected,
      code: end.code,
      signal: end.signal,
      text: expected ? '' : end.text,
      sessionLost: this.#reader.isSessionLost,
    });
  }
}
