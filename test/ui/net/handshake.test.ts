/** The live feed's two ends, the connection cut between any two of the server's messages: the page ends up with the whole state. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LiveChange, LiveMessage } from '../../../core/api/live.ts';
import type { Message } from '../../../core/api/messages.ts';
import { createHttpServer } from '../../../core/http/server.ts';
import { dial } from '../../../core/websocket/mod.ts';
import { EventLog } from '../../../agent/live/event-log.ts';
import { LiveFeed } from '../../../agent/live/feed.ts';
import { createLive, type Live } from '../../../ui/net/live.ts';
import type { RawSocket } from '../../../ui/net/reconnecting-socket.ts';
import { apply, createStore, isCurrent, type Store } from '../../../ui/state/store.ts';
import { silentLog } from '../../../core/log.ts';
import { agent, machine, text } from '../../support/fakes/ui-data.ts';

const NO_TASKS = { pending: 0, running: 0, waiting_input: 0, completed: 0, failed: 0, skipped: 0, blocked: 0 };

/** One life of a server: agents and the messages of agent `a`, which every publish changes, too. */
class FakeServer {
  readonly events = new EventLog();
  readonly agents: string[];
  readonly messages: Message[] = [];
  readonly #feed: LiveFeed;
  readonly #server;
  port = 0;

  constructor(agents: string[]) {
    this.agents = agents;
    this.#feed = new LiveFeed({
      events: this.events,
      sources: {
        machine: () => machine,
        has: () => true,
        page: () => ({ messages: [...this.messages], more: false }),
        snapshot: () => ({
          agents: this.agents.map((id) => agent({ id })),
          terminals: [],
          templates: [],
          tasks: [],
          warnings: [],
          pipeline: { running: false, startedAt: null, text: '', counts: NO_TASKS },
        }),
      },
    });
    this.#server = createHttpServer({ handler: (req, res) => this.#feed.serve(req, res), log: silentLog });
  }

  async listen(): Promise<void> {
    this.port = (await this.#server.listen(0, '127.0.0.1')).port;
  }

  add(id: string): void {
    this.agents.push(id);
    this.events.publish({ type: 'agent', agent: agent({ id }) });
  }

  say(words: string): void {
    const message = { ...text(words), id: `m${this.messages.length + 1}`, seq: this.messages.length + 1 } as Message;
    this.messages.push(message);
    this.events.publish({ type: 'message', agent: 'a', message } as LiveChange);
  }

  async close(): Promise<void> {
    this.#feed.close();
    await this.#server.close(0);
  }
}

/** A page whose connections are cut behind the n-th message of the server, as often as `cuts` has numbers. */
class Page {
  readonly store: Store = createStore();
  readonly live: Live;
  /** How many messages each of its connections was sent. */
  readonly received: number[] = [];
  readonly #cuts: number[];
  #server: FakeServer;

  constructor(server: FakeServer, cuts: number[] = []) {
    this.#server = server;
    this.#cuts = cuts;
    this.live = createLive({
      open: () => this.#open(),
      cursor: () => this.store.value,
      hasChat: (id) => isCurrent(this.store.value.chats[id]),
      onMessage: (message) => this.store.value = apply(this.store.value, message),
      whenIdle: (action) => action(),
      onSignedOut: () => assert.unreachable(),
      now: Date.now,
      random: () => 0,
      setTimeout: (action, ms) => setTimeout(action, ms) as never,
      clearTimeout: (timer) => clearTimeout(timer as never),
    });
    this.live.watch('a');
    this.live.connection.subscribe(({ phase }) => phase === 'waiting' && setTimeout(() => this.live.retryNow(), 1));
  }

  moveTo(server: FakeServer, cuts: number[]): void {
    this.#server = server;
    this.#cuts.push(...cuts);
  }

  #open(): RawSocket {
    const cut = this.#cuts.shift() ?? Infinity;
    const at = this.received.push(0) - 1;
    const raw: RawSocket & { closed?: boolean } = {
      binaryType: '',
      onopen: null,
      onmessage: null,
      onclose: null,
      send: () => {},
      close: () => raw.closed = true,
    };
    const origin = `http://127.0.0.1:${this.#server.port}`;
    dial(`${origin.replace('http', 'ws')}/api/live`, { headers: { origin } }).then((socket) => {
      const end = () => {
        socket.terminate();
        raw.closed = true;
        raw.onclose?.({ code: 1006 });
      };
      raw.send = (data) => void socket.send(String(data));
      raw.close = () => socket.terminate();
      socket.onmessage = (data) => {
        if (raw.closed) return;
        if (this.received[at]! === cut) return end();
        this.received[at]!++;
        raw.onmessage?.({ data: String(data) });
      };
      socket.onclose = () => raw.closed || end();
      raw.onopen?.({});
    }, () => raw.onclose?.({ code: 1006 }));
    return raw;
  }

  /** Resolves when the page shows what the server has, with the chat ready. */
  async shows(server: FakeServer, what: string): Promise<void> {
    const wanted = JSON.stringify([[...server.agents].sort(), server.messages.map(({ id }) => id)]);
    const end = Date.now() + 5000;
    for (;;) {
      const { agents, chats } = this.store.value;
      const shown = JSON.stringify([Object.keys(agents).sort(), chats.a?.messages.map(({ id }) => id)]);
      if (shown === wanted && isCurrent(chats.a)) return;
      if (Date.now() > end) {
        this.live.stop();
        assert.is(shown, wanted, what);
        assert.unreachable(`${what}: the chat is not current`);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

async function withServers(run: (first: FakeServer, second: FakeServer) => Promise<void>): Promise<void> {
  const [first, second] = [new FakeServer(['a', 'b']), new FakeServer(['a', 'c'])];
  await Promise.all([first.listen(), second.listen()]);
  for (let i = 0; i < 20; i++) first.add(`first ${i}`);
  second.add('second');
  for (const server of [first, second]) for (const words of ['one', 'two', 'three']) server.say(words);
  try {
    await run(first, second);
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
}

/** welcome, snapshot, messages. */
const FULL = 3;

for (let cut = 0; cut <= FULL; cut++) {
  test(`a first visit that is cut behind ${cut} of the ${FULL} messages`, () =>
    withServers(async (server) => {
      const page = new Page(server, [cut]);
      page.live.start();
      await page.shows(server, 'after the cut');
      server.say('later');
      server.add('later');
      await page.shows(server, 'later');
      page.live.stop();
    }));

  test(`a page of a server before, cut behind ${cut} of the ${FULL} messages of the present one, twice`, () =>
    withServers(async (before, now) => {
      const page = new Page(before);
      page.live.start();
      await page.shows(before, 'the server before');
      page.moveTo(now, [cut, cut]);
      await before.close();
      await page.shows(now, 'the present server');
      now.say('later');
      await page.shows(now, 'later');
      page.live.stop();
    }));
}

for (let cut = 0; cut <= 5; cut++) {
  test(`a page that goes on where it was, cut behind ${cut} messages of what it missed`, () =>
    withServers(async (server) => {
      const page = new Page(server);
      page.live.start();
      await page.shows(server, 'at first');
      page.live.stop();
      for (const words of ['four', 'five']) server.say(words);
      for (const id of ['d', 'e']) server.add(id);
      page.moveTo(server, [cut]);
      page.live.start();
      await page.shows(server, 'what it missed');
      assert.is(page.received.at(-1)! < 8, true, 'it was resumed, not begun again');
      page.live.stop();
    }));
}

test('no number of a server that never sent a snapshot is resumed', () =>
  withServers(async (server) => {
    for (const last of [0, undefined]) {
      const origin = `http://127.0.0.1:${server.port}`;
      const socket = await dial(`${origin.replace('http', 'ws')}/api/live`, { headers: { origin } });
      const seen: LiveMessage[] = [];
      const settled = new Promise<void>((resolve) =>
        socket.onmessage = (data) => void (seen.push(JSON.parse(String(data))) === 2 && resolve())
      );
      void socket.send(JSON.stringify({ type: 'hello', epoch: server.events.epoch, last }));
      await settled;
      assert.equal(seen.map(({ type }) => type), ['welcome', 'snapshot']);
      assert.is((seen[0] as Extract<LiveMessage, { type: 'welcome' }>).resumed, false);
      assert.is((seen[1] as Extract<LiveMessage, { type: 'snapshot' }>).epoch, server.events.epoch);
      socket.terminate();
    }
  }));

test.run();
