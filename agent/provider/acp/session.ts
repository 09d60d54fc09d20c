/** One session with an ACP agent: its process, the handshake, one prompt at a time. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Capabilities, PermissionMode } from '../../../core/api/agents.ts';
import type { DecisionBody } from '../../../core/api/messages.ts';
import type { Environment } from '../../process/environment.ts';
import { type CliProcess, type ProcessEnd, spawnProcess } from '../../process/child.ts';
import { jsonLines } from '../../process/jsonl.ts';
import type { CommandSpec } from '../../process/script.ts';
import type { OpenOptions, OutgoingMessage, ProviderEvent, ProviderSession } from '../provider.ts';
import { mentionsIn } from '../mentions.ts';
import { type JsonObject, object } from '../untyped-json.ts';
import { readForm } from './forms.ts';
import { type Handshake, openSession, SessionLostError } from './handshake.ts';
import { JsonRpc, RpcError, type RpcId } from './json-rpc.ts';
import { capabilitiesOf } from './modes.ts';
import { OpenRequests } from './open-requests.ts';
import type { AcpAgent } from './presets.ts';
import { promptOf } from './prompt.ts';
import { AcpReader, quotaOf, usageOf } from './reader.ts';
import { type OpenRequest, readPermission } from './requests.ts';
import { sentenceOf } from './sentences.ts';
import { AcpSettings } from './settings.ts';
import { turnEnd, turnFailure } from './turns.ts';

/** Messages that wait for their turn. */
export const MAX_QUEUE = 100;
/** Lines that are no JSON are told at most so often. */
const MAX_GARBAGE = 5;
/** JSON-RPC: this method is not offered. */
const METHOD_NOT_FOUND = -32601;

export interface AcpMachine {
  agent: AcpAgent;
  command: CommandSpec;
  env: Environment;
  clock: Clock;
  log: Log | undefined;
}

export class AcpSession implements ProviderSession {
  readonly #machine: AcpMachine;
  readonly #options: OpenOptions;
  readonly #emit: (event: ProviderEvent) => void;
  readonly #process: CliProcess;
  readonly #rpc: JsonRpc;
  readonly #reader: AcpReader;
  readonly #requests: OpenRequests;
  readonly #settings: AcpSettings;
  #queue: OutgoingMessage[] = [];
  #handshake: Handshake | null = null;
  #commands: Capabilities['commands'] = [];
  #isTurning = false;
  /** The turn was cancelled: what it still asks is nobody's business any more. */
  #isCancelling = false;
  #isReaping = false;
  #isStopping = false;
  #isOver = false;
  /** Resolves when the running turn has ended. */
  #turn: Promise<void> | null = null;
  #isSessionLost = false;
  #garbage = 0;
  #failure = '';
  #requestCount = 0;

  constructor(machine: AcpMachine, options: OpenOptions, emit: (event: ProviderEvent) => void) {
    this.#machine = machine;
    this.#options = options;
    this.#emit = emit;
    const prefix = randomBytes(6).toString('hex');
    this.#reader = new AcpReader({
      emit,
      options: (update) => {
        this.#settings.update(update);
        this.#emitReady();
      },
      commands: (commands) => {
        this.#commands = commands;
        this.#emitReady();
      },
    }, prefix);
    this.#rpc = new JsonRpc({
      write: (message) => this.#process.write(`${JSON.stringify(message)}\n`),
      onRequest: (id, method, params) => this.#onRequest(id, method, params),
      onNotification: (method, params) => this.#onNotification(method, params),
      clock: machine.clock,
    });
    this.#requests = new OpenRequests(this.#rpc, emit);
    this.#settings = new AcpSettings({
      agent: machine.agent,
      rpc: this.#rpc,
      notice: (level, code, text) => this.#notice(level, code, text),
    });
    this.#process = this.#spawn();
    void this.#open();
  }

  #spawn(): CliProcess {
    const { agent, command, env, clock, log } = this.#machine;
    const lines = jsonLines({
      value: (line) => {
        this.#requests.settleAnswered();
        this.#rpc.receive(line);
      },
      garbage: (text) => this.#onGarbage(text),
      dropped: (bytes) => this.#notice('warning', 'dropped', `A line of ${bytes} bytes of ${agent.name} was left out.`),
    });
    return spawnProcess({
      program: { name: agent.name, setting: 'its command in the settings', install: agent.install },
      command: command.command,
      args: [...command.prefix, ...agent.args],
      cwd: this.#options.cwd,
      env,
      extraEnv: agent.env,
      clock,
      log,
      stdout: (chunk) => lines.push(chunk),
      stderr: (line) => log?.debug('stderr', { agent: this.#options.agentId, line }),
      exit: (end) => {
        lines.end();
        this.#onExit(end);
      },
    });
  }

  get pid() {
    return this.#process.pid;
  }
  get identity() {
    return this.#process.identity;
  }

  async #open(): Promise<void> {
    const { agent } = this.#machine;
    try {
      const { resume, fork, cwd } = this.#options;
      this.#reader.isReplaying = true;
      const handshake = await openSession(this.#rpc, { agent, cwd, resume, fork });
      this.#reader.isReplaying = false;
      this.#settings.begin(handshake.result);
      for (const text of handshake.notices) this.#notice('info', 'session', text);
      // Before anything is prompted: an agent in a mode that acts would act.
      await this.#settings.setUp(handshake.sessionId, this.#options);
      this.#handshake = handshake;
      const { agentId } = this.#options;
      this.#machine.log?.info('session opened', {
        agent: agentId,
        session: handshake.sessionId,
        version: handshake.version,
      });
      this.#emitReady();
      this.#pump();
    } catch (error) {
      this.#isSessionLost = error instanceof SessionLostError;
      this.#failure = error instanceof RpcError ? sentenceOf(error, agent) : (error as Error).message;
      if (!this.#isOver) this.#machine.log?.warn('no session', { agent: this.#options.agentId, reason: this.#failure });
      void this.#process.stop();
    }
  }

  send(message: OutgoingMessage): void {
    if (this.#queue.length >= MAX_QUEUE) {
      const error = 'Too many messages wait already.';
      return this.#emit({ type: 'message.status', id: message.id, status: 'failed', error });
    }
    this.#queue.push(message);
    if (this.#isTurning || !this.#handshake) {
      this.#emit({ type: 'message.status', id: message.id, status: 'queued' });
    }
    this.#pump();
  }

  cancelQueued(messageId: string): void {
    const before = this.#queue.length;
    this.#queue = this.#queue.filter(({ id }) => id !== messageId);
    if (this.#queue.length < before) this.#emit({ type: 'message.status', id: messageId, status: 'cancelled' });
    else this.#notice('info', 'cancel', 'It was too late to cancel: the agent has begun with this message.');
  }

  /** Prompts the next message, when no turn runs. */
  #pump(): void {
    if (!this.#handshake || this.#isTurning || this.#isStopping || this.#isOver) return;
    const message = this.#queue.shift();
    if (message) this.#turn = this.#prompt(message, this.#handshake);
  }

  async #prompt(message: OutgoingMessage, { sessionId, takesImages }: Handshake): Promise<void> {
    const { agent, clock } = this.#machine;
    const startedAt = clock.monotonic();
    const { prompt, leftOut } = promptOf(message, takesImages, agent.name, mentionsIn(message.text, this.#options.cwd));
    if (!prompt.length) {
      this.#emit({ type: 'message.status', id: message.id, status: 'failed', error: leftOut });
      return this.#pump();
    }
    this.#isTurning = true;
    this.#emit({ type: 'message.status', id: message.id, status: 'sent' });
    this.#emit({ type: 'turn.start' });
    if (leftOut) this.#notice('warning', 'images', leftOut);
    try {
      const result = await this.#rpc.request('session/prompt', { sessionId, prompt });
      this.#endTurn(turnEnd(result, agent, this.#reader.lastChunk), startedAt, result);
    } catch (error) {
      this.#endTurn(turnFailure(error as RpcError, agent), startedAt, {});
    }
  }

  #endTurn(end: ReturnType<typeof turnEnd>, startedAt: number, result: JsonObject): void {
    if (this.#isOver) return; // the exit was the last event
    this.#reader.endTurn();
    this.#requests.withdrawAll();
    this.#isTurning = this.#isCancelling = false;
    const usage = usageOf(object(result.usage)) ?? quotaOf(result);
    if (usage) this.#emit({ type: 'usage', usage });
    this.#emit({ type: 'turn.end', ...end, durationMs: this.#machine.clock.monotonic() - startedAt });
    this.#pump();
  }

  decide(requestId: string, decision: DecisionBody): boolean {
    return this.#requests.decide(requestId, decision);
  }

  /** Every open request is answered too: some agents end a turn only then. */
  interrupt(): void {
    if (this.#handshake && this.#isTurning) {
      this.#isCancelling = true;
      this.#rpc.notify('session/cancel', { sessionId: this.#handshake.sessionId });
    }
    this.#requests.withdrawAll();
  }

  #onRequest(id: RpcId, method: string, params: JsonObject): void {
    const requestId = `${this.#machine.agent.id}-${++this.#requestCount}-${randomBytes(6).toString('hex')}`;
    const isClosed = this.#isCancelling || this.#requests.isFull;
    switch (method) {
      case 'session/request_permission': {
        const open = isClosed ? null : this.#readPermission(requestId, params);
        return open ? this.#ask(open, id) : void this.#rpc.respond(id, { outcome: { outcome: 'cancelled' } });
      }
      case 'elicitation/create': {
        const open = isClosed ? null : this.#readForm(requestId, params);
        return open ? this.#ask(open, id) : void this.#rpc.respond(id, { action: isClosed ? 'cancel' : 'decline' });
      }
      default:
        return this.#rpc.refuse(id, METHOD_NOT_FOUND, `${method} is not offered.`);
    }
  }

  #readPermission(requestId: string, params: JsonObject): OpenRequest | null {
    const open = readPermission(requestId, params, this.#reader.call(object(params.toolCall)));
    if (!open) this.#notice('warning', 'request', 'A request that offers no clear choice was refused.');
    return open;
  }

  #readForm(requestId: string, params: JsonObject): OpenRequest | null {
    const open = readForm(requestId, params);
    if (!open) this.#notice('warning', 'request', 'A question that cannot be shown here was declined.');
    return open;
  }

  #ask(open: OpenRequest, id: RpcId): void {
    const { toolId } = open.request;
    this.#requests.add(open, id, toolId && this.#reader.toolId(toolId));
  }

  #onNotification(method: string, params: JsonObject): void {
    if (method === '$/cancel_request') return this.#requests.withdraw(params.requestId);
    const sessionId = this.#handshake?.sessionId;
    // Before the session is known an update can only be its own.
    const isOurs = sessionId === undefined || params.sessionId === sessionId;
    if (method === 'session/update' && isOurs) return this.#reader.read(object(params.update));
    this.#emit({ type: 'activity' });
  }

  setMode(mode: PermissionMode): void {
    void this.#change((sessionId) => this.#settings.setMode(sessionId, mode));
  }
  setModel(model: string): void {
    void this.#change((sessionId) => this.#settings.setModel(sessionId, model));
  }
  setEffort(effort: string): void {
    void this.#change((sessionId) => this.#settings.setEffort(sessionId, effort));
  }

  async #change(action: (sessionId: string) => Promise<void>): Promise<void> {
    if (!this.#handshake) return; // opened with it
    try {
      await action(this.#handshake.sessionId);
    } catch (error) {
      if (this.#isOver) return;
      this.#notice('warning', 'control', `${this.#machine.agent.name}: ${(error as Error).message}`);
    }
    this.#emitReady();
  }

  /** What the session can do, and the mode and model that it is really in. */
  #emitReady(): void {
    if (!this.#handshake || this.#isOver) return;
    const { sessionId, version } = this.#handshake;
    const { options, mode } = this.#settings;
    this.#emit({ type: 'ready', sessionId, version, capabilities: capabilitiesOf(options, this.#commands) });
    this.#emit({ type: 'session', sessionId, model: options.currentModel, ...(mode ? { mode } : {}) });
  }

  reap(): void {
    this.#isReaping = true;
    this.#process.closeInput();
  }

  stop(): Promise<void> {
    this.#isStopping = true;
    return this.#process.stop({
      interrupt: () => {
        this.interrupt();
        // So that it writes down what it has.
        return this.#isTurning ? this.#turn! : undefined;
      },
    });
  }

  #onGarbage(text: string): void {
    if (++this.#garbage > MAX_GARBAGE) return;
    const { name } = this.#machine.agent;
    this.#machine.log?.warn('no JSON', { agent: this.#options.agentId, text: text.slice(0, 300) });
    this.#notice('warning', 'garbage', `${name} wrote something unexpected: ${text.slice(0, 300)}`);
  }

  #notice(level: 'info' | 'warning', code: string, text: string): void {
    this.#emit({ type: 'notice', level, code, text, passing: false });
  }

  #onExit(end: ProcessEnd): void {
    this.#reader.endTurn();
    this.#requests.close();
    this.#isOver = true;
    this.#rpc.close(`${this.#machine.agent.name} has ended.`);
    const expected = !this.#failure && (end.expected || this.#isReaping);
    const text = expected ? '' : this.#failure || end.text;
    const { code, signal } = end;
    this.#emit({ type: 'exit', expected, code, signal, text, sessionLost: this.#isSessionLost });
  }
}
