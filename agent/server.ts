/** The agent machine put together: rooms, routes, the local server and the tunnel. */
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../core/clock.ts';
import { createHttpServer, type HttpServer } from '../core/http/server.ts';
import { readAssets, serveStatic } from '../core/http/static.ts';
import { HttpError } from '../core/http/reply.ts';
import { Router } from '../core/http/router.ts';
import type { Handler } from '../core/http/types.ts';
import type { Log } from '../core/log.ts';
import type { MachineInfo } from '../core/wire/live.ts';
import { agentRoutes } from './api/agents.ts';
import { healthRoutes } from './api/health.ts';
import type { Config } from './config.ts';
import { createDoor } from './door.ts';
import { LiveFeed } from './live.ts';
import { createClaude } from './provider/claude.ts';
import { createCodex } from './provider/codex.ts';
import type { House } from './rooms.ts';
import { createDiskSessions } from './session/history.ts';
import { Registry } from './session/registry.ts';
import { endStrays, OWNER } from './session/strays.ts';
import { type Claim, claimFolder } from './store/claim.ts';
import { createTerminals, type Terminals } from './terminal/mod.ts';
import { keepConnected, type Tunnel } from './tunnel.ts';
import { createWorkshop, type Workshop } from './workshop.ts';
import { createWorkspace } from './workspace/mod.ts';

export interface AgentServer {
  readonly port: number;
  readonly live: LiveFeed;
  /** Tells the dashboards, ends every CLI (they can be resumed), lets go of the data folder. */
  close(): Promise<void>;
}

/** How long running requests may take when the server goes down, ms. */
const GRACE_MS = 2000;
/** How long the start waits for the CLIs to tell their versions, ms. */
const PROBE_WAIT_MS = 3000;
const PROBE_EVERY_MS = 60_000;
const UI_FOLDER = fileURLToPath(new URL('../dist/ui', import.meta.url));

/** Rejects with a sentence when the data folder is in use or the port is taken. */
export async function startAgentServer(
  config: Config,
  options: { log: Log; version: string; clock?: Clock },
): Promise<AgentServer> {
  const { log, version, clock = systemClock } = options;
  const claim = claimFolder(config.dataDir);
  try {
    return await start(config, { log, version, clock, claim });
  } catch (error) {
    claim.release();
    throw error;
  }
}

async function start(
  config: Config,
  { log, version, clock, claim }: { log: Log; version: string; clock: Clock; claim: Claim },
): Promise<AgentServer> {
  const startedAt = clock.now();
  const machine: MachineInfo = {
    name: hostname(),
    platform: `${process.platform} ${process.arch}`,
    version,
    startedAt,
    providers: {},
    defaultDirectory: config.isDirectorySet ? config.defaultDirectory : '',
    get terminals() {
      return terminals.availability();
    },
  };
  const feed: LiveFeed = new LiveFeed({
    machine: () => machine,
    snapshot: () => ({
      agents: agents.list(),
      terminals: terminals.list(),
      templates: workshop.templates(),
      tasks: workshop.tasks(),
      pipeline: workshop.pipeline(),
    }),
    has: (agent) => agents.has(agent),
    page: (agent, range) => agents.messages(agent, range),
  }, clock);
  const house: House = {
    config,
    log,
    clock,
    publish: (change) => feed.publish(change),
    warn(code, text) {
      if (text && !feed.warnings().some((one) => one.code === code && one.text === text)) log.warn(text, { code });
      feed.warn(code, text);
    },
  };
  house.warn('storage', claim.problem);
  const strays = await endStrays(config.dataDir);
  if (strays) log.warn('ended processes of an earlier life', { count: strays });
  const env = { ...process.env, [OWNER]: config.dataDir };
  const providers = {
    claude: createClaude({ bin: config.claudeBin, env, clock }),
    codex: createCodex({ bin: config.codexBin, env, log: log.tagged('Codex'), clock }),
  };
  const workspace = createWorkspace(house);
  const onDisk = createDiskSessions({
    claudeConfigDir: config.claudeConfigDir,
    codex: providers.codex,
    agentOf: (provider, id) => agents.agentOf(provider, id),
  });
  const agents: Registry = await Registry.open({ house, providers, workspace, onDisk });
  const terminals: Terminals = createTerminals(house, agents);
  const workshop: Workshop = createWorkshop(house, agents, workspace);

  const router = new Router((error, req) => {
    // A client that goes away in the middle of its request is no failure of ours.
    if ((error as { code?: string }).code === 'ERR_STREAM_PREMATURE_CLOSE') return;
    log.error('request failed', {
      url: req.url,
      error: error instanceof Error ? error.stack ?? error.message : String(error),
    });
  });
  let tunnel: Tunnel | null = null;
  healthRoutes(router, {
    machine,
    clock,
    agents,
    warnings: () => feed.warnings(),
    tunnel: () => tunnel?.state() ?? null,
  });
  agentRoutes(router, agents);
  onDisk.routes(router);
  terminals.routes(router);
  workshop.routes(router);
  router.get('/api/live', (req, res) => feed.serve(req, res));

  const probe = async () => {
    for (const provider of Object.values(providers)) machine.providers[provider.name] = await provider.probe();
  };
  await Promise.race([probe(), new Promise((resolve) => clock.setTimeout(() => resolve(null), PROBE_WAIT_MS))]);
  const probing = setInterval(() => void probe(), PROBE_EVERY_MS);

  const door = await createDoor(config, { clock, log });
  const serveFile = files();
  const handler: Handler = (req, res) => {
    if (door.serves(req, res)) return;
    return isApi(req.url) ? router.handle(req, res) : serveFile(req, res);
  };
  const { servers, port } = await listen(config, handler, log, clock);
  if (config.relay) {
    tunnel = keepConnected({
      url: config.relay.url,
      token: config.relay.token,
      ...(config.relay.ca ? { tls: { ca: readFileSync(config.relay.ca, 'utf8') } } : {}),
      handler,
      info: { name: machine.name, version },
      log: log.tagged('Tunnel'),
      clock,
    });
  }
  log.info(`Agent Monitor server running on port ${port}`);
  return {
    port,
    live: feed,
    async close() {
      clearInterval(probing);
      feed.close();
      const served = Promise.all([...servers.map((server) => server.close(GRACE_MS)), tunnel?.close(GRACE_MS)]);
      await workshop.close();
      await Promise.all([agents.close(), terminals.close()]);
      await Promise.all(Object.values(providers).map((provider) => provider.close()));
      await served;
      door.close();
      claim.release();
    },
  };
}

const isApi = (url: string) => url === '/api' || url.startsWith('/api/') || url.startsWith('/api?');

/** The dashboard, when it was built. */
function files(): Handler {
  if (existsSync(join(UI_FOLDER, 'index.html'))) return serveStatic(readAssets(UI_FOLDER));
  return () => {
    throw new HttpError(503, 'not_built', 'The dashboard is not built yet: run `npm run build` and start again.');
  };
}

/** On 127.0.0.1 and ::1, or on HOST. */
async function listen(
  config: Config,
  handler: Handler,
  log: Log,
  clock: Clock,
): Promise<{ servers: HttpServer[]; port: number }> {
  const make = () => createHttpServer({ handler, log, clock });
  const first = make();
  const { port } = await first.listen(config.port, config.host || '127.0.0.1');
  if (config.host) return { servers: [first], port };
  const second = make();
  try {
    await second.listen(port, '::1');
    return { servers: [first, second], port };
  } catch (error) {
    log.info('not listening on ::1', { reason: error instanceof Error ? error.message : String(error) });
    return { servers: [first], port };
  }
}
