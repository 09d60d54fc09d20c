/** Every route of the machine, and the dashboard's files beside them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import { compressReplies } from '../../core/http/compress.ts';
import { Router } from '../../core/http/router.ts';
import { readAssets, serveStatic } from '../../core/http/static.ts';
import type { Handler } from '../../core/http/types.ts';
import { installationRoot, programCommand } from '../../core/installation.ts';
import type { Log } from '../../core/log.ts';
import { localOriginOf } from '../access/local-origin.ts';
import type { LocalToken } from '../access/local-token.ts';
import type { AgentContext } from '../context.ts';
import type { Domain } from '../domain.ts';
import { HookInstallation } from '../hooks/installation.ts';
import { Uploads } from '../files/uploads.ts';
import type { LiveFeed } from '../live/feed.ts';
import type { Previews } from '../preview/previews.ts';
import { agentRoutes } from './agents.ts';
import { fileRoutes } from './files.ts';
import { handoffRoutes } from './handoff.ts';
import { hookRoutes } from './hooks.ts';
import { healthRoutes, type HealthSources } from './health.ts';
import { notifyRoutes } from './notify.ts';
import { pictureRoutes } from './pictures.ts';
import { previewRoutes, servePreviews } from './previews.ts';
import { pushRoutes } from './push.ts';
import { searchRoutes } from './search.ts';
import { sessionRoutes } from './sessions.ts';
import { settingsRoutes } from './settings.ts';
import { taskRoutes } from './tasks.ts';
import { templateRoutes } from './templates.ts';
import { terminalRoutes } from './terminals.ts';
import { scheduleRoutes } from './schedule.ts';
import { usageRoutes } from './usage.ts';
import { workspaceRoutes } from './workspace.ts';

export interface ApiParts {
  feed: LiveFeed;
  health: HealthSources;
  previews: Previews;
  token: LocalToken;
  /** Of the local server. */
  port: number;
}

/** Serves /api and the dashboard. Whoever calls it has checked who asks. */
export function createApi(context: AgentContext, domain: Domain, parts: ApiParts): Handler {
  const { feed, health, previews, token, port } = parts;
  const { agents } = domain;
  const router = new Router(logUnexpected(context.log));
  healthRoutes(router, health);
  agentRoutes(router, agents, domain.askers);
  pictureRoutes(router, agents);
  previewRoutes(router, previews);
  searchRoutes(router, domain.search);
  scheduleRoutes(router, domain.schedule);
  usageRoutes(router, domain.usage);
  sessionRoutes(router, domain.sessions, (provider, id) => agents.agentOf(provider, id));
  handoffRoutes(router, domain.handoff);
  const { clock } = context;
  hookRoutes(router, { handoff: domain.handoff, token, clock, installation: installationOf(context, domain, port) });
  terminalRoutes(router, { terminals: domain.terminals, clock: context.clock, token, port });
  templateRoutes(router, domain.templates);
  taskRoutes(router, domain.board);
  settingsRoutes(router, context, domain);
  workspaceRoutes(router, agents, domain.workspace);
  const uploads = new Uploads(join(context.config.dataDir, 'uploads'), () => context.clock.now());
  fileRoutes(router, agents, domain.workspace.isolation, uploads);
  notifyRoutes(router, domain.askers, domain.levels);
  pushRoutes(router, domain.push);
  router.get('/api/live', (req, res) => feed.serve(req, res));
  const dashboard = serveDashboard();
  const api = compressReplies(router.handle);
  return servePreviews(previews, (req, res) => isApi(req.url) ? api(req, res) : dashboard(req, res));
}

function installationOf({ config }: AgentContext, { handoff }: Domain, port: number): HookInstallation | null {
  const { settingsFile } = handoff;
  const target = {
    command: programCommand(['hook']),
    origin: localOriginOf(config.host, port),
    dataDir: config.dataDir,
  };
  return settingsFile === null ? null : new HookInstallation({ settingsFile, target });
}

const isApi = (url: string) => url === '/api' || url.startsWith('/api/') || url.startsWith('/api?');

/** The dashboard, when it was built. */
function serveDashboard(): Handler {
  const directory = join(installationRoot(), 'dist/ui');
  if (existsSync(join(directory, 'index.html'))) return serveStatic(readAssets(directory));
  return () => {
    throw new Failure('not_built', 'The dashboard is not built yet: run `npm run build` and start again.');
  };
}

const logUnexpected = (log: Log): ConstructorParameters<typeof Router>[0] => (error, req) => {
  const text = error instanceof Error ? error.stack ?? error.message : String(error);
  log.error('request failed', { url: req.url, error: text });
};
