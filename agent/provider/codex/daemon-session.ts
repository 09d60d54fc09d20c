/**
 * A thread that is loaded in Codex's daemon, as a ProviderSession: the same live thread as in the terminal. Both see every event,
 * both start turns, the first answer to a request wins. Its end here leaves the thread and the daemon as they are.
 */
import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../../core/clock.ts';
import type { PermissionMode } from '../../../core/api/agents.ts';
import type { DecisionBody } from '../../../core/api/messages.ts';
import type { OpenOptions, OutgoingMessage, ProviderEvent, ProviderSession } from '../provider.ts';
import { type JsonObject, list, object, string } from '../untyped-json.ts';
import { DaemonLink } from './daemon-link.ts';
import { describe } from './items.ts';
import { limitEvents } from './limits.ts';
import { isPolicyOf, modeOfFlags, modeOfPolicy } from './modes.ts';
import { OpenRequests } from './open-requests.ts';
import { type Settings, turnSettings } from './params.ts';
import { ThreadEvents } from './thread.ts';
import { ThreadTurns } from './turns.ts';

export interface DaemonSessionOptions {
  socket: string;
  clock: Clock;
  /** What is said when the thread cannot be opened, made of what Codex said. */
  failure(text: string): { text: string; sessionLost: boolean };
  ended(session: DaemonSession): void;
}

/** Ids of our messages that are remembered: a message with another id was typed at the desk. */
const MAX_OWN = 1000;
/** How long a turn of ours may take to end when the agent is stopped, ms. */
const INTERRUPT_MS = 2500;
const AT_DESK = 'the desk';
const ASKS_FOR_NOTHING =
  'This conversation works without asking in the terminal, and this agent was not made so. Choose the mode that skips ' +
  'permissions for it, then send the message again; or change the mode in the terminal.';
const UNKNOWN_FATE =
  'It is not known whether Codex has begun with this message: look at what it did before you send it again.';

export class DaemonSession implements ProviderSession {
  readonly pid = null;
  readonly isShared = true;
  readonly #options: DaemonSessionOptions;
  readonly #open: OpenOptions;
  readonly #emit: (event: ProviderEvent) => void;
  readonly #link: DaemonLink;
  readonly #turns: ThreadTurns;
  readonly #events: ThreadEvents;
  /** Threads of subagents, by id. */
  readonly #children = new Map<string, ThreadEvents>();
  readonly #requests: OpenRequests;
  readonly #own = new Set<string>();
  readonly #settings: Settings;
  /** Settings are the desk's until they are changed here. */
  #isChanged = false;
  #knownPolicy: JsonObject = {};
  #approvalPolicy: unknown;
  /** The mode that a person chose for this agent: without it no thread is worked in that asks for nothing. */
  #chosenMode: PermissionMode;
  #isOver = false;
  #stopping: Promise<void> | null = null;

  constructor(options: DaemonSessionOptions, open: OpenOptions, emit: (event: ProviderEvent) => void) {
    this.#options = options;
    this.#open = open;
    this.#emit = (event) => this.#isOver || emit(event);
    this.#chosenMode = modeOfFlags(open.flags, open.mode);
    this.#settings = { mode: this.#chosenMode, model: '', effort: '' };
    const { clock, socket } = options;
    this.#link = new DaemonLink({
      socket,
      clock,
      notification: (method, params) => this.#onNotification(method, params),
      request: (id, method, params) => this.#onRequest(id, method, params),
      lost: (text) => this.#exit({ expected: false, text: `${text} Send a message to go on without it.` }),
    });
    const settings = () => this.#isChanged ? turnSettings(this.#settings, this.#knownPolicy) : {};
    this.#turns = new ThreadTurns({ server: this.#link, clock, emit: this.#emit, settings });
    this.#events = new ThreadEvents({
      emit: this.#emit,
      turn: (turnId) => this.#turns.changed(turnId),
      taken: (messageId) => this.#turns.taken(messageId),
    });
    this.#requests = new OpenRequests(this.#link, this.#emit, randomUUID().slice(0, 8));
    this.#join().catch((error: Error) => {
      this.#exit({ expected: false, ...options.failure(error.message) });
    });
  }

  get threadId(): string {
    return this.#open.resume!;
  }

  async #join(): Promise<void> {
    const { threadId } = this;
    const version = await this.#link.ready;
    const result = await this.#link.request('thread/resume', { threadId, excludeTurns: true }, {
      onResult: (joined) => this.#joined(joined),
    });
    if (string(object(object(result.thread).status).type) === 'active') await this.#catchUp();
    this.#emit({ type: 'ready', sessionId: threadId, version, capabilities: null });
    const text =
      'This conversation is shared with a terminal on the machine. Stopping the agent here does not end it there.';
    this.#emit({ type: 'notice', level: 'info', code: 'shared_with_desk', text, passing: true });
    this.#turns.sendWaiting();
  }

  #joined(result: JsonObject): void {
    if (!this.#followPolicy(result.approvalPolicy, object(result.sandbox))) return;
    this.#turns.open(this.threadId);
    this.#settings.model = string(result.model);
    this.#settings.effort = string(result.reasoningEffort);
    this.#emitSettings();
  }

  /**
   * Turns run as the desk has it: a mode that asks for nothing is a person's choice here too.
   * @returns false when it was not made: then this agent has left
   */
  #followPolicy(approvalPolicy: unknown, sandbox: JsonObject): boolean {
    this.#knownPolicy = sandbox;
    this.#approvalPolicy = approvalPolicy;
    const mode = modeOfPolicy(approvalPolicy, sandbox) ?? this.#settings.mode;
    if (mode === 'bypassPermissions' && this.#chosenMode !== mode) {
      this.#exit({ expected: false, text: ASKS_FOR_NOTHING });
      return false;
    }
    this.#settings.mode = mode;
    return true;
  }

  /** Changed at the desk, or with a turn of ours. */
  #settingsUpdated({ approvalPolicy, sandboxPolicy, model, effort }: JsonObject): void {
    const sandbox = object(sandboxPolicy);
    const isSame = approvalPolicy === this.#approvalPolicy && sandbox.type === this.#knownPolicy.type;
    const isOurs = this.#isChanged && isPolicyOf(this.#settings.mode, approvalPolicy, sandbox);
    if (isOurs) [this.#approvalPolicy, this.#knownPolicy] = [approvalPolicy, sandbox];
    else if (!isSame) {
      if (!this.#followPolicy(approvalPolicy, sandbox)) return;
      this.#isChanged = false; // the desk's is the newer choice
    }
    if (!this.#isChanged) Object.assign(this.#settings, { model: string(model), effort: string(effort) });
    this.#emitSettings();
  }

  /** A turn that runs already: what it has done so far. */
  async #catchUp(): Promise<void> {
    const params = { threadId: this.threadId, limit: 1, sortDirection: 'desc', itemsView: 'full' };
    const { data } = await this.#link.request('thread/turns/list', params);
    const turn = object(list(data)[0]);
    if (turn.status !== 'inProgress' || this.#turns.isTurning) return;
    const turnId = string(turn.id);
    this.#onOwnThread('turn/started', { turn });
    for (const item of list(turn.items).map(object)) {
      this.#onOwnThread('item/started', { item, turnId });
      if (item.status !== 'inProgress') this.#onOwnThread('item/completed', { item, turnId });
    }
  }

  // ---- what the daemon says

  #onNotification(method: string, params: JsonObject): void {
    if (method === 'account/rateLimits/updated') {
      for (const event of limitEvents(object(params.rateLimits), this.#options.clock.now())) this.#emit(event);
      return;
    }
    if (method === 'thread/started') return this.#adopt(object(params.thread));
    const threadId = string(params.threadId);
    if (threadId !== this.threadId) return this.#children.get(threadId)?.notify(method, params);
    if (method === 'thread/settings/updated') return this.#settingsUpdated(object(params.threadSettings));
    if (method === 'serverRequest/resolved') return this.#requests.resolved(params.requestId);
    this.#onOwnThread(method, params);
  }

  #onOwnThread(method: string, params: JsonObject): void {
    if (method === 'item/started') this.#showTyped(object(params.item));
    this.#events.notify(method, params);
  }

  /** A message that was typed at the desk. */
  #showTyped(item: JsonObject): void {
    const described = describe(item);
    if (described?.kind !== 'user' || this.#own.has(described.clientId)) return;
    const { text, images, clientId } = described;
    const own = clientId ? { clientId } : {}; // perhaps of a link that was lost
    this.#emit({ type: 'typed', id: string(item.id), ...own, text, images, by: AT_DESK });
  }

  /** A subagent's thread: its messages are shown below the tool that started it. Threads of others are not ours. */
  #adopt(thread: JsonObject): void {
    const parent = string(thread.parentThreadId);
    if (parent !== this.threadId && !this.#children.has(parent)) return;
    const hooks = { emit: this.#emit, turn: () => {}, taken: () => {} };
    this.#children.set(string(thread.id), new ThreadEvents(hooks, this.#events.blocks.agentTool));
  }

  #onRequest(id: number | string, method: string, params: JsonObject): void {
    const threadId = string(params.threadId);
    const events = threadId === this.threadId ? this.#events : this.#children.get(threadId);
    if (!events) return;
    const changesOf = (itemId: string) => events.blocks.changesOf(itemId);
    if (isSeen(method, params, changesOf) && this.#requests.open(id, method, params, changesOf)) return;
    // An answer, even a refusal, would take the question away from the desk.
    const text = `Codex asks for something that can only be answered at the desk (${method}).`;
    this.#emit({ type: 'notice', level: 'warning', code: 'answer_at_desk', text, passing: true });
  }

  // ---- commands

  send(message: OutgoingMessage): void {
    this.#own.add(message.id);
    if (this.#own.size > MAX_OWN) this.#own.delete(this.#own.values().next().value!);
    this.#turns.send(message);
  }

  decide(requestId: string, decision: DecisionBody): boolean {
    if (this.#isOver || !this.#requests.decide(requestId, decision)) return false;
    const reason = decision.decision === 'deny' && !decision.interrupt ? decision.message?.trim() : '';
    if (reason) this.#turns.addText(reason, `reason ${requestId}`);
    return true;
  }

  interrupt(): void {
    this.#turns.interrupt();
  }

  cancelQueued(messageId: string): void {
    this.#turns.cancelQueued(messageId);
  }

  setMode(mode: PermissionMode): void {
    this.#chosenMode = mode;
    this.#change({ mode });
  }

  setModel(model: string): void {
    this.#change({ model });
  }

  setEffort(effort: string): void {
    this.#change({ effort });
  }

  #change(settings: Partial<Settings>): void {
    Object.assign(this.#settings, settings);
    this.#isChanged = true;
    this.#emitSettings();
  }

  #emitSettings(): void {
    this.#emit({ type: 'session', sessionId: this.threadId, ...this.#settings });
  }

  reap(): void {
    this.leave();
  }

  /** A turn that was begun here ends with the agent; one that was begun at the desk goes on there. */
  stop(): Promise<void> {
    return this.#stopping ??= this.#stop();
  }

  async #stop(): Promise<void> {
    this.#turns.closeInput();
    if (this.#turns.isOwn && this.#link.isOpen) await this.#interrupted();
    this.leave();
  }

  async #interrupted(): Promise<void> {
    let timer: Timer | null = null;
    const timeout = new Promise<void>((resolve) => timer = this.#options.clock.setTimeout(resolve, INTERRUPT_MS));
    await Promise.race([this.#turns.end(), timeout]);
    this.#options.clock.clearTimeout(timer);
  }

  /** The thread and its turn go on at the desk. */
  leave(): void {
    this.#exit({ expected: true, text: '' });
  }

  #exit(end: { expected: boolean; text: string; sessionLost?: boolean }): void {
    if (this.#isOver) return;
    const { unconfirmed } = this.#turns.close();
    for (const { blocks } of [...this.#children.values(), this.#events]) blocks.close();
    this.#requests.close();
    for (const { id } of unconfirmed) {
      this.#emit({ type: 'message.status', id, status: 'failed', error: UNKNOWN_FATE });
    }
    this.#emit({ type: 'exit', code: null, signal: null, ...end });
    this.#isOver = true;
    this.#link.close();
    this.#options.ended(this);
  }
}

/** What is asked for may be in an item that began before this agent joined: what is not seen is not answered here. */
function isSeen(method: string, params: JsonObject, changesOf: (itemId: string) => readonly unknown[]): boolean {
  switch (method) {
    case 'item/fileChange/requestApproval':
      return changesOf(string(params.itemId)).length > 0;
    case 'item/commandExecution/requestApproval':
      return Boolean(string(params.command).trim() || string(object(params.networkApprovalContext).host));
    default:
      return true;
  }
}
