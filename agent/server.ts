/** The agent machine put together: context, domain, API, listeners. */
import { readFileSync } from 'node:fs';
import { deskSessionOf } from '../core/api/handoff.ts';
import { versionAdvice } from '../core/api/version.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Hello } from '../core/tunnel/mod.ts';
import { LocalServer } from './access/local-server.ts';
import { LocalToken } from './access/local-token.ts';
import { createApi } from './api/routes.ts';
import type { Config } from './config.ts';
import type { AgentContext } from './context.ts';
import { type CloseOptions, type Domain, openDomain } from './domain.ts';
import { EventLog } from './live/event-log.ts';
import { LiveFeed, type LiveFeedOptions } from './live/feed.ts';
import { Machine } from './live/machine.ts';
import { Warnings } from './live/warnings.ts';
import { serveLocalPreviews } from './preview/local-previews.ts';
import { Previews } from './preview/previews.ts';
import type { PushKeys } from './push/keys.ts';
import { MachineIdentity } from './settings/machine-identity.ts';
import { type DataDirectory, openDataDirectory } from './store/data-directory.ts';
import {
  startTunnelClient,
  type TlsOptions,
  type TunnelHandle,
  type TunnelOptions,
  type TunnelState,
} from './tunnel/client.ts';

export interface AgentServer {
  readonly port: number;
  readonly live: LiveFeed;
  /**
   * Disconnects the dashboards, ends every CLI (they can be resumed) and every terminal, releases the data directory. `detach`:
   * what runs in holders goes on, and the next server on this directory takes it up.
   */
  close(options?: CloseOptions): Promise<void>;
}

export interface ServerOptions {
  log: Log;
  version: string;
  clock?: Clock;
}

/** How long running requests may take when the server goes down, ms. */
const GRACE_MS = 2000;

/** Rejects with a sentence when the data directory is in use or the port is taken; then nothing was begun. */
export async function startAgentServer(config: Config, options: ServerOptions): Promise<AgentServer> {
  const directory = await openDataDirectory(config.dataDir, {
    clock: options.clock,
    onLost: () => reportLost(options.log),
  });
  try {
    return await start(config, options, directory);
  } catch (error) {
    directory.release();
    throw error;
  }
}

/** Two servers on one directory overwrite each other's files: this one must end. */
const reportLost = (log: Log) =>
  log.error(
    'Another server has taken the data folder, which this one held too long without a sign of life. Stop one of them.',
  );

async function start(config: Config, options: ServerOptions, directory: DataDirectory): Promise<AgentServer> {
  const { log, version, clock = systemClock } = options;

  // Context
  const events = new EventLog();
  const warnings = new Warnings(events, log);
  const { context, identity } = createContext({ config, log, clock, events, warnings });
  const tls = relayTls(config);
  context.warn('storage', directory.problem);

  // Domain. The port is taken first: a server that cannot serve begins nothing.
  const local = await LocalServer.open(context);
  const domain = await openDomain(context).catch((error) => local.close(0).then(() => Promise.reject(error)));
  const providers = () => domain.providers.all();
  const machine = new Machine({ context, version, providers, terminals: domain.terminals });
  await machine.start();

  // API
  const tunnelState: { now: TunnelState | null } = { now: null };
  const feed = createFeed({ events, clock, sources: liveSources(domain, machine, warnings) }, domain);
  const health = { machine, clock, agents: domain.agents, warnings, tunnel: () => tunnelState.now };
  const previews = createPreviews(context, domain, local);
  const token = await LocalToken.create(config.dataDir);
  const handler = createApi(context, domain, { feed, health, previews, token, port: local.port });

  // Listeners. Only the local server asks for access: what comes through the tunnel was let in by the relay.
  local.serve(serveLocalPreviews(context, previews, handler));
  const info = { name: machine.info().name, version };
  const wire = { handler, info, tls, onState: (state: TunnelState) => void (tunnelState.now = state) };
  const tunnel = connectTunnel(context, { keys: domain.push.keys, identity }, wire);
  log.info(`Agent Monitor server running on port ${local.port}`);
  const close = async (options?: CloseOptions) => {
    for (const part of [machine, feed, previews]) part.close();
    const served = Promise.all([local.close(GRACE_MS), tunnel?.close(GRACE_MS)]);
    await domain.close(options);
    await served;
    directory.release();
  };
  return { port: local.port, live: feed, close };
}

interface ContextParts extends Pick<AgentContext, 'config' | 'log' | 'clock'> {
  events: EventLog;
  warnings: Warnings;
}

function createContext({ events, warnings, ...parts }: ContextParts) {
  const warn = (code: string, text: string) => warnings.set(code, text);
  const identity = new MachineIdentity({ config: parts.config, warn });
  const context: AgentContext = {
    ...parts,
    warn,
    publish: (change, json) => events.publish(change, json),
    subscribe: (listener) => events.subscribe(listener),
    machineAtRelay: () => identity.atRelay,
  };
  return { context, identity };
}

/** Whoever reaches this server's own port from this machine is let in: no preview leads there. */
const createPreviews = (context: AgentContext, { agents }: Domain, local: LocalServer): Previews =>
  new Previews({
    context,
    ownPorts: () => [local.port],
    ownerOf(agent) {
      const { worktree, directory } = agents.info(agent);
      return { identity: agents.process(agent), root: worktree?.path ?? directory };
    },
  });

/** Sessions in terminals are followed for those who are connected to it. */
function createFeed(options: LiveFeedOptions, { handoff }: Domain): LiveFeed {
  const feed = new LiveFeed(options);
  handoff.serve(feed);
  return feed;
}

const liveSources = (domain: Domain, machine: Machine, warnings: Warnings) => ({
  machine: () => machine.info(),
  snapshot: () => ({
    agents: domain.agents.list(),
    terminals: domain.terminals.list(),
    handoff: domain.handoff.desk.sessions,
    templates: domain.templates.list(),
    tasks: domain.board.tasks,
    pipeline: domain.board.status,
    warnings: warnings.list(),
  }),
  has(chat: string) {
    const session = deskSessionOf(chat);
    return session === null ? domain.agents.has(chat) : domain.handoff.reading.has(session);
  },
  page(chat: string, range: { after?: number; limit: number }) {
    const session = deskSessionOf(chat);
    return session === null ? domain.agents.messages(chat, range) : domain.handoff.reading.page(session, range);
  },
});

/** Throws when the file of RELAY_CA cannot be read. */
const relayTls = ({ relay }: Config): TlsOptions => relay?.ca ? { ca: readFileSync(relay.ca, 'utf8') } : {};

/** null: no relay is set. */
function connectTunnel(
  { config: { relay }, log, clock, warn }: AgentContext,
  { keys, identity }: { keys: PushKeys; identity: MachineIdentity },
  options: Pick<TunnelOptions, 'handler' | 'info' | 'tls' | 'onState'>,
): TunnelHandle | null {
  if (!relay) return null;
  void identity.save().catch((error) => log.warn("The machine's id was not saved.", { error: error.message }));
  const { url, token } = relay;
  // An old machine is what the relay tells of: it has the newer words.
  const onRelay = (hello: Hello) => {
    const advice = versionAdvice({ relay: hello.version, machine: options.info.version });
    warn('version', advice?.old === 'relay' ? advice.text : '');
    if (advice?.old === 'machine') log.tagged('Tunnel').warn(advice.text);
    const failed = (what: string) => (error: Error) => log.warn(`${what} was not saved.`, { error: error.message });
    void keys.setRelay(hello.pushKey ?? null).catch(failed("The relay's push key"));
    void identity.setByRelay(hello.id).catch(failed("The machine's id"));
  };
  const id = () => identity.id;
  return startTunnelClient({ url, token, log: log.tagged('Tunnel'), clock, onRelay, id, ...options });
}
