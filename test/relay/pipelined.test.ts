/** Clients that leave with pipelined requests keep no stream of the tunnel, over plain HTTP and over TLS. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startProxy, type TestProxy } from '../support/harness/proxy-harness.ts';
import { until } from '../support/harness/tunnel-pair.ts';
import { HTTP_TRANSPORTS, type HttpTransport } from '../support/network/http-transports.ts';
import { rawHttp, request } from '../support/network/raw-http.ts';

const ask = (path: string) => request('GET', path, { connection: 'keep-alive' });

type Leaving = 'reset' | 'destroy' | 'end';

async function leaveThreeTimes(proxy: TestProxy, transport: HttpTransport, how: Leaving): Promise<void> {
  const session = proxy.pair!.relay;
  for (let client = 0; client < 3; client++) {
    const socket = transport.connect(proxy.port);
    socket.on('error', () => {});
    socket.write(ask('/events').repeat(90));
    await until(() => session.streams === 90);
    if (how === 'reset') transport.reset(socket);
    else socket[how]();
    await until(() => session.streams === 0).finally(() => socket.destroy());
  }
  const reply = await rawHttp(proxy.port, request('GET', '/quick'), 1000, transport.connect);
  assert.is(reply.status, 200);
}

for (const transport of HTTP_TRANSPORTS) {
  for (const how of ['reset', 'destroy', 'end'] as const) {
    test(`three clients that ${how} with 90 pipelined requests each leave 0 streams (${transport.name})`, async () => {
      const proxy = await startProxy(
        (req, res) => {
          if (req.url === '/quick') return void res.end('quick');
          res.writeHead(200, { 'content-type': 'text/event-stream' });
          res.write(': open\n\n');
        },
        undefined,
        transport.options,
      );
      await leaveThreeTimes(proxy, transport, how).finally(() => proxy.close());
    });
  }
}

test.run();
