/** The connection's states and flow: the same suite over a memory pair and over a real socket. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { Connection, dial, type DialOptions, type Limits, type Message } from '../../../core/websocket/mod.ts';
import { randomBytes, seeded } from '../../support/harness/websocket-frames.ts';
import { duplexPair, serve } from '../../support/harness/websocket-peers.ts';

interface Pair {
  server: Connection;
  client: Connection;
  done(): Promise<void>;
}
interface PairOptions {
  deflate?: boolean;
  zeroCopy?: boolean;
  limits?: Partial<Limits>;
}
type MakePair = (options?: PairOptions) => Promise<Pair>;

const memoryPair: MakePair = ({ deflate = false, limits = {}, zeroCopy = false } = {}) => {
  const [left, right] = duplexPair();
  const params = deflate
    ? {
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
    }
    : null;
  const server = new Connection(left, { role: 'server', deflate: params, limits, zeroCopy });
  const client = new Connection(right, { role: 'client', deflate: params, limits, zeroCopy });
  const done = async () => {
    server.terminate();
    client.terminate();
    await Promise.all([server.closed, client.closed]);
  };
  return Promise.resolve({ server, client, done });
};

const socketPair: MakePair = async ({ deflate = false, limits = {}, zeroCopy = false } = {}) => {
  let opened: (connection: Connection) => void;
  const accepted = new Promise<Connection>((resolve) => opened = resolve);
  const host = await serve((connection) => opened(connection), { deflate, limits, zeroCopy });
  const options: DialOptions = { deflate, limits, zeroCopy };
  const client = await dial(host.url, options);
  const server = await accepted;
  return {
    server,
    client,
    done: async () => {
      client.terminate();
      await host.close();
    },
  };
};

const collect = (connection: Connection, count: number): Promise<Message[]> =>
  new Promise((resolve, reject) => {
    connection.closed.then(() => reject(connection.error ?? new Error('closed')));
    const all: Message[] = [];
    connection.onmessage = (message) => {
      all.push(message);
      if (all.length === count) resolve(all);
    };
  });

/** On Deno the memory is left to the collector. */
const FREES = !('Deno' in globalThis);

/** The way back, where a socket writes large messages from where they are. */
async function back(client: Connection, server: Connection, sent: Buffer[]): Promise<void> {
  const equal: boolean[] = [];
  const done = new Promise<void>((resolve) => {
    client.onmessage = (message) => {
      equal.push(sent[equal.length]!.equals(message as Buffer));
      if (equal.length === sent.length) resolve();
    };
  });
  for (const message of sent) {
    const half = message.length >> 1;
    const copy = Buffer.allocUnsafeSlow(half);
    copy.set(message.subarray(0, half));
    if (!server.send(copy, Buffer.from(message.subarray(half)))) await server.drained();
  }
  await done;
  assert.ok(equal.every(Boolean));
}

for (const [name, makePair] of [['memory pair', memoryPair], ['real socket', socketPair]] as const) {
  const test = suite(name);
  const it = (title: string, body: (pair: Pair) => Promise<void>, options?: PairOptions) =>
    test(title, async () => {
      const pair = await makePair(options);
      await body(pair);
      await pair.done();
    });

  for (const deflate of [false, true]) {
    it(`messages of every size go both ways unchanged${deflate ? ', compressed' : ''}`, async ({ server, client }) => {
      server.onmessage = (message) => server.send(message);
      const sizes = [0, 1, 125, 126, 127, 1023, 1024, 65535, 65536, 300_000, 1 << 20];
      const sent = sizes.flatMap((size): Message[] => ['ü'.repeat(size >> 1), randomBytes(seeded(size), size)]);
      const echoed = collect(client, sent.length);
      for (const message of sent) if (!client.send(message)) await client.drained();
      const back = await echoed;
      sent.forEach((message, i) => {
        if (typeof message === 'string') assert.ok(back[i] === message, `text ${i}`);
        else assert.ok(Buffer.from(message).equals(back[i] as Buffer), `bytes ${i}`);
      });
    }, { deflate });
  }

  it(
    'recycled bytes are right during the call, their memory is used again or freed; who waits for them may keep them',
    async ({ server, client }) => {
      const random = seeded(7);
      const sent = Array.from({ length: 60 }, (_, i) => randomBytes(random, i % 3 ? 65_000 : 150_000 - i));
      const input: Buffer[] = [];
      const send = async () => {
        for (const message of sent) {
          const copy = Buffer.allocUnsafeSlow(message.length);
          copy.set(message);
          input.push(copy);
          if (!client.send(copy)) await client.drained();
        }
      };
      const memory = new Set<ArrayBufferLike>();
      const done = new Promise<void>((resolve) => {
        let count = 0;
        server.onmessage = (message) => {
          const bytes = message as Buffer;
          assert.ok(bytes.equals(sent[count]!), `message ${count}`);
          if (bytes.length === 65_000) memory.add(bytes.buffer);
          if (++count === sent.length) resolve();
        };
      });
      await send();
      await done;
      // Some lay whole in a chunk of the stream, which is new each time.
      if (name === 'real socket') assert.ok(memory.size < 20, `${memory.size} buffers for 40 messages`);
      if (FREES) assert.ok(input.every(({ length }) => length === 0), 'what was sent is freed');
      await back(client, server, sent);
      server.onmessage = null;
      const retained: Message[] = [];
      const sending = send();
      for await (const message of server) if (retained.push(message) === sent.length) break;
      await sending;
      sent.forEach((message, i) => assert.ok(Buffer.from(message).equals(retained[i] as Buffer), `retained ${i}`));
    },
    { zeroCopy: true },
  );

  it('many messages of one turn arrive whole and in order', async ({ server, client }) => {
    const seen = collect(server, 5000);
    for (let i = 0; i < 5000; i++) client.send(`message ${i}`);
    assert.equal(await seen, Array.from({ length: 5000 }, (_, i) => `message ${i}`));
  });

  it('a close is answered and both sides tell its code and reason', async ({ server, client }) => {
    let closed: unknown;
    server.onclose = (code, reason) => closed = [code, reason];
    client.close(4321, 'genug €');
    assert.equal(await client.closed, { code: 4321, reason: '' });
    assert.equal(await server.closed, { code: 4321, reason: 'genug €' });
    assert.equal(closed, [4321, 'genug €']);
    assert.equal([client.state, server.state, client.error, server.error], ['closed', 'closed', null, null]);
  });

  it('what was sent before a close arrives before it', async ({ server, client }) => {
    const seen: unknown[] = [];
    client.onmessage = (message) => seen.push((message as Buffer).length);
    for (let i = 0; i < 20; i++) server.send(Buffer.alloc(40_000));
    server.close(1001);
    await client.closed;
    assert.equal(seen, Array(20).fill(40_000));
  });

  it('both sides close at once', async ({ server, client }) => {
    server.close(1000);
    client.close(1001);
    assert.equal([(await server.closed).code, (await client.closed).code], [1001, 1000]);
  });

  it('terminate is 1006 for the other side', async ({ server, client }) => {
    client.terminate();
    assert.is((await server.closed).code, 1006);
    assert.is((await client.closed).code, 1006);
  });

  it('what waits for the end of the turn is dropped by terminate, and ondrain is not called', async (pair) => {
    const { server, client } = pair;
    let rooms = 0;
    let messages = 0;
    server.ondrain = () => rooms++;
    client.onmessage = () => messages++;
    for (let i = 0; i < 5; i++) server.send(Buffer.alloc(65_000), Buffer.alloc(16));
    server.terminate();
    assert.is((await client.closed).code, 1006);
    assert.equal([rooms, messages], [0, 0]);
  });

  it('nothing is sent or delivered after close', async ({ server, client }) => {
    const seen: unknown[] = [];
    client.onmessage = (message) => seen.push(message);
    client.close();
    assert.not(client.send('late'));
    server.send('crossing');
    await client.closed;
    assert.equal(seen, []);
    assert.not(client.send('later'));
    await client.drained();
  });

  it('messages wait until there is someone to take them', async ({ server, client }) => {
    client.send('a');
    client.send('b');
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(await collect(server, 2), ['a', 'b']);
  });

  it('pause holds messages back, even within one chunk, and resume goes on', async ({ server, client }) => {
    const seen: unknown[] = [];
    let paused: () => void;
    const held = new Promise<void>((resolve) => paused = resolve);
    server.onmessage = (message) => {
      seen.push(message);
      server.pause();
      paused();
    };
    for (const text of ['a', 'b', 'c']) client.send(text);
    await held;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(seen, ['a']);
    const rest = collect(server, 2);
    server.resume();
    assert.equal(await rest, ['b', 'c']);
  });

  it('a paused reader holds up the writer, and nothing is lost', async ({ server, client }) => {
    server.pause();
    let sent = 0;
    while (client.send(Buffer.alloc(20_000, sent % 256))) {
      if (++sent % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(sent < 5000, 'send never returned false');
    }
    sent++;
    let drained = false;
    client.ondrain = () => drained = true;
    const seen = collect(server, sent);
    server.resume();
    const all = await seen;
    all.forEach((message, i) => assert.is((message as Buffer)[0], i % 256));
    await client.drained();
    assert.ok(drained);
  });

  it('an async iteration takes every message and ends with the connection', async ({ server, client }) => {
    for (let i = 0; i < 100; i++) client.send(String(i));
    client.close();
    const seen: Message[] = [];
    for await (const message of server) seen.push(message);
    assert.equal(seen, Array.from({ length: 100 }, (_, i) => String(i)));
  });

  it('leaving an iteration closes the connection', async ({ server, client }) => {
    client.send('one');
    for await (const _ of server) break;
    assert.is((await client.closed).code, 1000);
  });

  it('an iteration throws when the connection fails', async ({ server, client }) => {
    client.send(Buffer.alloc(2000));
    let thrown: unknown;
    try {
      for await (const _ of server) assert.unreachable();
    } catch (error) {
      thrown = (error as { code: string }).code;
    }
    assert.is(thrown, 'WS_MESSAGE_TOO_BIG');
    assert.equal(await client.closed, { code: 1009, reason: 'the message is too big' });
  }, { limits: { message: 1000 } });

  it('pings are answered with their data', async ({ server, client }) => {
    const pong = new Promise<string>((resolve) => client.onpong = (data) => resolve(data.toString()));
    client.ping(Buffer.from('are you there'));
    assert.is(await pong, 'are you there');
    assert.throws(() => server.ping(Buffer.alloc(126)), RangeError);
  });

  it('close refuses what cannot be sent', async ({ server }) => {
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, NaN]) {
      assert.throws(() => server.close(code), RangeError);
    }
    assert.throws(() => server.close(1000, 'ä'.repeat(62)), RangeError);
    assert.throws(() => server.close(1000, new Float32Array(4) as unknown as string), TypeError);
    assert.is(server.state, 'open');
    server.close(1000, 'ä'.repeat(61));
  });

  test.run();
}
