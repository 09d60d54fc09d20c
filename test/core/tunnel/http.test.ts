/** HTTP through a pair of sessions, the same over memory and over real sockets. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RESET } from '../../../core/tunnel/frame.ts';
import { MAX_STREAMS, WINDOW } from '../../../core/tunnel/limits.ts';
import type { TunnelResponse } from '../../../core/tunnel/http.ts';
import type { Handler, HttpRequest, HttpResponse } from '../../../core/http/types.ts';
import { ask, memoryTransport, socketTransport, tunnelPair, until } from '../../support/harness/tunnel-pair.ts';

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const noise = (size: number) => {
  const bytes = Buffer.allocUnsafe(size);
  for (let i = 0, x = 1; i < size; i++) bytes[i] = (x = (x * 1103515245 + 12345) & 0x7fffffff) >> 16;
  return bytes;
};

for (const [name, transport] of [['memory', memoryTransport], ['sockets', socketTransport]] as const) {
  const test = suite(`http over ${name}`);

  /** Runs `check` with a pair whose machine is served by `handler`. */
  const over =
    (handler: Handler, check: (pair: Awaited<ReturnType<typeof tunnelPair>>) => Promise<void>) => async () => {
      const pair = await tunnelPair({ transport, handler });
      try {
        await check(pair);
      } finally {
        await pair.close();
      }
    };

  test(
    'a request and its answer arrive as they were sent',
    over((req, res) => {
      assert.is(req.transport, 'tunnel');
      assert.is(req.peer, '192.0.2.7');
      res.writeHead(201, { 'X-Case': 'Kept', 'set-cookie': ['a=1', 'b=2'], 'content-length': 4 });
      res.end(JSON.stringify([req.method, req.url, req.headers['x-a'], req.rawHeaders.length]).slice(0, 4));
    }, async ({ relay }) => {
      const answer = await ask(relay, { method: 'PUT', target: '/p?q=1', fields: ['X-A', 'é', 'x-a', '2'] });
      assert.is(answer.status, 201);
      assert.equal(answer.fields, ['X-Case', 'Kept', 'set-cookie', 'a=1', 'set-cookie', 'b=2', 'content-length', '4']);
      assert.is(answer.body.toString(), '["PU');
      assert.is(answer.reset, null);
    }),
  );

  test(
    'duplicate fields are joined as node:http joins them',
    over((req, res) => {
      res.writeHead(200);
      res.end(JSON.stringify(req.headers));
    }, async ({ relay }) => {
      const fields = ['Accept', 'a', 'accept', 'b', 'Host', 'x', 'host', 'y', 'cookie', 'a=1', 'Cookie', 'b=2'];
      const answer = await ask(relay, { fields });
      assert.equal(JSON.parse(answer.body.toString()), { accept: 'a, b', host: 'x', cookie: 'a=1; b=2' });
    }),
  );

  test(
    'bodies far beyond the credit arrive whole in both directions',
    over(async (req, res) => {
      const hash = createHash('sha256');
      for await (const chunk of req) hash.update(chunk);
      res.writeHead(200, { 'x-got': hash.digest('hex') });
      const body = noise(3 * WINDOW + 17);
      for (let at = 0; at < body.length; at += 50_000) {
        if (!res.write(body.subarray(at, at + 50_000))) {
          await new Promise<void>((resolve) => res.once('drain', resolve));
        }
      }
      res.end();
    }, async ({ relay }) => {
      const body = noise(5 * WINDOW + 1);
      const answer = await ask(relay, { method: 'POST', body });
      assert.is(answer.fields[1], digest(body));
      assert.is(digest(answer.body), digest(noise(3 * WINDOW + 17)));
    }),
  );

  test(
    'trailers and 1xx answers go through',
    over((_req, res) => {
      res.inform!(103, { link: '</a.css>; rel=preload' });
      res.writeHead(200);
      res.write('body');
      (res as TunnelResponse).addTrailers({ 'x-sum': 'abc' });
      res.end();
    }, async ({ relay }) => {
      const answer = await ask(relay);
      assert.equal(answer.infos, [{ status: 103, fields: ['link', '</a.css>; rel=preload'] }]);
      assert.equal(answer.trailers, ['x-sum', 'abc']);
      assert.is(answer.body.toString(), 'body');
    }),
  );

  test(
    'a head, a body and trailers that together are larger than a record',
    over((_req, res) => {
      res.writeHead(200, { 'x-long': 'h'.repeat(30_000) });
      res.write(noise(16_000));
      (res as TunnelResponse).addTrailers({ 'x-long': 't'.repeat(30_000) });
      res.end();
    }, async ({ relay }) => {
      const answers = await Promise.all([ask(relay), ask(relay), ask(relay)]);
      for (const answer of answers) {
        assert.is(answer.fields[1]!.length, 30_000);
        assert.is(answer.body.length, 16_000);
        assert.is(answer.trailers[1]!.length, 30_000);
      }
    }),
  );

  test(
    'the machine reads request trailers',
    over((req, res) => {
      req.resume();
      req.on('end', () => {
        res.writeHead(200);
        res.end((req as HttpRequest & { rawTrailers: string[] }).rawTrailers.join());
      });
    }, async ({ relay }) => {
      const asked = ask(relay, { method: 'POST', body: null });
      asked.stream.write(Buffer.from('x'));
      asked.stream.end(['x-sum', '1']);
      assert.is((await asked).body.toString(), 'x-sum,1');
    }),
  );

  test(
    'HEAD, 204 and 304 carry no body whatever the handler writes',
    over((req, res) => {
      res.writeHead(Number(req.url.slice(1)), { 'content-length': 5 });
      res.end('12345');
    }, async ({ relay }) => {
      for (const [method, status] of [['HEAD', 200], ['GET', 204], ['GET', 304]] as const) {
        const answer = await ask(relay, { method, target: `/${status}` });
        assert.is(answer.status, status);
        assert.is(answer.body.length, 0);
      }
    }),
  );

  test(
    'an early answer ends an upload that still runs',
    over((_req, res) => {
      res.writeHead(413);
      res.end('too large');
    }, async ({ relay, machine }) => {
      const asked = ask(relay, { method: 'POST', body: null });
      asked.stream.write(noise(4 * WINDOW));
      const answer = await asked;
      assert.is(answer.status, 413);
      await until(() => relay.streams === 0 && machine.streams === 0);
      assert.ok(asked.stream.over);
    }),
  );

  test('a browser that leaves is seen by the handler at once', async () => {
    const seen: string[] = [];
    const pair = await tunnelPair({
      transport,
      handler: (req, res) => {
        req.on('error', () => seen.push('request'));
        res.on('close', () => seen.push('response'));
        res.writeHead(200);
        res.write('first');
        req.resume();
      },
    });
    const asked = ask(pair.relay, { method: 'POST', body: null });
    asked.stream.write(Buffer.from('part'));
    await until(() => pair.opened.length === 1);
    asked.stream.reset(RESET.cancel);
    await until(() => seen.length === 2, 1000);
    assert.equal(seen.sort(), ['request', 'response']);
    await until(() => pair.machine.streams === 0 && pair.relay.streams === 0);
    await pair.close();
  });

  test(
    'a handler that aborts gives a reset, never a clean end',
    over((_req, res) => {
      res.writeHead(200, { 'content-length': 100 });
      res.write('part');
      setTimeout(() => res.destroy(), 5);
    }, async ({ relay, machine }) => {
      const answer = await ask(relay);
      assert.is(answer.body.toString(), 'part');
      assert.is(answer.reset, RESET.cancel);
      await until(() => machine.streams === 0);
    }),
  );

  test(
    'a handler that throws gives 500, and an abort once the head is out',
    over(async (req, res) => {
      if (req.url === '/late') res.writeHead(200), res.write('x');
      await Promise.resolve();
      throw new Error('expected by the test');
    }, async ({ relay }) => {
      const quiet = console.error;
      console.error = () => {};
      assert.is((await ask(relay)).status, 500);
      assert.is((await ask(relay, { target: '/late' })).reset, RESET.cancel);
      console.error = quiet;
    }),
  );

  test(
    'the answer finishes, then closes; it closes alone when cut',
    async () => {
      const events: string[] = [];
      const keep: HttpResponse[] = [];
      const pair = await tunnelPair({
        transport,
        handler: (req, res) => {
          for (const event of ['finish', 'close'] as const) res.on(event, () => events.push(`${req.url} ${event}`));
          res.writeHead(200);
          keep.push(res);
          if (req.url === '/done') res.end('x');
          else res.write('x');
        },
      });
      await ask(pair.relay, { target: '/done' });
      const cut = ask(pair.relay, { target: '/cut' });
      await until(() => keep.length === 2);
      cut.stream.reset(RESET.cancel);
      await until(() => events.length === 3);
      assert.equal(events, ['/done finish', '/done close', '/cut close']);
      assert.ok(keep.every((res) => res.destroyed && res.write('late') && res.end()));
      await pair.close();
    },
  );

  test(
    "only the machine's own routes: CONNECT, absolute addresses and odd targets are refused unseen",
    over((_req, res) => {
      res.writeHead(200);
      res.end();
    }, async ({ relay }) => {
      const bad = [
        'http://169.254.169.254/',
        '//evil/',
        'file:///etc/passwd',
        '*',
        '',
        'localhost:22',
        '/a b',
        '/\u00e9',
      ];
      for (const target of bad.filter((entry) => entry !== '//evil/')) {
        assert.is((await ask(relay, { target })).status, 400, target);
      }
      assert.is((await ask(relay, { method: 'CONNECT', target: 'localhost:22' })).status, 400);
      assert.is((await ask(relay, { method: 'get' })).status, 400);
      // A path like any other: no handler takes it for a host.
      assert.is((await ask(relay, { target: '//evil/' })).status, 200);
    }),
  );

  test('a slow reader holds up nobody but itself', async () => {
    const body = noise(8 * WINDOW);
    const pair = await tunnelPair({
      transport,
      handler: async (req, res) => {
        res.writeHead(200);
        if (req.url === '/quick') return void res.end('quick');
        for (let at = 0; at < body.length && !res.destroyed; at += 65_536) {
          if (!res.write(body.subarray(at, at + 65_536))) await new Promise<void>((go) => res.once('drain', go));
        }
        res.end();
      },
    });
    const slow = pair.relay.open()!;
    let got = 0;
    slow.events = { onData: (chunk) => void (got += chunk.length) }; // never calls accept()
    slow.open(['GET', '/slow', ''], false);
    slow.end();
    await until(() => got >= WINDOW - 256);
    for (let i = 0; i < 20; i++) assert.is((await ask(pair.relay, { target: '/quick' })).body.toString(), 'quick');
    assert.ok(got <= WINDOW, `${got} of at most ${WINDOW}`);
    slow.reset(RESET.cancel);
    await until(() => pair.machine.streams === 0);
    await pair.close();
  });

  test('a thousand requests at random delays: each gets its own answer', async () => {
    const pair = await tunnelPair({
      transport,
      handler: async (req, res) => {
        await new Promise((resolve) => setTimeout(resolve, (Number(req.url.slice(1)) * 7919) % 13));
        res.writeHead(200, { 'x-id': req.url });
        res.end(req.url.repeat(1 + Number(req.url.slice(1)) % 50));
      },
    });
    let next = 0;
    let wrong = 0;
    const worker = async () => {
      while (next < 1000) {
        const target = `/${next++}`;
        const answer = await ask(pair.relay, { target });
        if (answer.fields[1] !== target || answer.body.toString() !== target.repeat(1 + Number(target.slice(1)) % 50)) {
          wrong++;
        }
      }
    };
    await Promise.all(Array.from({ length: 200 }, worker));
    assert.is(wrong, 0);
    assert.is(pair.relay.streams, 0);
    await pair.close();
  });

  test('256 streams run; the next is refused at once, and there is room again after one ends', async () => {
    const answers: (() => void)[] = [];
    const pair = await tunnelPair({
      transport,
      handler: (_req, res) => {
        res.writeHead(200);
        res.write('.');
        answers.push(() => res.end());
      },
    });
    const all = Array.from({ length: MAX_STREAMS }, () => ask(pair.relay));
    await until(() => answers.length === MAX_STREAMS);
    assert.is(pair.relay.open(), null);
    answers[7]!();
    await all[7];
    assert.ok(pair.relay.open());
    await pair.close();
  });

  test('upgrade: raw bytes both ways, halves that end apart', async () => {
    const pair = await tunnelPair({
      transport,
      handler: (req, res) => {
        const raw = res.upgrade({ upgrade: 'echo', connection: 'Upgrade', 'x-saw': req.headers.upgrade ?? '' });
        raw.on('data', (chunk: Buffer) => raw.write(chunk));
        raw.on('end', () => raw.end('bye'));
      },
    });
    const stream = pair.relay.open()!;
    let text = '';
    let status = 0;
    let ended = false;
    stream.events = {
      onHead: (code) => void (status = code),
      onData: (chunk) => {
        text += chunk;
        stream.accept();
      },
      onEnd: () => void (ended = true),
    };
    stream.open(['GET', '/ws', '', 'upgrade', 'echo'], true);
    stream.write(Buffer.from('early ')); // behind the head, before the 101
    await until(() => status === 101);
    stream.write(Buffer.from('late '));
    await until(() => text === 'early late ');
    stream.end();
    await until(() => ended);
    assert.is(text, 'early late bye');
    await until(() => pair.machine.streams === 0 && pair.relay.streams === 0);
    await pair.close();
  });

  test('upgrade: backpressure goes all the way back to the writer', async () => {
    let written = 0;
    let stopped = false;
    const pair = await tunnelPair({
      transport,
      handler: (_req, res) => {
        const raw = res.upgrade({ upgrade: 'flood', connection: 'Upgrade' });
        const flood = () => {
          while (!stopped && written < 64 * WINDOW) {
            written += 10_000;
            if (!raw.write(Buffer.alloc(10_000))) return void raw.once('drain', flood);
          }
          raw.end();
        };
        flood();
      },
    });
    const stream = pair.relay.open()!;
    stream.events = {};
    stream.open(['GET', '/ws', '', 'upgrade', 'flood'], true);
    await until(() => written > WINDOW);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(written < 3 * WINDOW, `${written} bytes were taken from the writer`);
    stopped = true;
    stream.reset(RESET.cancel);
    await until(() => pair.machine.streams === 0);
    await pair.close();
  });

  test('heads that cannot be sent throw in the handler like node:http', async () => {
    const errors: string[] = [];
    const pair = await tunnelPair({
      transport,
      handler: (_req, res) => {
        const attempt = (status: number, headers: Record<string, string>) => {
          try {
            res.writeHead(status, headers);
            errors.push('sent');
          } catch (error) {
            errors.push((error as Error).name);
          }
        };
        for (const status of [99, 101, 600, 1000, 200.5]) attempt(status, {});
        attempt(200, { 'x-a': 'b\r\nset-cookie: evil' });
        attempt(200, { 'bad name': 'x' });
        attempt(200, { 'x-a': 'snow ☃' });
        attempt(200, { 'x-a': 'y'.repeat(1024 * 1024) });
        attempt(200, Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`x-${i}`, 'y'])));
        attempt(200, { 'x-a': 'fine' });
        attempt(200, { 'x-a': 'twice' });
        res.end('ok');
      },
    });
    const answer = await ask(pair.relay);
    assert.equal(answer.fields, ['x-a', 'fine']);
    assert.is(errors.filter((entry) => entry === 'sent').length, 1);
    assert.is(errors.length, 12);
    await pair.close();
  });

  test('the tunnel is lost: every stream fails, none ends cleanly', async () => {
    const closed: string[] = [];
    const pair = await tunnelPair({
      transport,
      handler: (req, res) => {
        res.on('close', () => closed.push(req.url));
        if (req.url === '/started') res.writeHead(200), res.write('part');
      },
    });
    const asked = [ask(pair.relay, { target: '/started' }), ask(pair.relay, { target: '/silent' })];
    await until(() => pair.opened.length === 2);
    pair.sockets.machine.terminate();
    const answers = await Promise.all(asked);
    assert.equal(answers.map((answer) => answer.reset), [RESET.lost, RESET.lost]);
    await until(() => closed.length === 2);
    assert.is((await pair.relayEnded).code, 1006);
    assert.is(pair.relay.open(), null);
    await pair.close();
  });

  test.run();
}
