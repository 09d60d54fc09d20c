/** The prompts of an ACP agent: one at a time, in their order. Those of an earlier server are taken up, and end by their answers. */
import type { Clock } from '../../../core/clock.ts';
import type { HeldCli } from '../../process/holder/held-child.ts';
import { mentionsIn } from '../mentions.ts';
import type { OutgoingMessage, ProviderEvent } from '../provider.ts';
import { type JsonObject, object } from '../untyped-json.ts';
import type { Handshake } from './handshake.ts';
import { isPromptId, type JsonRpc, promptId, RpcError, type RpcId } from './json-rpc.ts';
import type { OpenRequests } from './open-requests.ts';
import type { AcpAgent } from './presets.ts';
import { promptOf } from './prompt.ts';
import { type AcpReader, quotaOf, usageOf } from './reader.ts';
import { turnEnd, turnFailure } from './turns.ts';

/** Messages that wait for their turn. */
export const MAX_QUEUE = 100;
/** Of the keys of prompts. */
const KEY = 'message ';

export interface PromptsOptions {
  agent: AcpAgent;
  clock: Clock;
  cwd: string;
  emit(event: ProviderEvent): void;
  rpc: JsonRpc;
  reader: AcpReader;
  requests: OpenRequests;
  /** null: the agent ends with this server. */
  held(): HeldCli | null;
  /** null: it is not open yet. */
  session(): Handshake | null;
  /** Nothing new is prompted at the moment. */
  isHeldBack(): boolean;
  /** The exit was the last event. */
  isOver(): boolean;
  notice(level: 'info' | 'warning', code: string, text: string): void;
  /** Has the holder wait for the output that ends the next turn, when no server does. */
  watchFor(turnEnd: string): void;
}

export interface PromptsSnapshot {
  isTurning: boolean;
  isCancelling: boolean;
  /** Id of the message that was prompted last; '': none. */
  lastPrompt: string;
}

export class AcpPrompts {
  readonly #options: PromptsOptions;
  #queue: OutgoingMessage[] = [];
  #isTurning = false;
  #turnStartedAt = 0;
  /** The message that was prompted last; '': none. */
  #lastPrompt = '';
  /** Messages that an earlier server has prompted, and whose turn has not begun in what was read so far. */
  #prompted: string[] = [];
  /** The turn was cancelled: what it still asks is nobody's business any more. */
  #isCancelling = false;
  /** Called when the running turn has ended. */
  #onTurnEnd: (() => void) | null = null;

  constructor(options: PromptsOptions) {
    this.#options = options;
  }

  get isTurning(): boolean {
    return this.#isTurning;
  }
  get isCancelling(): boolean {
    return this.#isCancelling;
  }

  snapshot(): PromptsSnapshot {
    return { isTurning: this.#isTurning, isCancelling: this.#isCancelling, lastPrompt: this.#lastPrompt };
  }

  restore({ isTurning, isCancelling, lastPrompt }: PromptsSnapshot): void {
    this.#isTurning = isTurning;
    this.#isCancelling = isCancelling;
    this.#lastPrompt = lastPrompt;
    this.#turnStartedAt = this.#options.clock.monotonic();
  }

  // ---- of an earlier server

  /** The agent has been given the line with this key. */
  taken(key: string): void {
    if (!key.startsWith(KEY)) return;
    this.#options.emit({ type: 'message.status', id: key.slice(KEY.length), status: 'sent' });
  }

  /** What an earlier server has prompted since the snapshot: its turns are told by their ends, one after another. */
  takeUp(): void {
    const keys = this.#options.held()!.takenBefore(KEY);
    const prompted = keys.map((key) => key.slice(KEY.length));
    const at = prompted.indexOf(this.#lastPrompt);
    // That the holder has them the earlier server may not have lived to hear: they do not wait any more.
    for (const key of keys.slice(Math.max(at, 0))) this.taken(key);
    // The earlier server ended before the holder had all of the message: it will be sent again.
    if (this.#isTurning && at < 0) this.#isTurning = false;
    else this.#prompted = prompted.slice(at + 1);
    if (!this.#isTurning) this.#beginPrompted();
  }

  #beginPrompted(): void {
    const id = this.#prompted.shift();
    if (id === undefined) return;
    this.#lastPrompt = id;
    this.#beginTurn();
  }

  #beginTurn(): void {
    this.#isTurning = true;
    this.#turnStartedAt = this.#options.clock.monotonic();
    this.#options.emit({ type: 'turn.start' });
  }

  /** An answer to what an earlier server has asked: it may be the end of its prompt. */
  unclaimed(id: RpcId, answer: JsonObject | RpcError): void {
    if (isPromptId(id) && id === promptId(this.#lastPrompt) && this.#isTurning) this.#endTurn(answer);
  }

  // ---- of this one

  send(message: OutgoingMessage): void {
    const { emit, held, session } = this.#options;
    const key = KEY + message.id;
    if (held()?.hasTaken(key)) return this.taken(key);
    if (this.#queue.length >= MAX_QUEUE) {
      const error = 'Too many messages wait already.';
      return emit({ type: 'message.status', id: message.id, status: 'failed', error });
    }
    this.#queue.push(message);
    if (this.#isTurning || !session()) emit({ type: 'message.status', id: message.id, status: 'queued' });
    this.pump();
  }

  cancelQueued(messageId: string): void {
    const before = this.#queue.length;
    this.#queue = this.#queue.filter(({ id }) => id !== messageId);
    const { emit, notice } = this.#options;
    if (this.#queue.length < before) emit({ type: 'message.status', id: messageId, status: 'cancelled' });
    else notice('info', 'cancel', 'It was too late to cancel: the agent has begun with this message.');
  }

  /** Prompts the next message, when no turn runs. */
  pump(): void {
    const { session, isHeldBack, isOver } = this.#options;
    const handshake = session();
    if (!handshake || this.#isTurning || isHeldBack() || isOver()) return;
    const message = this.#queue.shift();
    if (message) this.#prompt(message, handshake);
  }

  #prompt(message: OutgoingMessage, { sessionId, takesImages }: Handshake): void {
    const { agent, emit, held, cwd, notice, rpc } = this.#options;
    const { prompt, leftOut } = promptOf(message, takesImages, agent.name, mentionsIn(message.text, cwd));
    if (!prompt.length) {
      emit({ type: 'message.status', id: message.id, status: 'failed', error: leftOut });
      return this.pump();
    }
    // In a holder it is sent when that has it: a message of which it has a part is sent again by the next server.
    if (!held()) emit({ type: 'message.status', id: message.id, status: 'sent' });
    this.#lastPrompt = message.id;
    this.#beginTurn();
    if (leftOut) notice('warning', 'images', leftOut);
    const named = held() ? { id: promptId(message.id), key: KEY + message.id } : null;
    // Nothing else that is the same in a result and in an error says that the turn is over.
    if (named) this.#options.watchFor(`…${named.id}`);
    const settled = (answer: JsonObject | RpcError) => this.#endTurn(answer);
    rpc.request('session/prompt', { sessionId, prompt }, null, { named, settled }).catch(() => {});
  }

  #endTurn(answer: JsonObject | RpcError): void {
    const { agent, clock, emit, isOver, reader, requests } = this.#options;
    if (isOver()) return;
    const result = answer instanceof RpcError ? {} : answer;
    const end = answer instanceof RpcError ? turnFailure(answer, agent) : turnEnd(answer, agent, reader.lastChunk);
    reader.endTurn();
    requests.withdrawAll();
    this.#isTurning = this.#isCancelling = false;
    this.#onTurnEnd?.();
    const usage = usageOf(object(result.usage)) ?? quotaOf(result);
    if (usage) emit({ type: 'usage', usage });
    emit({ type: 'turn.end', ...end, durationMs: clock.monotonic() - this.#turnStartedAt });
    this.#beginPrompted();
    this.pump();
  }

  /** The agent is asked to end its turn. */
  cancelTurn(): void {
    const session = this.#options.session();
    if (!session || !this.#isTurning) return;
    this.#isCancelling = true;
    this.#options.rpc.notify('session/cancel', { sessionId: session.sessionId });
  }

  /** Resolves when the running turn has ended; undefined: none runs. */
  turnEnded(): Promise<void> | undefined {
    return this.#isTurning ? new Promise((resolve) => this.#onTurnEnd = resolve) : undefined;
  }
}
