/** A relay's endpoint on a port of its own, without the rest of the relay, and machines that connect to it. */
import {
  startTunnelClient,
  type TunnelHandle,
  type TunnelOptions,
  type TunnelState,
} from '../../../agent/tunnel/client.ts';
import { type Clock, systemClock } from '../../../core/clock.ts';
import { createHttpServer } from '../../../core/http/server.ts';
import type { TlsFiles } from '../../../core/http/tls.ts';
import type { Handler } from '../../../core/http/types.ts';
import { createLog } from '../../../core/log.ts';
import { forward } from '../../../relay/proxy.ts';
import { createTunnelEndpoint, type EndpointLimits, type TunnelEndpoint } from '../../../relay/tunnel-endpoint.ts';
import { Credentials } from '../../../relay/credentials.ts';
import { JoinCodes } from '../../../relay/join-codes.ts';
import { MachineRecords } from '../../../relay/machine-records.ts';
import { Machines } from '../../../relay/machines.ts';
import { transport } from '../network/transport.ts';
import { until } from './tunnel-pair.ts';

export const TOKEN = 'JhX5sW2kq8ZrT1yBv7nM4cLd9gPa3fUe6iRo0xQwEtY';

export interface RelayHarness {
  port: number;
  url: string;
  machines: Machines;
  endpoint: TunnelEndpoint;
  lines: string[];
  audit: [string, Record<string, unknown>][];
  close(): Promise<void>;
}

export async function relayHarness(
  options: { token?: string; clock?: Clock; limits?: Partial<EndpointLimits>; port?: number; tls?: TlsFiles } = {},
): Promise<RelayHarness> {
  const lines: string[] = [];
  const audit: RelayHarness['audit'] = [];
  const log = createLog({ level: 'debug', write: (line) => lines.push(line) });
  const { clock = systemClock } = options;
  const machines = new Machines(clock);
  const records = new MachineRecords(clock);
  const codes = new JoinCodes(clock);
  const token = options.token ?? TOKEN;
  const credentials = new Credentials({ token, log, records, codes, isSaved: () => true });
  const endpoint = createTunnelEndpoint({
    credentials,
    machines,
    log,
    version: 'test',
    audit: (event, fields) => audit.push([event, fields]),
    ...(options.clock ? { clock: options.clock } : {}),
    ...(options.limits ? { limits: options.limits } : {}),
  });
  const tls = options.tls ?? transport().options.tls;
  const server = createHttpServer({
    log,
    ...(tls ? { tls } : {}),
    handler: (req, res) => {
      if (req.url === '/tunnel') return endpoint.handle(req, res);
      forward(machines.current(), req, res, { address: req.peer, proto: 'http', host: req.headers.host ?? '' });
    },
  });
  const { port } = await server.listen(options.port ?? 0, '127.0.0.1');
  return {
    port,
    url: tls ? `wss://localhost:${port}/tunnel` : `ws://127.0.0.1:${port}/tunnel`,
    machines,
    endpoint,
    lines,
    audit,
    async close() {
      await endpoint.close(0);
      await server.close(0);
    },
  };
}

export interface TestMachine {
  tunnel: TunnelHandle;
  states: TunnelState[];
  lines: string[];
  /** Resolves when it is (or was) in this state. */
  reach(kind: TunnelState['kind']): Promise<TunnelState>;
}

export const hello: Handler = (req, res) => {
  res.writeHead(200, { 'content-type': 'text/plain' });
  res.end(`hello ${req.url}`);
};

export function startMachine(url: string, options: Partial<TunnelOptions> = {}): TestMachine {
  const states: TunnelState[] = [];
  const lines: string[] = [];
  const tunnel = startTunnelClient({
    url,
    token: TOKEN,
    handler: hello,
    info: { name: 'laptop', version: '1.2.3' },
    log: createLog({ level: 'debug', write: (line) => lines.push(line) }),
    onState: (state) => states.push(state),
    ...options,
  });
  return {
    tunnel,
    states,
    lines,
    async reach(kind) {
      const from = states.length && tunnel.state().kind === kind ? states.length - 1 : states.length;
      await until(() => states.slice(from).some((state) => state.kind === kind), 15_000);
      return states.slice(from).find((state) => state.kind === kind)!;
    },
  };
}
