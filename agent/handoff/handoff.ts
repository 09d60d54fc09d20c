/** The sessions at the desk and what can be done with them here. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { AgentInfo, PermissionMode } from '../../core/api/agents.ts';
import { Failure } from '../../core/api/errors.ts';
import type { GiveBackReply, TakeOverBody } from '../../core/api/handoff.ts';
import { MAX_NAME } from '../../core/api/schema.ts';
import { cliProgram } from '../config.ts';
import type { AgentContext } from '../context.ts';
import { HookCalls } from '../hooks/hook-calls.ts';
import { OpenRequests } from '../hooks/open-requests.ts';
import type { Provider } from '../provider/provider.ts';
import type { Registry } from '../session/registry.ts';
import { closing } from '../session/session.ts';
import { commandLine, isPasteable } from '../process/command-line.ts';
import { Desk } from './desk.ts';
import { Reading } from './reading.ts';
import { checkTakeOver, endAtDesk } from './take-over.ts';

/** The dashboards that look. */
export interface Watchers {
  isWatched(chat: string): boolean;
  onPresence(listener: (isSomebody: boolean) => void): void;
}

/** What is done to agents. */
export type HandoffAgents = Pick<Registry, 'agentOf' | 'create' | 'giveBack' | 'info' | 'madeBy' | 'takeBack'>;

export interface HandoffOptions {
  context: AgentContext;
  agents: HandoffAgents;
  /** Of these, the one whose sessions in terminals can be found. */
  providers: readonly Provider[];
}

export class Handoff {
  readonly desk: Desk;
  readonly reading: Reading;
  /** What sessions at the desk ask by their hooks. */
  readonly requests: OpenRequests;
  /** null: the CLI has no hooks. */
  readonly calls: HookCalls | null;
  /** Where the CLI's hooks are entered; null: it has none. */
  readonly settingsFile: string | null;
  readonly #provider: Provider & Required<Pick<Provider, 'terminalSessions'>>;
  readonly #options: HandoffOptions;
  #watchers: Watchers | null = null;
  #endLook: (() => void) | null = null;
  #isClosed = false;

  constructor(options: HandoffOptions) {
    const { context, providers } = options;
    this.#options = options;
    const provider = providers.find(hasTerminalSessions);
    if (!provider) throw new Error('No provider finds its sessions in terminals.');
    this.#provider = provider;
    const source = provider.terminalSessions;
    const { clock } = context;
    const waiting = async () =>
      new Set((await source.list()).filter(({ status }) => status === 'waiting').map(({ id }) => id));
    this.requests = new OpenRequests({ clock, waiting, onChange: () => this.desk.requestsChanged() });
    const pending = (id: string) => this.requests.pendingOf(id);
    this.desk = new Desk({ context, provider: provider.name, source, pending });
    const { hooks } = source;
    this.settingsFile = hooks?.settingsFile ?? null;
    const refresh = () => this.desk.refresh();
    this.calls = hooks ? new HookCalls({ clock, source, hooks, requests: this.requests, refresh }) : null;
    this.reading = new Reading({
      ...{ context, source },
      isWatched: (chat) => this.#watchers?.isWatched(chat) ?? false,
      isListed: (id) => this.desk.sessions.some((session) => session.id === id),
    });
  }

  /** Follows what dashboards look at. */
  serve(watchers: Watchers): void {
    this.#watchers = watchers;
    watchers.onPresence((isSomebody) => {
      this.#endLook?.();
      this.#endLook = isSomebody ? this.desk.look() : null;
    });
  }

  /** Ends the program at the desk and goes on with its session here. Throws Failure; see endAtDesk. */
  async take(id: string, { interrupt = false, clientId }: TakeOverBody, by: string): Promise<AgentInfo> {
    const { context: { clock }, agents } = this.#options;
    const { name: provider, terminalSessions: source } = this.#provider;
    // Sent again while the first one is under way: the program at the desk may have ended, and the agent not be there yet.
    const known = clientId ? await agents.madeBy(clientId) : null;
    if (known) return known;
    const holder = agents.agentOf(provider, id);
    // The same command again: the agent has it.
    if (holder !== null && !await this.desk.has(id)) return agents.info(holder);
    const session = await this.desk.find(id);
    checkTakeOver(session);
    const end = async () => {
      await endAtDesk(id, interrupt, { source, clock, check: () => this.#checkTaker(holder) });
      await this.desk.refresh();
    };
    if (holder !== null) return await agents.takeBack(holder, end, by);
    const { directory, name } = session;
    if (!(await stat(directory).catch(() => null))?.isDirectory()) {
      throw new Failure('folder_gone', 'The folder of this session is not there any more. Nothing was done.');
    }
    const flags = { resume: id, worktree: false, permissionMode: await this.modeOf(id) ?? 'default' };
    return await agents.create(
      { provider, directory, name: (name || basename(directory)).slice(0, MAX_NAME), flags, clientId },
      by,
      end,
    );
  }

  /** Throws Failure when nobody would go on with the session: the server ends, or the agent was deleted. */
  #checkTaker(agent: string | null): void {
    if (this.#isClosed) throw closing();
    if (agent !== null) this.#options.agents.info(agent);
  }

  /** Ends the agent's CLI, so that its session can go on in a terminal. Throws Failure. */
  async giveBack(agent: string, by: string): Promise<GiveBackReply> {
    const { context: { config }, agents } = this.#options;
    const { provider, directory: chosen, worktree } = agents.info(agent);
    if (provider !== this.#provider.name) {
      throw new Failure('other_provider', 'The sessions of this agent cannot be given back to a terminal.');
    }
    if (!isPasteable(worktree?.path ?? chosen)) throw notPasteable();
    const { directory, args } = await agents.giveBack(agent, by);
    return { agent: agents.info(agent), command: commandLine(directory, [cliProgram(config, provider), ...args]) };
  }

  /** In which a session would go on here; null: its file does not say. */
  modeOf(id: string): Promise<PermissionMode | null> {
    return this.#provider.terminalSessions.mode(id);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.requests.close();
    this.desk.close();
    await this.reading.close();
  }
}

const notPasteable = (): Failure =>
  new Failure(
    'bad_directory',
    'The name of this folder has control characters, which a terminal would act on when the line is pasted. Rename it first.',
  );

const hasTerminalSessions = (provider: Provider): provider is Provider & Required<Pick<Provider, 'terminalSessions'>> =>
  provider.terminalSessions !== undefined;
