/** Claude Code as a provider: one persistent stream-json process per open session. */
import process from 'node:process';
import type { Clock, Timer } from '../../../core/clock.ts';
import { systemClock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { DecisionBody } from '../../../core/api/messages.ts';
import type { PermissionMode } from '../../../core/api/agents.ts';
import { claudeSessions } from './history.ts';
import { claudeArgs, claudeTerminalArgs } from './args.ts';
import { readCapabilities } from './capabilities.ts';
import { ClaudeReader } from './reader.ts';
import { answerOf, type OpenRequest } from './requests.ts';
import { jsonLines } from '../../process/jsonl.ts';
import { type JsonObject, object, string } from '../untyped-json.ts';
import { probeVersion } from '../probe.ts';
import { type CliProcess, type ProcessEnd, spawnProcess } from '../../process/child.ts';
import type { Program } from '../../process/child-errors.ts';
import type { Environment } from '../../process/environment.ts';
import type { OpenOptions, OutgoingMessage, Provider, ProviderEvent, ProviderSession } from '../provider.ts';
import { commandSpec } from '../../process/script.ts';

const PROGRAM: Program = {
  name: 'Claude Code',
  setting: 'CLAUDE_BIN',
  install: 'npm install -g @anthropic-ai/claude-code',
};
/** How long the result of a probe is valid, ms. */
const PROBE_AGE_MS = 60_000;
/** Lines of stderr are reported together this often, ms. */
const STDERR_MS = 500;

export interface ClaudeOptions {
  /** Program name or path; a .ts or .mjs file runs in this runtime. */
  bin: string;
  /** Where it stores its sessions; empty: ~/.claude. */
  configDir?: string;
  env?: Environment;
  log?: Log;
  clock?: Clock;
}

export function createClaude(options: ClaudeOptions): Provider {
  const clock = options.clock ?? systemClock;
  const env = options.env ?? process.env;
  const command = commandSpec(options.bin);
  let probed: { at: number; result: ReturnType<Provider['probe']> } | null = null;
  return {
    name: 'claude',
    storedSessions: claudeSessions(options.configDir ?? ''),
    terminalArgs: claudeTerminalArgs,
    open: (open, emit) => new ClaudeSession({ ...command, env, clock, log: options.log }, open, emit),
    probe() {
      if (!probed || clock.monotonic() - probed.at > PROBE_AGE_MS) {
        probed = { at: clock.monotonic(), result: probeVersion({ program: PROGRAM, ...command, env, clock }) };
      }
      return probed.result;
    },
    close: () => Promise.resolve(),
  };
}

interface Command {
  command: string;
  prefix: string[];
  env: Environment;
  clock: Clock;
  log: Log | undefined;
}

class ClaudeSession implements ProviderSession {
  readonly #emit: (event: ProviderEvent) => void;
  readonly #process: CliProcess;
  readonly #reader: ClaudeReader;
  readonly #clock: Clock;
  #requests = new Map<string, OpenRequest>();
  /** Tool id → answered request that Claude has not confirmed yet. */
  #answered = new Map<string, string>();
  #waiting = new Map<string, (response: JsonObject) => void>();
  #counter = 0;
  #isReaping = false;
  #stderrTimer: Timer | null = null;

  constructor(
    { command, prefix, env, clock, log }: Command,
    options: OpenOptions,
    emit: (event: ProviderEvent) => void,
  ) {
    this.#emit = emit;
    this.#clock = clock;
    this.#reader = new ClaudeReader({
      emit,
      opened: (request) => this.#requests.set(request.requestId, request),
      withdrawn: (id) => this.#requests.delete(id),
      toolDone: (toolId) => this.#resolved(toolId),
      response: (id, response) => this.#onResponse(id, response),
      unsupported: (id) => this.#refuse(id),
    });
    const lines = jsonLines({
      value: (line) => this.#reader.read(line),
      garbage: (text) =>
        this.#notice('warning', 'garbage', `Claude Code wrote something unexpected: ${text.slice(0, 300)}`),
      dropped: (bytes) =>
        this.#notice('warning', 'dropped', `A line of ${bytes} bytes from Claude Code was too long and was dropped.`),
    });
    this.#process = spawnProcess({
      program: PROGRAM,
      command,
      args: [...prefix, ...claudeArgs(options)],
      cwd: options.cwd,
      env,
      clock,
      log,
      stdout: (chunk) => lines.push(chunk),
      stderr: () => this.#stderrTimer ??= clock.setTimeout(() => this.#emitStderr(), STDERR_MS),
      exit: (end) => {
        lines.end();
        this.#onExit(end);
      },
    });
    this.#control({ subtype: 'initialize' }, (response) => this.#onInitialized(response, options));
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

  send({ id, text, images }: OutgoingMessage): void {
    const content = images.length === 0 ? text : [
      ...(text ? [{ type: 'text', text }] : []),
      ...images.map(({ mediaType, data }) => ({
        type: 'image',
        source: { type: 'base64', media_type: mediaType, data },
      })),
    ];
    const isWritten = this.#write({
      type: 'user',
      message: { role: 'user', content },
      parent_tool_use_id: null,
      session_id: '',
      uuid: id,
    });
    if (isWritten) return;
    const error = 'Claude Code does not take messages at the moment. Stop the agent and send it again.';
    this.#emit({ type: 'message.status', id, status: 'failed', error });
  }

  decide(requestId: string, decision: DecisionBody): boolean {
    const open = this.#requests.get(requestId);
    if (!open) return false;
    const response = { subtype: 'success', request_id: requestId, response: answerOf(open, decision) };
    if (!this.#write({ type: 'control_response', response })) return false;
    this.#requests.delete(requestId);
    if (open.toolId) this.#answered.set(open.toolId, requestId);
    return true;
  }

  interrupt(): void {
    this.#control({ subtype: 'interrupt' });
  }

  cancelQueued(messageId: string): void {
    this.#control({ subtype: 'cancel_async_message', message_uuid: messageId }, (response) => {
      if (object(response.response).cancelled === true) return;
      this.#notice('info', 'cancel', 'It was too late to cancel: the agent has begun with this message.');
    });
  }

  setMode(mode: PermissionMode): void {
    this.#control({ subtype: 'set_permission_mode', mode }, (response) => this.#orExplain(response));
  }

  setModel(model: string): void {
    this.#control({ subtype: 'set_model', model: model || 'default' }, (response) => this.#orExplain(response));
  }

  setEffort(effort: string): void {
    const settings = { effortLevel: effort || null };
    this.#control({ subtype: 'apply_flag_settings', settings }, (response) => this.#orExplain(response));
  }

  reap(): void {
    this.#isReaping = true;
    this.#process.closeInput();
  }

  stop(): Promise<void> {
    return this.#process.stop({
      interrupt: () => {
        if (!this.#reader.isTurning) return;
        return new Promise((resolve) => this.#control({ subtype: 'interrupt' }, resolve));
      },
    });
  }

  #write(line: JsonObject): boolean {
    return this.#process.write(`${JSON.stringify(line)}\n`);
  }

  #control(request: JsonObject, done: (response: JsonObject) => void = () => {}): void {
    const id = `req_${++this.#counter}`;
    this.#waiting.set(id, done);
    this.#write({ type: 'control_request', request_id: id, request });
  }

  /** Claude asks for something that this host does not offer: without an answer it would wait for ever. */
  #refuse(requestId: string): void {
    this.#write({
      type: 'control_response',
      response: { subtype: 'error', request_id: requestId, error: 'This host does not support that request.' },
    });
  }

  #onResponse(id: string, response: JsonObject): void {
    const done = this.#waiting.get(id);
    if (done) {
      this.#waiting.delete(id);
      return done(response);
    }
    for (const [toolId, requestId] of this.#answered) if (requestId === id) this.#resolved(toolId);
  }

  #resolved(toolId: string): void {
    const requestId = this.#answered.get(toolId);
    if (requestId === undefined) return;
    this.#answered.delete(toolId);
    this.#emit({ type: 'request.resolved', requestId });
  }

  #onInitialized(response: JsonObject, { flags }: OpenOptions): void {
    const info = object(response.response);
    const mayBypass = flags.dangerouslySkipPermissions === true;
    const isKnown = response.subtype === 'success';
    this.#emit({
      type: 'ready',
      sessionId: null,
      version: string(info.claude_code_version),
      capabilities: isKnown ? readCapabilities(info, mayBypass) : null,
    });
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
    this.#waiting.clear();
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
