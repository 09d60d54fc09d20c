/** Everything that this machine does, put together: agents, their workspaces and terminals, and what works on top of them. */
import process from 'node:process';
import type { Timer } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { AgentInfo } from '../core/api/agents.ts';
import type { Task } from '../core/api/tasks.ts';
import { dashboardAddress, linkBase } from './config.ts';
import type { AgentContext } from './context.ts';
import { AgentLevels } from './notify/agent-levels.ts';
import { DeliveryQueue } from './notify/delivery-queue.ts';
import { openDeliveryState } from './notify/delivery-state.ts';
import { createEmail } from './notify/email.ts';
import { Notifier } from './notify/notifier.ts';
import { createNtfy } from './notify/ntfy.ts';
import { createSlack } from './notify/slack.ts';
import { Telegram } from './notify/telegram.ts';
import { createWebhook } from './notify/webhook.ts';
import { createWhatsapp } from './notify/whatsapp.ts';
import { activeTaskOf, TaskBoard } from './pipeline/board.ts';
import { PipelineRunner } from './pipeline/runner.ts';
import { DATA_DIRECTORY_MARK, type Environment, removeMarks } from './process/environment.ts';
import { endHolder, holderDirectory, type HolderRecord } from './process/holder/records.ts';
import { findSurvivors, type Survivors } from './process/holder/survivors.ts';
import { killOrphans } from './process/orphans.ts';
import type { Provider } from './provider/provider.ts';
import type { ProviderSet } from './provider/provider-set.ts';
import { Handoff } from './handoff/handoff.ts';
import { type Askers, withDesk } from './handoff/with-desk.ts';
import { cliHolders, createOwnProviders, createProviders, ownTools } from './providers.ts';
import { Push } from './push/push.ts';
import type { Agents } from './session/agents.ts';
import { Awake } from './session/awake.ts';
import { createDiskSessions, type DiskSessions } from './session/history.ts';
import { Registry, type RegistryOptions } from './session/registry.ts';
import { Retention } from './session/retention.ts';
import { Schedule } from './schedule/schedule.ts';
import { Search } from './search/search.ts';
import { RunTime } from './store/run-time.ts';
import { openSettings, type SettingsDocument } from './settings/settings.ts';
import { Templates } from './settings/templates.ts';
import { createTerminals, type Terminals } from './terminal/terminals.ts';
import { OpenCli } from './tools/opencli-installer.ts';
import { Tools } from './tools/tools.ts';
import { UsageMeters } from './usage/meters.ts';
import { Usage } from './usage/usage.ts';
import { createWorkspace, type Workspace } from './workspace/workspace.ts';

export interface Domain extends Services {
  readonly providers: ProviderSet;
  readonly settings: SettingsDocument;
  readonly workspace: Workspace;
  readonly sessions: DiskSessions;
  readonly agents: Registry;
  readonly search: Search;
  readonly handoff: Handoff;
  /** Agents and sessions at the desk: what asks people. */
  readonly askers: Askers;
  readonly usage: Usage;
  readonly terminals: Terminals;
  close(options?: CloseOptions): Promise<void>;
}

export interface CloseOptions {
  /** Leaves what runs in holders to the next server. */
  detach?: boolean;
}

/** What works on top of the agents. */
export interface Services {
  readonly templates: Templates;
  readonly board: TaskBoard;
  readonly tools: Tools;
  readonly openCli: OpenCli;
  readonly schedule: Schedule;
  readonly deliveries: DeliveryQueue;
  readonly notifier: Notifier;
  /** What was chosen for each agent's notices. */
  readonly levels: AgentLevels;
  readonly push: Push;
  /** Begins nothing more. To be called before the agents are closed. */
  close(): Promise<void>;
}

/** Changes of the channels' status are published at most this often: a burst of notices is one change of the settings page. */
const STATUS_MS = 1000;

/** Reads what is on disk, recovers what a crash left, and begins the work. `close` ends all of it. */
export async function openDomain(context: AgentContext): Promise<Domain> {
  const { config, log } = context;
  const { living: survivors, dead } = await clearUp(context);
  removeMarks(process.env);
  const env = { ...process.env, [DATA_DIRECTORY_MARK]: config.dataDir };
  const settings = openSettings(context);
  const own = createOwnProviders(context, env);
  const providers = createAllProviders(context, settings, own, env);
  const workspace = createWorkspace(context, () => settings.value);
  const onDisk = createDiskSessions(own);
  const holders = survivors.filter(({ kind }) => kind === 'cli');
  const wasStarted = (id: string) => dead.some((entry) => entry.id === id && entry.child !== null);
  const { agents, usage } = await openAgents({ context, providers, workspace, onDisk, holders, wasStarted }, settings);
  const terminals = createTerminals(context, agents);
  await adoptSurvivors(context, terminals, survivors.filter(({ kind }) => kind !== 'cli'));
  const [search, handoff] = [new Search({ context, agents }), new Handoff({ context, agents, providers: own })];
  const [askers, runTime] = [withDesk(agents, handoff), new RunTime(context)];
  const awake = new Awake({ context, agents, env, isOn: () => settings.value.keepAwake });
  const services = openServices(context, { agents, askers, workspace, settings, terminals, runTime });
  handoff.calls?.serve((news) => services.notifier.deskNews(news));
  return {
    ...services,
    providers,
    settings,
    workspace,
    sessions: onDisk,
    ...{ agents, search, handoff, askers, usage, terminals },
    async close({ detach = false } = {}) {
      await Promise.all([services.close(), usage.end(), awake.close(), handoff.close()]);
      const ending = endWork(log, { agents, terminals }, detach);
      await Promise.all([search.close(), workspace.close(), ending, runTime.close()]);
      await usage.close();
      await providers.close();
    },
  };
}

/** @param detach leaves what runs in holders to the next server */
async function endWork(
  log: Log,
  { agents, terminals }: { agents: Registry; terminals: Terminals },
  detach: boolean,
): Promise<void> {
  if (detach) reportLeft(log, agents.survivors, terminals.list().filter(({ exited }) => !exited).length);
  await Promise.all(detach ? [agents.detach(), terminals.detach()] : [agents.close(), terminals.close()]);
}

function createAllProviders(
  { config, log, clock }: AgentContext,
  settings: SettingsDocument,
  own: readonly Provider[],
  env: Environment,
): ProviderSet {
  return createProviders({
    ...{ own, env, clock, log, holders: cliHolders(config) },
    custom: () => settings.value.acpAgents,
  });
}

/** The agents, and what is counted of them: budgets hold agents up, which the counting is made of. */
async function openAgents(
  options: RegistryOptions,
  settings: SettingsDocument,
): Promise<{ agents: Registry; usage: Usage }> {
  const { context } = options;
  const meters = new UsageMeters(context);
  let usage: Usage | null = null;
  const agents = await Registry.open({
    ...options,
    onLimits: (provider, account, windows) => meters.note(provider, account, windows),
    refuse: (agent) => usage?.refusal(agent) ?? null,
  });
  usage = new Usage({
    ...{ context, agents, meters, budget: () => settings.value.budget },
    account: (agent) => agents.capabilities(agent)?.account ?? '',
    readLimits: async (provider) => await options.providers.get(provider)?.readLimits?.() ?? null,
  });
  return { agents, usage };
}

/** A holder that nobody here knows what to do with (a later version's, a terminal where they are switched off) is ended. */
async function adoptSurvivors(
  { config, log }: AgentContext,
  terminals: Terminals,
  survivors: HolderRecord[],
): Promise<void> {
  const isKnown = ({ kind }: HolderRecord) => kind === 'terminal' && config.terminal;
  for (const record of survivors) {
    if (isKnown(record)) continue;
    log.warn('ending a holder that this server has no use for', { id: record.id, kind: record.kind });
    endHolder(holderDirectory(config.dataDir), record);
  }
  await terminals.adopt(survivors.filter(isKnown));
}

/** What runs since before this server: holders with what they hold, and nothing else. */
async function clearUp({ config, log, clock }: AgentContext): Promise<Survivors> {
  const survivors = await findSurvivors(config.dataDir, log, clock.now());
  const { length: orphans } = await killOrphans(config.dataDir, log, survivors.living.flatMap(identitiesOf));
  if (orphans) log.warn('killed orphaned processes from a previous run', { count: orphans });
  return survivors;
}

function reportLeft(log: Log, agents: number, terminals: number): void {
  const count = (n: number, name: string) => n ? [`${n} ${name}${n === 1 ? '' : 's'}`] : [];
  const what = [...count(agents, 'agent'), ...count(terminals, 'terminal')].join(' and ');
  if (!what) return;
  const verb = agents + terminals === 1 ? 'goes on' : 'go on';
  log.info(
    `${what} ${verb} without the server; the next start finds it all again. To end it: agent-monitor stop --all`,
  );
}

/** A holder and what it holds: each carries a mark of its own. */
const identitiesOf = ({ process: holder, child }: HolderRecord) => [holder, child].filter((entry) => entry !== null);

export interface ServiceOptions {
  agents: Agents;
  /** The agents, with the sessions at the desk. */
  askers?: Askers;
  workspace: Workspace;
  settings: SettingsDocument;
  terminals: Pick<Terminals, 'list'>;
  runTime: Pick<RunTime, 'since'>;
}

const createTools = ({ config, clock }: AgentContext): Tools =>
  new Tools({ dataDir: config.dataDir, now: () => clock.now(), own: () => ownTools(config) });

export function openServices(context: AgentContext, options: ServiceOptions): Services {
  const { config } = context;
  const { askers = options.agents, settings } = options;
  const board = new TaskBoard(context);
  const tools = createTools(context);
  const status = coalesce(context, STATUS_MS, () => context.publish({ type: 'settings' }));
  const levels = new AgentLevels(context);
  const telegram = new Telegram(context, (agent, request, body, by) => askers.decide(agent, request, body, by));
  const deliveries = createDeliveries(context, telegram, status.call);
  const push = new Push({ context, subject: pushSubject(dashboardAddress(config)) });
  const notifier = createNotifier(context, { agents: askers, settings, board, levels, deliveries, push, telegram });
  deliveries.start();
  const { schedule, close: closeWorkers } = openWorkers(context, options, board, notifier);
  return {
    templates: new Templates(context),
    board,
    tools,
    schedule,
    openCli: new OpenCli(context, () => tools.forget()),
    deliveries,
    notifier,
    levels,
    push,
    async close() {
      notifier.close();
      status.close();
      await Promise.all([deliveries.close(), telegram.close(), push.close(), closeWorkers()]);
    },
  };
}

/** What begins and removes agents by itself. */
function openWorkers(
  context: AgentContext,
  { agents, workspace, settings, terminals, runTime }: ServiceOptions,
  board: TaskBoard,
  notifier: Notifier,
): { schedule: Schedule; close(): Promise<unknown> } {
  const runner = new PipelineRunner({
    context,
    agents,
    board,
    runTime,
    report: (report) => notifier.report(report),
    merge: (agent, task) => mergeTask(workspace, agent, task),
  });
  const schedule = new Schedule({ context, agents, board });
  const retention = new Retention({ context, agents, terminals, runTime, settings: () => settings.value });
  return { schedule, close: () => Promise.all([runner.close(), retention.close(), schedule.close()]) };
}

function createDeliveries(context: AgentContext, telegram: Telegram, onChange: () => void): DeliveryQueue {
  const { config, clock, log } = context;
  const { allowPrivateAddresses: allowPrivate, webhookSecret: secret } = config;
  const senders = [
    createEmail(config.smtp),
    createWhatsapp(config.twilio),
    createSlack(allowPrivate),
    createNtfy(config.ntfyToken, allowPrivate),
    telegram,
    createWebhook({ secret, allowPrivate, now: () => clock.now() }),
  ];
  return new DeliveryQueue({
    clock,
    log: log.tagged('Notify'),
    senders,
    document: openDeliveryState(context),
    onChange,
  });
}

interface NotifierParts extends Pick<Domain, 'settings' | 'board' | 'deliveries' | 'push' | 'levels'> {
  agents: Askers;
  telegram: Telegram;
}

function createNotifier(context: AgentContext, parts: NotifierParts): Notifier {
  const { agents, settings, board, levels, deliveries, push, telegram } = parts;
  return new Notifier({
    context,
    agents,
    deliveries,
    listeners: [push, telegram],
    settings: () => settings.value.notify,
    level: (agent) => levels.of(agent),
    isReported: (agent) => activeTaskOf(board.tasks, agent) !== undefined,
    onRemoved: (agent) => void levels.forget(agent).catch(() => {}),
    pipelineContacts: () => board.state.config,
    linkBase: () => linkBase(context.config, context.machineAtRelay()),
  });
}

/** Push services want an address of whoever runs this (RFC 8292 section 2.1); the dashboard's own, where it is public. */
const pushSubject = (address: string): string =>
  address.startsWith('https://') ? address : 'mailto:agent-monitor@example.com';

/** Commits what the task left uncommitted and merges it into the base, so that the next step builds on it. */
async function mergeTask(workspace: Workspace, agent: AgentInfo, task: Task): Promise<void> {
  if (!agent.worktree) return; // it worked in the folder itself
  await workspace.commit(agent, task.name, null);
  await workspace.merge(agent);
}

/** Calls within one window become one call at its end. */
function coalesce({ clock }: AgentContext, ms: number, action: () => void): { call(): void; close(): void } {
  let timer: Timer | null = null;
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
