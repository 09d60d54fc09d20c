/** The workshop put together: templates, pipelines, notifications, settings, tools, and the routes of all of them. */
import type { Router } from '../core/http/router.ts';
import type { AgentInfo, PipelineStatus, Task, Template } from '../core/wire/types.ts';
import { settingsRoutes } from './api/settings.ts';
import { taskRoutes } from './api/tasks.ts';
import { templateRoutes } from './api/templates.ts';
import { workspaceRoutes } from './api/workspace.ts';
import type { Config } from './config.ts';
import { createEmail } from './notify/email.ts';
import { Notifier } from './notify/notifier.ts';
import { Outbox } from './notify/outbox.ts';
import { createSlack } from './notify/slack.ts';
import { createWhatsapp } from './notify/whatsapp.ts';
import { OpenCli } from './opencli-room.ts';
import { TaskBoard } from './pipeline/board.ts';
import { PipelineRunner } from './pipeline/runner.ts';
import { Retention } from './retention.ts';
import type { Agents, House } from './rooms.ts';
import { Tools } from './settings-tools.ts';
import { Templates } from './templates.ts';
import type { WorkspaceRoom } from './workspace/mod.ts';

export interface Workshop {
  routes(router: Router): void;
  templates(): Template[];
  tasks(): Task[];
  pipeline(): PipelineStatus;
  /** Begins nothing more. To be closed before the agents are. */
  close(): Promise<void>;
}

/** Channels are told anew at most this often: a burst of notices is one change of the settings page. */
const STATUS_MS = 1000;

export function createWorkshop(house: House, agents: Agents, workspace: WorkspaceRoom): Workshop {
  const { config, clock } = house;
  const { settings } = workspace;
  const templates = new Templates(house);
  const board = new TaskBoard(house);
  const tools = new Tools(config, () => clock.now());
  const openCli = new OpenCli(house, () => tools.forget());
  const statusChange = coalesce(house, STATUS_MS, () => house.publish({ type: 'settings' }));
  const outbox = new Outbox({
    clock,
    log: house.log.tagged('Notify'),
    senders: [createEmail(config.smtp), createWhatsapp(config.twilio), createSlack()],
    onChange: statusChange.call,
  });
  const address = dashboardAddress(config);
  const notifier = new Notifier({
    house,
    agents,
    outbox,
    settings: () => settings.value.notify,
    pipelineContacts: () => board.state.config,
    address: () => address,
  });
  const runner = new PipelineRunner({
    house,
    agents,
    board,
    report: (report) => notifier.report(report),
    merge: (agent, task) => mergeTask(workspace, agent, task),
  });
  const retention = new Retention(house, agents, () => settings.value.retentionHours);
  return {
    routes(router) {
      templateRoutes(router, templates);
      taskRoutes(router, board);
      settingsRoutes(router, { house, settings, tools, outbox, notifier, openCli });
      workspaceRoutes(router, agents, workspace);
    },
    templates: () => templates.list(),
    tasks: () => board.tasks,
    pipeline: () => board.status,
    async close() {
      notifier.close();
      statusChange.close();
      outbox.close();
      await Promise.all([runner.close(), retention.close()]);
    },
  };
}

/** Commits what the task left uncommitted and merges it into the base, so that the next step builds on it. */
async function mergeTask(workspace: WorkspaceRoom, agent: AgentInfo, task: Task): Promise<void> {
  if (!agent.worktree) return; // it worked in the folder itself
  await workspace.commit(agent, task.name, null);
  await workspace.merge(agent);
}

/** Where people open the dashboard: PUBLIC_URL, else the relay's address, else this machine. */
export function dashboardAddress({ publicUrl, relay, port }: Config): string {
  if (publicUrl) return publicUrl;
  if (!relay) return port ? `http://localhost:${port}` : '';
  const { protocol, host } = new URL(relay.url);
  return `${protocol === 'wss:' || protocol === 'https:' ? 'https' : 'http'}://${host}`;
}

/** Calls in one window become one call at its end. */
function coalesce({ clock }: House, ms: number, action: () => void): { call(): void; close(): void } {
  let timer: ReturnType<House['clock']['setTimeout']> | null = null;
  return {
    call: () => {
      timer ??= clock.setTimeout(() => {
        timer = null;
        action();
      }, ms);
    },
    close: () => clock.clearTimeout(timer),
  };
}
