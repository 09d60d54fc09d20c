/** A hello in the address of the feed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LiveMessage } from '../../../core/api/live.ts';
import { createHttpServer } from '../../../core/http/server.ts';
import { Router } from '../../../core/http/router.ts';
import { silentLog } from '../../../core/log.ts';
import { dial } from '../../../core/websocket/mod.ts';
import { EventLog } from '../../../agent/live/event-log.ts';
import { LiveFeed } from '../../../agent/live/feed.ts';

test('an agent whose messages cannot be read takes the feed from nobody, wherever the hello is said', async () => {
  const events = new EventLog();
  const feed = new LiveFeed({
    events,
    sources: {
      machine: () => null,
      snapshot: () => ({ agents: [] }),
      has: () => true,
      page: () => {
        throw new Error('EMFILE: too many open files');
      },
    } as never,
  });
  const router = new Router().get('/api/live', (req, res) => feed.serve(req, res));
  const server = createHttpServer({ log: silentLog, handler: router.handle });
  const { port } = await server.listen(0, '127.0.0.1');
  const hello = JSON.stringify({ type: 'hello', watch: [{ agent: 'a' }] });
  for (const [query, said] of [['', [hello]], [`?hello=${encodeURIComponent(hello)}`, []]] as const) {
    const socket = await dial(`ws://127.0.0.1:${port}/api/live${query}`, {});
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      socket.onclose = () => resolve();
      socket.onmessage = (data) => {
        seen.push((JSON.parse(String(data)) as LiveMessage).type);
        if (seen.at(-1) === 'pong') resolve();
      };
      for (const text of [...said, '{"type":"ping","t":1}']) socket.send(text);
    });
    socket.close();
    assert.equal(seen, ['welcome', 'snapshot', 'error', 'pong'], query);
  }
  feed.close();
  await server.close(0);
});

test.run();
