/**
 * The live feed for a command: every time that it connects it gets the whole state and says what it wants to watch from where
 * on, so that nothing depends on what an earlier connection may have missed. See core/api/SPEC.md, "Live feed".
 */
import type { LiveChange, LiveCommand, LiveMessage, LiveSnapshot } from '../../core/api/live.ts';
import type { Message as AgentMessage } from '../../core/api/messages.ts';
import type { Message } from '../../core/websocket/mod.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { type Api } from './api.ts';
import { abortedError, ApiError } from './errors.ts';
import { CLOSE_MS, HEARTBEAT, type ReconnectingOptions, ReconnectingSocket } from './reconnecting-socket.ts';

/** Bytes of one message: a page of messages whose texts are all as long as they may be. */
const MAX_MESSAGE = 512 * 1024 * 1024;

export interface LiveOwner {
  /** The whole state; everything known before is stale. */
  onSnapshot(snapshot: LiveSnapshot): void;
  onChange(change: LiveChange): void;
  onMessages?(page: { agent: string; messages: AgentMessage[] }): void;
  onAway?(reason: string): void;
}

export class Live {
  readonly #socket: ReconnectingSocket;
  readonly #owner: LiveOwner;
  readonly #api: Api;

  constructor(api: Api, owner: LiveOwner, options: ReconnectingOptions = {}) {
    this.#api = api;
    this.#owner = owner;
    this.#socket = new ReconnectingSocket({
      dial: (signal) =>
        api.dial('/api/live', {
          signal,
          deflate: true,
          heartbeat: HEARTBEAT,
          limits: { message: MAX_MESSAGE, closeHandshakeMs: CLOSE_MS },
        }),
      onOpen: () => this.send({ type: 'hello', watch: [] }),
      onMessage: (data) => this.#onMessage(data),
      endOf: () => null, // A login that has ended is renewed by the next connection, or refused there.
      refusalOf: (status) => this.#refusal(status),
      onAway: (reason) => owner.onAway?.(reason),
    }, options);
  }

  /** Runs until `stop` is called. Rejects when it can no longer go on, or the command was given up. */
  async run(): Promise<void> {
    const { signal } = this.#api;
    const onAbort = () => this.#socket.close(abortedError());
    if (signal.aborted) throw abortedError();
    signal.addEventListener('abort', onAbort);
    this.#socket.connect();
    try {
      await this.#socket.ended;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** @param error why; without one the feed is simply not wanted any more */
  stop(error: Error | null = null): void {
    this.#socket.close(error);
  }

  send(command: LiveCommand): void {
    this.#socket.send(JSON.stringify(command));
  }

  #onMessage(data: Message): void {
    const message = JSON.parse(String(data)) as LiveMessage;
    switch (message.type) {
      case 'snapshot':
        this.#socket.ready();
        return this.#owner.onSnapshot(message.snapshot);
      case 'event':
        return this.#owner.onChange(message.change);
      case 'messages':
        return this.#owner.onMessages?.(message);
      case 'error':
        throw new CommandError(message.text, message.code === 'not_found' ? EXIT.notFound : EXIT.failed);
      case 'welcome':
      case 'agents':
      case 'pong':
        return;
    }
  }

  #loginNeeded(): Error {
    return this.#api.withHint(new ApiError('The login has ended.', { status: 401, code: 'login_required' })) as Error;
  }

  #refusal(status: number): Error | null {
    if (status === 401) return this.#loginNeeded();
    const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429;
    return isFinal ? new ApiError(`The live feed was refused (${status}).`, { status, code: 'refused' }) : null;
  }
}
