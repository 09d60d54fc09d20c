/**
 * The live feed: every change gets a number, is kept for a while for those who come back, and goes to whoever wants it.
 * See core/wire/SPEC.md, "Live feed".
 */
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.ts';
import { HttpError } from '../core/http/reply.ts';
import type { HttpRequest, HttpResponse } from '../core/http/types.ts';
import type { Connection } from '../core/websocket/mod.ts';
import { accept } from '../core/websocket/mod.ts';
import {
  LIVE_CLOSE,
  type LiveChange,
  type LiveCommand,
  type LiveMessage,
  type LiveSnapshot,
  type MachineInfo,
} from '../core/wire/live.ts';
import type { Message, MessagePage } from '../core/wire/types.ts';
import { parseLiveCommand, WireError } from '../core/wire/validate.ts';

/** A reader with this much unread is dropped; it comes back and resyncs. */
export const SLOW_LIMIT = 4 * 1024 * 1024;
/** Changes that are kept for readers who were away. */
export const KEPT_CHANGES = 20_000;
export const KEPT_LENGTH = 8 * 1024 * 1024;
export const CLIENT_LIMIT = 256;
/** Agents that one client may watch. */
export const WATCH_LIMIT = 200;
/** Messages of a `messages` answer, and about how many characters of them. */
const PAGE_DEFAULT = 50;
const PAGE_LIMIT = 500;
const PAGE_LENGTH = 1024 * 1024;
/** A dashboard's messages are small. */
const COMMAND_LIMIT = 64 * 1024;
/**
 * Events from this many bytes on are compressed. Against those before it a delta of 300 bytes comes down to a third; with many
 * dashboards that costs more processor time than it saves.
 */
const SMALL_EVENT = 100;
const LARGE_EVENT = 1024;
const FEW_CLIENTS = 16;
const HEARTBEAT = { pingMs: 15_000, deadMs: 45_000 };

/** What the feed asks of the house when a client needs the whole state. */
export interface LiveSources {
  machine(): MachineInfo;
  snapshot(): Omit<LiveSnapshot, 'warnings'>;
  has(agent: string): boolean;
  page(agent: string, range: { after?: number; limit: number }): MessagePage;
}

interface Kept {
  seq: number;
  json: string;
  /** The agent whose watchers want it; null: everybody does. */
  agent: string | null;
}

interface Client {
  socket: Connection;
  watched: Set<string>;
  isGreeted: boolean;
  /** Bytes that an answer put into the buffer: they do not count as being slow. */
  allowance: number;
}

export class LiveFeed {
  readonly epoch: string = randomUUID();
  readonly #sources: LiveSources;
  readonly #clock: Clock;
  #seq = 0;
  #kept: Kept[] = [];
  #keptLength = 0;
  #clients = new Set<Client>();
  #warnings = new Map<string, string>();

  constructor(sources: LiveSources, clock: Clock = systemClock) {
    this.#sources = sources;
    this.#clock = clock;
  }

  get seq(): number {
    return this.#seq;
  }
  get clients(): number {
    return this.#clients.size;
  }

  publish(change: LiveChange): void {
    const seq = ++this.#seq;
    const json = JSON.stringify({ type: 'event', seq, change } satisfies LiveMessage);
    const kept = { seq, json, agent: watchedAgent(change) };
    this.#keep(kept);
    for (const client of this.#clients) {
      if (client.isGreeted && isWanted(client, kept)) this.#send(client, json);
    }
  }

  /** A server-wide warning; an empty text takes it back. */
  warn(code: string, text: string): void {
    if ((this.#warnings.get(code) ?? '') === text) return;
    if (text) this.#warnings.set(code, text);
    else this.#warnings.delete(code);
    this.publish({ type: 'warning', code, text });
  }

  warnings(): LiveSnapshot['warnings'] {
    return [...this.#warnings].map(([code, text]) => ({ code, text }));
  }

  /** Serves GET /api/live. The origin has been checked. */
  serve(req: HttpRequest, res: HttpResponse): void {
    if (this.#clients.size >= CLIENT_LIMIT) {
      throw new HttpError(503, 'too_many_clients', 'Too many dashboards are open.', { 'retry-after': '10' });
    }
    const socket = accept(req, res, {
      deflate: { threshold: this.#clients.size < FEW_CLIENTS ? SMALL_EVENT : LARGE_EVENT },
      limits: { message: COMMAND_LIMIT },
      heartbeat: HEARTBEAT,
      clock: this.#clock,
    });
    if (socket) this.#attach(socket);
  }

  /** Tells everybody that the server goes down and will be back. */
  close(): void {
    for (const { socket } of this.#clients) socket.close(LIVE_CLOSE.restart, 'The server is restarting.');
    this.#clients.clear();
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept);
    this.#keptLength += kept.json.length;
    let drop = 0;
    while (this.#kept.length - drop > KEPT_CHANGES || this.#keptLength > KEPT_LENGTH) {
      this.#keptLength -= this.#kept[drop++]!.json.length;
    }
    // In portions: removing the first of a long array moves all others.
    if (drop > 0) this.#kept.splice(0, drop);
  }

  #attach(socket: Connection): void {
    const client: Client = { socket, watched: new Set(), isGreeted: false, allowance: 0 };
    this.#clients.add(client);
    socket.onclose = () => this.#clients.delete(client);
    socket.ondrain = () => client.allowance = 0;
    socket.onmessage = (data) => {
      try {
        this.#onCommand(client, parseLiveCommand(JSON.parse(String(data))));
      } catch (error) {
        const text = error instanceof WireError || error instanceof HttpError ? error.message : 'This is not JSON.';
        this.#answer(client, { type: 'error', code: 'bad_message', text });
      }
    };
  }

  #onCommand(client: Client, command: LiveCommand): void {
    switch (command.type) {
      case 'hello':
        return this.#onHello(client, command);
      case 'ping':
        return this.#answer(client, { type: 'pong', t: command.t, seq: this.#seq });
      case 'watch':
        return this.#onWatch(client, command);
      case 'unwatch':
        return void client.watched.delete(command.agent);
    }
  }

  #onHello(client: Client, { epoch, last, watch = [] }: Extract<LiveCommand, { type: 'hello' }>): void {
    const missed = epoch === this.epoch && last !== undefined ? this.#since(last) : null;
    client.isGreeted = true;
    client.watched = new Set(watch.slice(0, WATCH_LIMIT).map(({ agent }) => agent));
    const { machine, snapshot } = this.#sources;
    this.#answer(client, {
      type: 'welcome',
      epoch: this.epoch,
      seq: this.#seq,
      resumed: missed !== null,
      machine: machine(),
    });
    if (missed) {
      for (const kept of missed) if (isWanted(client, kept)) this.#answer(client, kept.json);
      return;
    }
    const whole = { ...snapshot(), warnings: this.warnings() };
    this.#answer(client, { type: 'snapshot', seq: this.#seq, snapshot: whole });
    for (const { agent, limit } of watch) {
      if (client.watched.has(agent)) this.#sendMessages(client, agent, { limit: limit ?? PAGE_DEFAULT });
    }
  }

  /** Kept changes after that number; null when some of them are no longer there (or never were: another life). */
  #since(last: number): Kept[] | null {
    if (last > this.#seq) return null;
    const first = this.#kept[0]?.seq ?? this.#seq + 1;
    return last + 1 < first ? null : this.#kept.slice(last + 1 - first);
  }

  #onWatch(client: Client, { agent, after, limit }: Extract<LiveCommand, { type: 'watch' }>): void {
    if (!client.watched.has(agent) && client.watched.size >= WATCH_LIMIT) {
      return this.#answer(client, {
        type: 'error',
        code: 'too_many',
        text: `At most ${WATCH_LIMIT} agents are watched.`,
      });
    }
    client.watched.add(agent);
    this.#sendMessages(client, agent, { ...(after === undefined ? {} : { after }), limit: limit ?? PAGE_DEFAULT });
  }

  #sendMessages(client: Client, agent: string, range: { after?: number; limit: number }): void {
    if (!this.#sources.has(agent)) {
      client.watched.delete(agent);
      return this.#answer(client, {
        type: 'error',
        code: 'not_found',
        text: `There is no agent ${agent.slice(0, 100)}.`,
      });
    }
    // Reading flushes what streams in, which takes numbers: the page is as of the number after that.
    const page = this.#sources.page(agent, { ...range, limit: Math.min(Math.max(range.limit, 1), PAGE_LIMIT) });
    const { messages, more } = range.after === undefined ? newestThatFit(page) : page;
    this.#answer(client, { type: 'messages', seq: this.#seq, agent, messages, more });
  }

  #answer(client: Client, message: LiveMessage | string): void {
    const json = typeof message === 'string' ? message : JSON.stringify(message);
    client.allowance += json.length;
    this.#send(client, json);
  }

  #send(client: Client, json: string): void {
    client.socket.send(json);
    if (client.socket.bufferedAmount - client.allowance <= SLOW_LIMIT) return;
    this.#clients.delete(client);
    client.socket.close(LIVE_CLOSE.slow, 'This reader is too slow. Connect again.');
  }
}

function isWanted(client: Client, kept: Kept): boolean {
  return kept.agent === null || client.watched.has(kept.agent);
}

function watchedAgent(change: LiveChange): string | null {
  switch (change.type) {
    case 'message':
    case 'message.patch':
    case 'delta':
    case 'messages.cleared':
      return change.agent;
    default:
      return null;
  }
}

/** The newest messages that have about PAGE_LENGTH characters together, at least one. */
function newestThatFit({ messages, more }: MessagePage): MessagePage {
  const fit: Message[] = [];
  let length = 0;
  for (let i = messages.length - 1; i >= 0; i--) {
    length += JSON.stringify(messages[i]).length;
    if (length > PAGE_LENGTH && fit.length) return { messages: fit, more: true };
    fit.unshift(messages[i]!);
  }
  return { messages: fit, more };
}
