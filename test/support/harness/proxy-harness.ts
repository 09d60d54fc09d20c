/** The relay's proxy alone: an HTTP server that forwards everything to one machine, real or hostile. */
import { type Clock, systemClock } from '../../../core/clock.ts';
import { createHttpServer } from '../../../core/http/server.ts';
import type { TlsFiles } from '../../../core/http/tls.ts';
import type { Handler } from '../../../core/http/types.ts';
import { silentLog } from '../../../core/log.ts';
import type { TunnelSession } from '../../../core/tunnel/session.ts';
import { forward } from '../../../relay/proxy.ts';
import { Machines } from '../../../relay/machines.ts';
import { transport } from '../network/transport.ts';
import { type TunnelPair, tunnelPair } from './tunnel-pair.ts';

export interface TestProxy {
  port: number;
  origin: string;
  machines: Machines;
  /** null with a session of the test's own. */
  pair: TunnelPair | null;
  close(): Promise<void>;
}

/**
 * @param behind what serves the requests: a handler at the other end of a tunnel, or the relay's end of one
 * @param tls the options of a transport of http-transports.ts
 */
export async function startProxy(
  behind: Handler | TunnelSession | null,
  clock: Clock = systemClock,
  tls: { tls?: TlsFiles } = transport().options,
): Promise<TestProxy> {
  const machines = new Machines();
  const pair = typeof behind === 'function' ? await tunnelPair({ handler: behind }) : null;
  const session = pair?.relay ?? behind as TunnelSession | null;
  if (session) machines.add(session, { name: 'test', version: '1' }, '127.0.0.1');
  const server = createHttpServer({
    log: silentLog,
    ...tls,
    handler: (req, res) =>
      forward(
        machines.current(),
        req,
        res,
        { address: req.peer, proto: 'http', host: req.headers.host ?? '' },
        { clock, dropCookies: (name) => name === 'relay_session' },
      ),
  });
  const { port } = await server.listen(0, '127.0.0.1');
  return {
    port,
    origin: `${tls.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    machines,
    pair,
    async close() {
      await pair?.close();
      await server.close(0);
    },
  };
}

/** The same handler on a port of its own, as a browser would reach it without relay and tunnel. */
export async function startDirect(handler: Handler): Promise<{ port: number; close(): Promise<void> }> {
  const server = createHttpServer({ ...transport().options, log: silentLog, handler });
  const { port } = await server.listen(0, '127.0.0.1');
  return { port, close: () => server.close(0) };
}
