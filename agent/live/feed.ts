/**
 * The live feed: sends the changes of the event log to every dashboard that wants them, and the whole state to one that starts.
 * See core/api/SPEC.md, "Live feed".
 */
import { type Clock, systemClock } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import type { HttpRequest, HttpResponse } from '../../core/http/types.ts';
import type { Connection } from '../../core/websocket/mod.ts';
import { accept } from '../../core/websocket/mod.ts';
import { LIVE_CLOSE } from '../../core/api/live-close.ts';
import type { LiveCommand, LiveMessage, LiveSnapshot, MachineInfo } from '../../core/api/live.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { countAgents, inListOrder, needsMe } from '../../core/api/agent-order.ts';
import type { Message, MessagePage } from '../../core/api/messages.ts';
import { parseLiveCommand } from '../../core/api/live.ts';
import type { EventLog, LiveEvent } from './event-log.ts';

/** A reader with this many unread bytes is disconnected; it comes back and starts from a snapshot. */
export const MAX_UNREAD = 4 * 1024 * 1024;
export const MAX_CLIENT = 256;
/** Agents that one client may watch. */
export const MAX_WATCH = 200;
/** Messages of a `messages` answer, and about how many characters of them. */
const DEFAULT_PAGE = 50;
const MAX_PAGE = 500;
const MAX_PAGE_LENGTH = 1024 * 1024;
/** Agents of an answer to `rest`. */
const MAX_REST = 250;
/** A dashboard's messages are small. */
const MAX_COMMAND = 64 * 1024;
/**
 * Events from this many bytes on are compressed. Against those before it a delta of 300 bytes comes down to a third; with many
 * dashboards that costs more processor time than it saves.
 */
const SMALL_EVENT = 100;
const LARGE_EVENT = 1024;
const FEW_CLIENTS = 16;
const HEARTBEAT = { pingMs: 15_000, deadMs: 45_000 };

/** Where the feed finds the whole state that a client starts from. */
export interface LiveSources {
  machine(): MachineInfo;
  snapshot(): LiveSnapshot;
  has(agent: string): boolean;
  page(agent: string, range: { after?: number; limit: number }): MessagePage;
}

interface Client {
  socket: Connection;
  watched: Set<string>;
  isGreeted: boolean;
  /** Its address has said hello: the message that says the same is passed over. */
  wasEarly: boolean;
  /** Unread bytes of answers: a long answer alone does not make a reader slow. */
  allowance: number;
  /** Agents that its snapshot has left out, in the order of the list. */
  rest: readonly string[];
}

export interface LiveFeedOptions {
  events: EventLog;
  sources: LiveSources;
  clock?: Clock;
}

export class LiveFeed {
  readonly #events: EventLog;
  readonly #sources: LiveSources;
  readonly #clock: Clock;
  readonly #clients = new Set<Client>();
  #onPresence: (isSomebody: boolean) => void = () => {};
  readonly #unsubscribe: () => void;

  constructor({ events, sources, clock = systemClock }: LiveFeedOptions) {
    this.#events = events;
    this.#sources = sources;
    this.#clock = clock;
    this.#unsubscribe = events.subscribe((_, event) => this.#onEvent(event));
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Whether a dashboard shows the messages of this agent. */
  isWatched(agent: string): boolean {
    return [...this.#clients].some(({ watched }) => watched.has(agent));
  }

  /** Calls the listener when the first dashboard comes and when the last one is gone. There is one listener. */
  onPresence(listener: (isSomebody: boolean) => void): void {
    this.#onPresence = listener;
    if (this.#clients.size) listener(true);
  }

  #onEvent(event: LiveEvent): void {
    for (const client of this.#clients) {
      if (client.isGreeted && isWanted(client, event)) this.#send(client, event.json);
    }
  }

  /** Serves GET /api/live. The origin has been checked. */
  serve(req: HttpRequest, res: HttpResponse): void {
    if (this.#clients.size >= MAX_CLIENT) {
      throw new Failure('too_many_clients', 'Too many dashboards are open. Close those that you do not use.', {
        retryAfterS: 10,
      });
    }
    const socket = accept(req, res, {
      deflate: { threshold: this.#clients.size < FEW_CLIENTS ? SMALL_EVENT : LARGE_EVENT },
      limits: { message: MAX_COMMAND },
      heartbeat: HEARTBEAT,
      clock: this.#clock,
    });
    if (socket) this.#attach(socket, earlyHello(req.url));
  }

  /** Closes every connection with the code that says that the server goes down and will be back. */
  disconnect(): void {
    for (const { socket } of this.#clients) socket.close(LIVE_CLOSE.restart, 'The server is restarting.');
    if (this.#clients.size) this.#onPresence(false);
    this.#clients.clear();
  }

  /** Disconnects for good: sends no further events. */
  close(): void {
    this.#unsubscribe();
    this.disconnect();
  }

  #attach(socket: Connection, hello: LiveCommand | null): void {
    const client: Client = { socket, watched: new Set(), isGreeted: false, wasEarly: false, allowance: 0, rest: [] };
    this.#clients.add(client);
    if (this.#clients.size === 1) this.#onPresence(true);
    socket.onclose = () => this.#drop(client);
    socket.ondrain = () => client.allowance = 0;
    socket.onmessage = (data) => this.#obey(client, () => parseLiveCommand(JSON.parse(String(data))));
    if (!hello) return;
    this.#obey(client, () => hello);
    client.wasEarly = true;
  }

  #drop(client: Client): void {
    if (this.#clients.delete(client) && !this.#clients.size) this.#onPresence(false);
  }

  /** What cannot be done is answered, and takes the feed from nobody. */
  #obey(client: Client, command: () => LiveCommand): void {
    try {
      this.#onCommand(client, command());
    } catch (error) {
      const text = error instanceof Failure ? error.message : 'This is not JSON.';
      this.#answer(client, { type: 'error', code: 'bad_message', text });
    }
  }

  #onCommand(client: Client, command: LiveCommand): void {
    switch (command.type) {
      case 'hello':
        if (!client.wasEarly) return this.#onHello(client, command);
        client.wasEarly = false;
        return;
      case 'ping':
        return this.#answer(client, { type: 'pong', t: command.t, seq: this.#events.seq });
      case 'rest':
        return this.#onRest(client);
      case 'watch':
        return this.#onWatch(client, command);
      case 'unwatch':
        return void client.watched.delete(command.agent);
    }
  }

  #onHello(client: Client, { epoch, last, watch = [], first }: Extract<LiveCommand, { type: 'hello' }>): void {
    const events = this.#events;
    // Who has applied nothing has no snapshot either: 0 is a part of an earlier handshake, never a place to go on from.
    const missed = epoch === events.epoch && last ? events.since(last) : null;
    client.isGreeted = true;
    client.watched = new Set(watch.slice(0, MAX_WATCH).map(({ agent }) => agent));
    const machine = this.#sources.machine();
    this.#answer(client, { type: 'welcome', epoch: events.epoch, seq: events.seq, resumed: missed !== null, machine });
    if (missed) {
      for (const event of missed) if (isWanted(client, event)) this.#answer(client, event.json);
      return;
    }
    const [snapshot, rest] = firstPart(this.#sources.snapshot(), first, client.watched);
    client.rest = rest.map(({ id }) => id);
    this.#answer(client, { type: 'snapshot', epoch: events.epoch, seq: events.seq, snapshot, ...countsOf(rest) });
    for (const { agent, limit } of watch) {
      if (client.watched.has(agent)) this.#sendMessages(client, agent, { limit: limit ?? DEFAULT_PAGE });
    }
  }

  #onRest(client: Client): void {
    const known = new Map(this.#sources.snapshot().agents.map((agent) => [agent.id, agent]));
    const left = client.rest.map((id) => known.get(id)).filter((agent) => agent !== undefined);
    const [agents, rest] = [left.slice(0, MAX_REST), left.slice(MAX_REST)];
    client.rest = rest.map(({ id }) => id);
    this.#answer(client, { type: 'agents', seq: this.#events.seq, agents, ...countsOf(rest) });
  }

  #onWatch(client: Client, { agent, after, limit }: Extract<LiveCommand, { type: 'watch' }>): void {
    if (!client.watched.has(agent) && client.watched.size >= MAX_WATCH) {
      return this.#answer(client, {
        type: 'error',
        code: 'too_many',
        text: `At most ${MAX_WATCH} agents are watched.`,
      });
    }
    client.watched.add(agent);
    this.#sendMessages(client, agent, { ...(after === undefined ? {} : { after }), limit: limit ?? DEFAULT_PAGE });
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
    // Reading the page flushes what streams in, which publishes events: its number is the one after those.
    const page = this.#sources.page(agent, { ...range, limit: Math.min(Math.max(range.limit, 1), MAX_PAGE) });
    const { messages, more } = range.after === undefined ? newestThatFit(page) : page;
    this.#answer(client, { type: 'messages', seq: this.#events.seq, agent, messages, more });
  }

  #answer(client: Client, message: LiveMessage | string): void {
    const json = typeof message === 'string' ? message : JSON.stringify(message);
    client.allowance += json.length;
    this.#send(client, json);
  }

  #send(client: Client, json: string): void {
    client.socket.send(json);
    if (client.socket.bufferedAmount - client.allowance <= MAX_UNREAD) return;
    this.#drop(client);
    client.socket.close(LIVE_CLOSE.slow, 'This reader is too slow. Connect again.');
  }
}

/** The hello of `/api/live?hello=`, so that the answer needs no message; null: none, or one that is to be said again. */
function earlyHello(url: string): LiveCommand | null {
  const at = url.indexOf('?');
  const text = at < 0 ? null : new URLSearchParams(url.slice(at)).get('hello');
  if (!text) return null;
  try {
    const command = parseLiveCommand(JSON.parse(text));
    return command.type === 'hello' ? command : null;
  } catch {
    return null;
  }
}

const isWanted = (client: Client, { agent }: LiveEvent): boolean => agent === null || client.watched.has(agent);

/**
 * A snapshot with the first agents of the list only, and the agents that are left out. Who waits for a person is in it, however
 * many they are, and so is who is watched: what the page says of those is right from the first moment.
 */
function firstPart(
  snapshot: LiveSnapshot,
  first: number | undefined,
  watched: ReadonlySet<string>,
): [LiveSnapshot, AgentInfo[]] {
  if (!first || snapshot.agents.length <= first) return [snapshot, []];
  const sorted = inListOrder(snapshot.agents);
  const isFirst = (agent: AgentInfo, i: number) => i < first || needsMe(agent) || watched.has(agent.id);
  return [
    { ...snapshot, agents: sorted.filter(isFirst) },
    sorted.filter((agent, i) => !isFirst(agent, i)),
  ];
}

const countsOf = (rest: readonly AgentInfo[]) => rest.length ? { rest: countAgents(rest) } : {};

/** The newest messages that have about MAX_PAGE_LENGTH characters together, at least one. */
function newestThatFit({ messages, more }: MessagePage): MessagePage {
  const fit: Message[] = [];
  let length = 0;
  for (let i = messages.length - 1; i >= 0; i--) {
    length += JSON.stringify(messages[i]).length;
    if (length > MAX_PAGE_LENGTH && fit.length) return { messages: fit, more: true };
    fit.unshift(messages[i]!);
  }
  return { messages: fit, more };
}
