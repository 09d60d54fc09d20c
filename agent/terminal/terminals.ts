/** The terminals of this machine: opened, found, renamed, closed. See core/api/TERMINAL.md. */
import { randomUUID } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import process from 'node:process';
import type { Timer } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import { clampSize, type CreateTerminalBody, TERMINAL_CLOSE } from '../../core/api/terminals.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { TerminalInfo } from '../../core/api/terminals.ts';
import type { AgentContext } from '../context.ts';
import type { Agents } from '../session/agents.ts';
import { type Availability, probePty, SWITCHED_OFF } from './availability.ts';
import { endHolder, holderDirectory, type HolderRecord } from '../process/holder/records.ts';
import {
  deskProgram,
  noDirectory,
  sessionAgent,
  terminalCommand,
  terminalDirectory,
  terminalEnvironment,
} from './launch.ts';
import { type HostOptions, startHost } from './host-process.ts';
import { parseTerminalMeta, type TerminalMeta } from './terminal-meta.ts';
import { Terminal } from './terminal.ts';

/** Terminals open at once, ended ones included. */
export const MAX_TERMINAL = 24;
/** Connections to one terminal. */
export const MAX_VIEWER = 32;
/** How long an ended terminal can still be looked at, ms. */
export const RETENTION_MS = 60 * 60_000;
/** Output alone is published at most this often, ms. */
const ACTIVITY_MS = 10_000;
/** Ids of create requests that are remembered. */
const MAX_REQUESTS = 100;

export interface Terminals {
  list(): TerminalInfo[];
  /** Throws Failure `no_terminal`, as do all that take an id. */
  info(id: string): TerminalInfo;
  /** Opens a terminal; a request with the same clientId returns the same one. `by`: who asks, for the audit log. */
  create(body: CreateTerminalBody, by: string): Promise<TerminalInfo>;
  rename(id: string, name: string): TerminalInfo;
  /** Ends the program, closes every viewer. */
  remove(id: string, by: string): Promise<void>;
  /** The terminal, when it takes one more viewer. */
  forViewer(id: string): Terminal;
  /** What is known now. */
  availability(): Availability;
  /** Resolves when it is known whether terminals work here. */
  probed(): Promise<Availability>;
  /** Takes up the terminals that run since before this server. What cannot be taken up is ended. */
  adopt(records: readonly HolderRecord[]): Promise<void>;
  /** Closes every viewer; the programs go on. */
  detach(): void;
  /** Ends every program. */
  close(): Promise<void>;
}

interface Retained {
  terminal: Terminal;
  meta: TerminalMeta;
  /** When it was last published, monotonic. */
  publishedAt: number;
  /** Runs once it has ended. */
  removal: Timer | null;
  /** Leaves the directory and the agent. */
  leave: () => void;
}

/** What is to be opened, or taken up. */
interface Plan {
  id: string;
  meta: TerminalMeta;
  agent: AgentInfo | null;
  size: { cols: number; rows: number };
  source(args: string[] | null): HostOptions['source'];
}

class OpenTerminals implements Terminals {
  readonly #context: AgentContext;
  readonly #agents: Agents;
  readonly #terminals = new Map<string, Retained>();
  /** Create requests by the client's id. */
  readonly #requests = new Map<string, Promise<TerminalInfo>>();
  readonly #probed: Promise<void>;
  readonly #startHost: typeof startHost;
  #availability: Availability = { available: false, text: 'Whether terminals work here is being looked up.' };
  #starting = 0;
  #isClosed = false;

  constructor(
    context: AgentContext,
    agents: Agents,
    { probe = probePty, host = startHost }: TerminalsOptions,
  ) {
    this.#startHost = host;
    this.#context = context;
    this.#agents = agents;
    if (!context.config.terminal) this.#availability = SWITCHED_OFF;
    this.#probed = context.config.terminal
      ? probe().then((found) => void (this.#availability = found))
      : Promise.resolve();
  }

  list(): TerminalInfo[] {
    return [...this.#terminals.values()].map(({ terminal }) => terminal.info());
  }

  availability(): Availability {
    return this.#availability;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#terminals.values()];
    for (const { removal } of all) this.#context.clock.clearTimeout(removal);
    await Promise.all(all.map(({ terminal }) => terminal.close(TERMINAL_CLOSE.restart, 'The server is going down.')));
  }

  detach(): void {
    this.#isClosed = true;
    for (const { terminal, removal } of this.#terminals.values()) {
      this.#context.clock.clearTimeout(removal);
      terminal.detach(TERMINAL_CLOSE.restart, 'The server is going down.');
    }
  }

  async probed(): Promise<Availability> {
    await this.#probed;
    return this.#availability;
  }

  info(id: string): TerminalInfo {
    return this.#get(id).terminal.info();
  }

  rename(id: string, name: string): TerminalInfo {
    const retained = this.#get(id);
    const { terminal } = retained;
    terminal.name = retained.meta.name = name;
    terminal.describe({ ...retained.meta });
    this.#publish(terminal);
    return terminal.info();
  }

  async remove(id: string, by: string): Promise<void> {
    await this.#remove(this.#get(id), by);
  }

  forViewer(id: string): Terminal {
    const { terminal } = this.#get(id);
    if (terminal.info().viewers < MAX_VIEWER) return terminal;
    throw new Failure(
      'too_many_viewers',
      'Too many pages show this terminal. Close one of them, then load this page again.',
    );
  }

  #get(id: string): Retained {
    const retained = this.#terminals.get(id);
    if (retained) return retained;
    throw new Failure('no_terminal', 'There is no such terminal (any more).');
  }

  create(body: CreateTerminalBody, by: string): Promise<TerminalInfo> {
    const { clientId } = body;
    if (!clientId) return this.#open(body, by);
    const known = this.#requests.get(clientId);
    if (known) return known;
    const result = this.#open(body, by);
    this.#requests.set(clientId, result);
    if (this.#requests.size > MAX_REQUESTS) this.#requests.delete(this.#requests.keys().next().value!);
    result.catch(() => this.#requests.delete(clientId)); // a failed one may be tried again
    return result;
  }

  async #open(body: CreateTerminalBody, by: string): Promise<TerminalInfo> {
    await this.#probed;
    if (!this.#availability.available) throw new Failure('no_terminals', this.#availability.text);
    if (this.#terminals.size + this.#starting >= MAX_TERMINAL) {
      throw new Failure('too_many_terminals', `${MAX_TERMINAL} terminals are open: close one first.`, {
        params: { limit: MAX_TERMINAL },
      });
    }
    this.#starting++;
    try {
      return await this.#start(body, by);
    } finally {
      this.#starting--;
    }
  }

  async #plan(body: CreateTerminalBody): Promise<Plan> {
    const { config, clock } = this.#context;
    const { command: program = 'shell', clientId = '' } = body;
    const agentId = body.agentId ?? sessionAgent(this.#agents, program, body.desk);
    const agent = agentId ? this.#agents.info(agentId) : null;
    const command = terminalCommand(program, agent, config);
    const directory = await terminalDirectory(body.directory, agent, config);
    const size = clampSize(body.cols ?? 80, body.rows ?? 24);
    const name = body.name?.trim() || this.#freeName(body.desk ? `${program} in ${basename(directory)}` : program);
    const meta = { name, agentId: agent?.id ?? '', program, directory, clientId, createdAt: clock.now() };
    const env = terminalEnvironment(body.desk?.env ?? process.env);
    const file = body.desk ? deskProgram(command.file, env.PATH) : command.file;
    return {
      id: randomUUID(),
      meta,
      agent,
      size,
      source: (args) => ({
        launch: { file, args: body.desk?.args ?? args ?? command.args, cwd: directory, env, ...size },
        meta: { ...meta },
        idleMs: config.holderIdleMs,
      }),
    };
  }

  async #start(body: CreateTerminalBody, by: string): Promise<TerminalInfo> {
    const plan = await this.#plan(body);
    const terminal = await this.#enter(plan, by);
    const { program: command, directory } = plan.meta;
    this.#context.log.tagged('Audit').info('terminal opened', { id: terminal.id, command, directory, by });
    this.#publish(terminal);
    return terminal.info();
  }

  async adopt(records: readonly HolderRecord[]): Promise<void> {
    await Promise.all(records.map(async (record) => {
      try {
        await this.#adopt(record);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#context.log.warn('a terminal of before could not be taken up', { id: record.id, why });
        endHolder(holderDirectory(this.#context.config.dataDir), record);
      }
    }));
  }

  async #adopt(record: HolderRecord): Promise<void> {
    const meta = parseTerminalMeta(record.meta);
    const agent = meta.agentId ? this.#agents.info(meta.agentId) : null;
    const plan = { id: record.id, meta, agent, size: { cols: 80, rows: 24 }, source: () => record };
    const terminal = await this.#enter(plan, 'a restart of the server');
    if (meta.clientId) this.#requests.set(meta.clientId, Promise.resolve(terminal.info()));
    this.#context.log.info('a terminal went on while the server was away', { id: record.id, name: meta.name });
    this.#onChange(terminal, false);
  }

  async #enter(plan: Plan, by: string): Promise<Terminal> {
    const { agent, meta } = plan;
    const directory = await realpath(meta.directory).catch(() => {
      throw noDirectory(meta.directory);
    });
    let isGone = false;
    // Entered before anything is waited for: should the directory be removed meanwhile, this terminal is named or closed.
    const leave = this.#agents.enterDirectory({
      label: `The terminal "${meta.name}"`,
      directory,
      agentId: agent?.id ?? null,
      get isOver() {
        return isGone;
      },
      close: async () => void await opening.then((terminal) => this.#removeById(terminal.id), () => {}),
    });
    const opening = this.#launch(plan, by);
    try {
      const terminal = await opening;
      void terminal.gone.then(() => isGone = true);
      this.#terminals.set(terminal.id, { terminal, meta, publishedAt: 0, removal: null, leave });
      return terminal;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Takes the agent's session, when the program is to go on with it, and starts the program. */
  async #launch({ id, meta, agent, size, source }: Plan, by: string): Promise<Terminal> {
    const { name, program, directory, createdAt } = meta;
    const { clock, config } = this.#context;
    const handed = agent && program !== 'shell' ? await this.#agents.handOverSession(agent.id, { id, name }, by) : null;
    const terminal: Terminal = new Terminal({
      id,
      name,
      agentId: agent?.id ?? null,
      command: program,
      directory,
      size,
      createdAt,
      clock,
      openHost: (events) =>
        this.#startHost({ dataDir: config.dataDir, id, clock, source: source(handed?.args ?? null), ...events }),
      onChange: (isActivity) => this.#onChange(terminal, isActivity),
    });
    void terminal.gone.then(() => handed?.release());
    try {
      await terminal.started;
    } catch (error) {
      const reason = (error as Error).message;
      throw new Failure('terminal_failed', `The terminal could not be started: ${reason}`, { params: { reason } });
    }
    if (this.#isClosed) await terminal.close(TERMINAL_CLOSE.restart, 'The server is going down.');
    return terminal;
  }

  #freeName(program: string): string {
    const names = new Set(this.list().map(({ name }) => name));
    for (let i = 1;; i++) {
      const name = i === 1 ? program : `${program} ${i}`;
      if (!names.has(name)) return name;
    }
  }

  async #removeById(id: string): Promise<void> {
    const retained = this.#terminals.get(id);
    if (retained) await this.#remove(retained, 'the deletion of its agent');
  }

  async #remove({ terminal, removal, leave }: Retained, by: string): Promise<void> {
    this.#context.clock.clearTimeout(removal);
    this.#terminals.delete(terminal.id);
    leave();
    this.#context.log.tagged('Audit').info('terminal closed', { id: terminal.id, by });
    this.#context.publish({ type: 'terminal.removed', id: terminal.id });
    await terminal.close(TERMINAL_CLOSE.gone, 'This terminal was closed.');
  }

  #onChange(terminal: Terminal, isActivity: boolean): void {
    const retained = this.#terminals.get(terminal.id);
    if (!retained) return;
    if (isActivity && this.#context.clock.monotonic() - retained.publishedAt < ACTIVITY_MS) return;
    this.#publish(terminal);
    if (!terminal.info().exited || retained.removal || this.#isClosed) return;
    retained.removal = this.#context.clock.setTimeout(() => void this.#remove(retained, 'time'), RETENTION_MS);
  }

  #publish(terminal: Terminal): void {
    const retained = this.#terminals.get(terminal.id);
    if (!retained) return;
    retained.publishedAt = this.#context.clock.monotonic();
    this.#context.publish({ type: 'terminal', terminal: terminal.info() });
  }
}

/** For tests: another look at whether a PTY can be had, and another way to start a terminal's process. */
export interface TerminalsOptions {
  probe?: () => Promise<Availability>;
  host?: typeof startHost;
}

export const createTerminals = (context: AgentContext, agents: Agents, options: TerminalsOptions = {}): Terminals =>
  new OpenTerminals(context, agents, options);
