/** The server for browsers and programs on this machine: its port, and who may use it. */
import { createHttpServer, type HttpServer, type LocalHandler } from '../../core/http/server.ts';
import type { Handler } from '../../core/http/types.ts';
import type { Config } from '../config.ts';
import type { AgentContext } from '../context.ts';
import { createLocalAccess, type LocalAccess } from './local-access.ts';

export class LocalServer {
  readonly port: number;
  readonly #servers: readonly HttpServer[];
  readonly #access: LocalAccess;
  readonly #serve: (handler: Handler) => void;

  private constructor(
    { servers, port }: { servers: HttpServer[]; port: number },
    access: LocalAccess,
    serve: (handler: Handler) => void,
  ) {
    this.#servers = servers;
    this.port = port;
    this.#access = access;
    this.#serve = serve;
  }

  /** Takes the port. Requests wait until `serve` is called. Rejects with a sentence when the port is taken. */
  static async open({ config, clock, log, warn }: AgentContext): Promise<LocalServer> {
    const access = await createLocalAccess(config, { clock, log, warn: (text) => warn('local_access', text) });
    const { promise, resolve } = handlerPromise();
    const handler: LocalHandler = async (req, res) => {
      if (!(await access.serves(req, res))) await (await promise)(req, res);
    };
    const { onConnection } = access;
    const options = { handler, onConnection, answersHalfClosed: true, log, clock };
    try {
      return new LocalServer(await listen(config, log, () => createHttpServer(options)), access, resolve);
    } catch (error) {
      access.close();
      throw error;
    }
  }

  /** Serves what was let in, also what has waited. */
  serve(handler: Handler): void {
    this.#serve(handler);
  }

  /** Lets running requests finish for up to graceMs. */
  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close(graceMs)));
    this.#access.close();
  }
}

function handlerPromise(): { promise: Promise<Handler>; resolve: (handler: Handler) => void } {
  let resolve!: (handler: Handler) => void;
  const promise = new Promise<Handler>((settle) => resolve = settle);
  return { promise, resolve };
}

/** On 127.0.0.1 and ::1, or on HOST. */
async function listen(
  { port: wanted, host }: Config,
  log: AgentContext['log'],
  create: () => HttpServer,
): Promise<{ servers: HttpServer[]; port: number }> {
  const first = create();
  const { port } = await first.listen(wanted, host || '127.0.0.1');
  if (host) return { servers: [first], port };
  const second = create();
  try {
    await second.listen(port, '::1');
    return { servers: [first, second], port };
  } catch (error) {
    log.info('not listening on ::1', { reason: error instanceof Error ? error.message : String(error) });
    return { servers: [first], port };
  }
}
