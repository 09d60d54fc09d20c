/** One session with an ACP agent: its process, the handshake, one prompt at a time. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Capabilities, PermissionMode } from '../../../core/api/agents.ts';
import type { DecisionBody } from '../../../core/api/messages.ts';
import type { Environment } from '../../process/environment.ts';
import type { Launch, ProcessEnd } from '../../process/child.ts';
import type { HeldCli, HeldOptions } from '../../process/holder/held-child.ts';
import { JsonCli } from '../../process/holder/json-cli.ts';
import type { CommandSpec } from '../../process/script.ts';
import type {
  HeldSession,
  HolderOptions,
  OpenOptions,
  OutgoingMessage,
  ProviderEvent,
  ProviderSession,
} from '../provider.ts';
import { openingOf, optionsAtStart } from '../opening.ts';
import { type JsonObject, object } from '../untyped-json.ts';
import { type Handshake, openSession, SessionLostError } from './handshake.ts';
import { JsonRpc, RpcError, type RpcId } from './json-rpc.ts';
import { capabilitiesOf } from './modes.ts';
import { answerKey, type AskedRequest, OpenRequests, readAsked } from './open-requests.ts';
import type { AcpAgent } from './presets.ts';
import { AcpPrompts } from './prompts.ts';
import { AcpReader } from './reader.ts';
import { sentenceOf } from './sentences.ts';
import { AcpSettings } from './settings.ts';
import { type AcpSnapshot, isOpened } from './snapshot.ts';
import { emptyCall } from './tools.ts';

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
  /** Where its agents are held, so that they outlive this server; missing: they end with it. */
  holders?: { dataDir: string; idleMs: number } | undefined;
}

export class AcpSession implements ProviderSession {
  readonly #machine: AcpMachine;
  readonly #options: OpenOptions;
  readonly #emit: (event: ProviderEvent) => void;
  readonly #cli: JsonCli;
  readonly held: HeldSession | null;
  readonly #rpc: JsonRpc;
  readonly #reader: AcpReader;
  readonly #requests: OpenRequests;
  readonly #settings: AcpSettings;
  readonly #prompts: AcpPrompts;
  #handshake: Handshake | null = null;
  #commands: Capabilities['commands'] = [];
  /** In a holder, what it wrote before this server came is being read. */
  #isReplay: boolean;
  #isReaping = false;
  #isStopping = false;
  #isOver = false;
  #isSessionLost = false;
  #garbage = 0;
  #failure = '';
  #requestCount = 0;
  /** Of ids: of this process of the agent alone, and the same for a later server. */
  readonly #prefix: string;

  constructor(machine: AcpMachine, options: OpenOptions, emit: (event: ProviderEvent) => void) {
    this.#machine = machine;
    this.#options = options;
    this.#emit = emit;
    const { holder } = options;
    const isHeld = holder !== undefined && machine.holders !== undefined;
    this.#prefix = holder?.id.slice(0, 12) ?? randomBytes(6).toString('hex');
    this.#reader = this.#createReader();
    this.#rpc = this.#createRpc(isHeld);
    this.#requests = new OpenRequests(this.#rpc, emit);
    this.#isReplay = this.#requests.isReplay = Boolean(holder?.survivor);
    this.#prompts = this.#createPrompts();
    this.#settings = new AcpSettings({
      agent: machine.agent,
      rpc: this.#rpc,
      notice: (level, code, text) => this.#notice(level, code, text),
    });
    const state = holder?.survivor?.state as AcpSnapshot | null | undefined;
    this.#cli = this.#start(isHeld ? holder : undefined, state && isOpened(state) ? state : null);
    this.held = this.#cli.held && holder ? this.#createHeld(this.#cli.held, holder.id) : null;
    if (state) this.#restore(state);
    else void this.#open();
  }

  #createReader(): AcpReader {
    const hooks = {
      emit: this.#emit,
      options: (update: JsonObject) => {
        this.#settings.update(update);
        this.#emitReady();
      },
      commands: (commands: Capabilities['commands']) => {
        this.#commands = commands;
        this.#emitReady();
      },
    };
    return new AcpReader(hooks, this.#prefix);
  }

  #createRpc(isHeld: boolean): JsonRpc {
    return new JsonRpc({
      write: (message, key) => this.#cli.write(message, key),
      isHeld,
      onUnclaimed: (id, answer) => this.#isOver || this.#prompts.unclaimed(id, answer),
      onRequest: (id, method, params) => this.#onRequest(id, method, params),
      onNotification: (method, params) => this.#onNotification(method, params),
      clock: this.#machine.clock,
    });
  }

  #createPrompts(): AcpPrompts {
    const { agent, clock } = this.#machine;
    return new AcpPrompts({
      ...{ agent, clock, cwd: this.#options.cwd, emit: this.#emit },
      ...{ rpc: this.#rpc, reader: this.#reader, requests: this.#requests },
      held: () => this.#cli.held,
      session: () => this.#handshake,
      isHeldBack: () => this.#isReplay || this.#isStopping,
      isOver: () => this.#isOver,
      notice: (level, code, text) => this.#notice(level, code, text),
      watchFor: (turnEnd) => this.#cli.held?.describe(this.#meta(turnEnd)),
    });
  }

  #start(holder: HolderOptions | undefined, opened: { dropping: number } | null): JsonCli {
    const { agent } = this.#machine;
    return new JsonCli({
      launch: this.#launch(),
      hold: holder && this.#heldOptions(holder),
      opened,
      value: (line) => {
        this.#requests.settleAnswered();
        this.#rpc.receive(line);
      },
      garbage: (text) => this.#onGarbage(text),
      dropped: (bytes) => this.#notice('warning', 'dropped', `A line of ${bytes} bytes of ${agent.name} was left out.`),
      exit: (end) => this.#onExit(end),
    });
  }

  #launch(): Omit<Launch, 'stdout' | 'exit'> {
    const { agent, command, env, clock, log } = this.#machine;
    return {
      program: { name: agent.name, setting: 'its command in the settings', install: agent.install },
      command: command.command,
      args: [...command.prefix, ...agent.args],
      cwd: this.#options.cwd,
      env,
      extraEnv: agent.env,
      clock,
      log,
      stderr: (line) => log?.debug('stderr', { agent: this.#options.agentId, line }),
    };
  }

  #heldOptions({ id, survivor }: HolderOptions): HeldOptions {
    return {
      ...this.#machine.holders!,
      id,
      survivor,
      // The line that ends a turn is known when its prompt is.
      meta: this.#meta(''),
      onStarted: () => {
        this.#emit({ type: 'process' });
        if (survivor && this.#handshake) this.#prompts.takeUp();
      },
      onTaken: (key) => this.#prompts.taken(key),
      onCaughtUp: () => this.#caughtUp(),
    };
  }

  #meta(turnEnd: string): HeldOptions['meta'] {
    const { agentId } = this.#options;
    return { agentId, turnEnd, opening: openingOf(optionsAtStart(this.#options)) };
  }

  #createHeld(held: HeldCli, id: string): HeldSession {
    const prompts = this.#prompts;
    const cli = this.#cli;
    return {
      id,
      get isTurning() {
        return prompts.isTurning;
      },
      get offset() {
        return cli.offset;
      },
      running: held.running,
      snapshot: () => this.#snapshot(),
      ack: (offset) => held.ack(offset),
      detach: () => {
        this.#isOver = true;
        this.#rpc.forget();
        held.detach();
      },
    };
  }

  #snapshot(): AcpSnapshot {
    if (!this.#handshake) return { isOpening: true };
    const { sessionId, version, takesImages } = this.#handshake;
    return {
      session: { sessionId, version, takesImages },
      commands: this.#commands,
      settings: this.#settings.snapshot(),
      reader: this.#reader.snapshot(),
      requests: this.#requests.snapshot(),
      requestCount: this.#requestCount,
      ...this.#prompts.snapshot(),
      dropping: this.#cli.dropping,
    };
  }

  #restore(state: AcpSnapshot): void {
    if (!isOpened(state)) {
      const { name } = this.#machine.agent;
      this.#failure = `The agent server ended while ${name} was reading a long session. Send a message to begin again.`;
      return void this.#cli.process.stop();
    }
    this.#handshake = { ...state.session, result: {}, notices: [] };
    this.#commands = state.commands;
    this.#settings.restore(state.settings);
    this.#reader.restore(state.reader);
    this.#requests.restore(state.requests);
    this.#requestCount = state.requestCount;
    this.#prompts.restore(state);
    const capabilities = capabilitiesOf(this.#settings.options, this.#commands);
    queueMicrotask(() => this.#emit({ type: 'ready', ...state.session, capabilities }));
  }

  /** All that it wrote before this server came has been read. */
  #caughtUp(): void {
    this.#isReplay = this.#requests.isReplay = false;
    const { mode, options: { currentModel } } = this.#settings;
    // The answer to a change that an earlier server has asked for is not known.
    if (this.#handshake) this.#setChanged({ ...this.#options, ...(mode ? { mode } : {}), model: currentModel });
    this.#emit({ type: 'caught.up' });
    this.#prompts.pump();
  }

  get pid() {
    return this.#cli.process.pid;
  }
  get identity() {
    return this.#cli.process.identity;
  }

  async #open(): Promise<void> {
    const { agent } = this.#machine;
    try {
      const opening = optionsAtStart(this.#options);
      const { resume, fork, cwd } = opening;
      this.#reader.isReplaying = this.#rpc.isOpening = true;
      const handshake = await openSession(this.#rpc, { agent, cwd, resume, fork });
      this.#reader.isReplaying = false;
      this.#settings.begin(handshake.result);
      for (const text of handshake.notices) this.#notice('info', 'session', text);
      // Before anything is prompted: an agent in a mode that acts would act.
      await this.#settings.setUp(handshake.sessionId, opening);
      this.#rpc.isOpening = false;
      this.#handshake = handshake;
      this.#cli.opened();
      const { agentId } = this.#options;
      this.#machine.log?.info('session opened', {
        agent: agentId,
        session: handshake.sessionId,
        version: handshake.version,
      });
      this.#emitReady();
      if (this.#isReplay) this.#prompts.takeUp();
      this.#setChanged(opening);
      this.#prompts.pump();
    } catch (error) {
      this.#isSessionLost = error instanceof SessionLostError;
      this.#failure = error instanceof RpcError ? sentenceOf(error, agent) : (error as Error).message;
      if (!this.#isOver) this.#machine.log?.warn('no session', { agent: this.#options.agentId, reason: this.#failure });
      void this.#cli.process.stop();
    }
  }

  /** What was chosen since it was started. */
  #setChanged({ mode, model, effort }: OpenOptions): void {
    const now = this.#options;
    if (now.mode !== mode) this.setMode(now.mode);
    if (now.model && now.model !== model && now.model !== this.#settings.options.currentModel) this.setModel(now.model);
    if (now.effort && now.effort !== effort) this.setEffort(now.effort);
  }

  send(message: OutgoingMessage): void {
    this.#prompts.send(message);
  }

  cancelQueued(messageId: string): void {
    this.#prompts.cancelQueued(messageId);
  }

  decide(requestId: string, decision: DecisionBody): boolean {
    return this.#requests.decide(requestId, decision);
  }

  /** Every open request is answered too: some agents end a turn only then. */
  interrupt(): void {
    this.#prompts.cancelTurn();
    this.#requests.withdrawAll();
  }

  #onRequest(rpcId: RpcId, method: string, params: JsonObject): void {
    const requestId = `${this.#machine.agent.id}-${++this.#requestCount}-${this.#prefix}`;
    const key = answerKey(requestId);
    const isClosed = this.#prompts.isCancelling || this.#requests.isFull;
    switch (method) {
      case 'session/request_permission':
        if (!isClosed && this.#ask({ requestId, rpcId, kind: 'permission', params })) return;
        return void this.#rpc.respond(rpcId, { outcome: { outcome: 'cancelled' } }, key);
      case 'elicitation/create':
        if (!isClosed && this.#ask({ requestId, rpcId, kind: 'form', params })) return;
        return void this.#rpc.respond(rpcId, { action: isClosed ? 'cancel' : 'decline' }, key);
      default:
        return this.#rpc.refuse(rpcId, METHOD_NOT_FOUND, `${method} is not offered.`, key);
    }
  }

  /** @returns false for a request that cannot be shown */
  #ask(asked: Omit<AskedRequest, 'call' | 'toolId'>): boolean {
    const isPermission = asked.kind === 'permission';
    const call = isPermission ? this.#reader.call(object(asked.params.toolCall)) : emptyCall('');
    const open = readAsked({ ...asked, call });
    if (open) {
      const { toolId } = open.request;
      this.#requests.add(open, { ...asked, call, toolId: toolId && this.#reader.toolId(toolId) });
    } else if (isPermission) {
      this.#notice('warning', 'request', 'A request that offers no clear choice was refused.');
    } else this.#notice('warning', 'request', 'A question that cannot be shown here was declined.');
    return open !== null;
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
    this.#cli.process.closeInput();
  }

  stop(): Promise<void> {
    this.#isStopping = true;
    return this.#cli.process.stop({
      interrupt: () => {
        this.interrupt();
        // So that it writes down what it has.
        return this.#prompts.turnEnded();
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
