/** The workshop behind a real HTTP server, with scripted agents and a data folder of its own. */
import { join } from 'node:path';
import { createHttpServer } from '../../core/http/server.ts';
import { Router } from '../../core/http/router.ts';
import type { Config } from '../../agent/config.ts';
import { createWorkshop, type Workshop } from '../../agent/workshop.ts';
import { createWorkspace, type WorkspaceRoom } from '../../agent/workspace/mod.ts';
import { type FakeAgents, fakeAgents } from './fake-agents.ts';
import { temporaryFolder } from './git.ts';
import { type TestHouse, testHouse } from './house.ts';

export interface WorkshopLab {
  readonly folder: string;
  readonly url: string;
  readonly house: TestHouse;
  readonly agents: FakeAgents;
  readonly workspace: WorkspaceRoom;
  readonly workshop: Workshop;
  /** JSON in, JSON out. */
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }>;
  close(): Promise<void>;
}

export async function workshopLab(config: Partial<Config> = {}): Promise<WorkshopLab> {
  const { path: folder, remove } = temporaryFolder();
  const house = testHouse({ dataDir: join(folder, 'data'), config: { defaultDirectory: folder, ...config } });
  const agents = fakeAgents(house.clock.now);
  const workspace = createWorkspace(house);
  const workshop = createWorkshop(house, agents, workspace);
  const router = new Router((error) => house.log.error(String(error)));
  workshop.routes(router);
  const server = createHttpServer({ handler: router.handle, log: house.log });
  const { port } = await server.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  return {
    folder,
    url,
    house,
    agents,
    workspace,
    workshop,
    ask: async (method, path, body) => {
      const response = await fetch(url + path, {
        method,
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    },
    close: async () => {
      await workshop.close();
      await server.close(100);
      remove();
    },
  };
}
