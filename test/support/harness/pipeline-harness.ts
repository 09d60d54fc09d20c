/** Tasks, templates, settings and workspace behind a real HTTP server, with scripted agents and a data folder of its own. */
import { join } from 'node:path';
import { createHttpServer } from '../../../core/http/server.ts';
import { Router } from '../../../core/http/router.ts';
import type { Config } from '../../../agent/config.ts';
import { notifyRoutes } from '../../../agent/api/notify.ts';
import { settingsRoutes } from '../../../agent/api/settings.ts';
import { taskRoutes } from '../../../agent/api/tasks.ts';
import { templateRoutes } from '../../../agent/api/templates.ts';
import { workspaceRoutes } from '../../../agent/api/workspace.ts';
import { openServices, type Services } from '../../../agent/domain.ts';
import { openSettings } from '../../../agent/settings/settings.ts';
import { createWorkspace, type Workspace } from '../../../agent/workspace/workspace.ts';
import { type FakeAgents, fakeAgents } from '../fakes/fake-agents.ts';
import { temporaryDirectory } from './git.ts';
import { type TestContext, testContext } from '../fakes/test-context.ts';

export interface PipelineHarness {
  readonly directory: string;
  readonly url: string;
  readonly context: TestContext;
  readonly agents: FakeAgents;
  readonly workspace: Workspace;
  readonly services: Services;
  /** JSON in, JSON out. */
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }>;
  close(): Promise<void>;
}

export async function pipelineHarness(config: Partial<Config> = {}): Promise<PipelineHarness> {
  const { path: directory, remove } = temporaryDirectory();
  const context = testContext({ dataDir: join(directory, 'data'), config: { defaultDirectory: directory, ...config } });
  const agents = fakeAgents(context.clock.now, context.publish);
  const settings = openSettings(context);
  const workspace = createWorkspace(context, () => settings.value);
  const services = openServices(context, {
    agents,
    workspace,
    settings,
    terminals: { list: () => [] },
    runTime: { since: (time) => context.clock.now() - time },
  });
  const router = new Router((error) => context.log.error(String(error)));
  templateRoutes(router, services.templates);
  taskRoutes(router, services.board);
  settingsRoutes(router, context, { ...services, settings, providers: {} });
  workspaceRoutes(router, agents, workspace);
  notifyRoutes(router, agents, services.levels);
  const server = createHttpServer({ handler: router.handle, log: context.log });
  const { port } = await server.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  return {
    directory,
    url,
    context,
    agents,
    workspace,
    services,
    ask: async (method, path, body) => {
      const response = await fetch(url + path, {
        method,
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    },
    close: async () => {
      await services.close();
      await server.close(100);
      remove();
    },
  };
}
