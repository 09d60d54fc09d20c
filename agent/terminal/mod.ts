/** The terminals of this machine and their routes. See core/wire/TERMINAL.md. */
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import type { Timer } from '../../core/clock.ts';
import { readJson } from '../../core/http/body.ts';
import { HttpError, json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { HttpRequest, HttpResponse } from '../../core/http/types.ts';
import { accept } from '../../core/websocket/mod.ts';
import {
  clampSize,
  type CreateTerminalBody,
  NAME_LIMIT,
  parseCreateTerminal,
  parseHello,
  TERMINAL_CHUNK,
  TERMINAL_CLOSE,
} from '../../core/wire/terminal.ts';
import type { AgentInfo, TerminalInfo } from '../../core/wire/types.ts';
import { parseField, text, WireError } from '../../core/wire/validate.ts';
import { whoAsks } from '../api/agents.ts';
import type { Agents, House } from '../rooms.ts';
import { type Availability, probePty, SWITCHED_OFF } from './available.ts';
import { terminalCommand, terminalEnvironment, terminalFolder } from './launch.ts';
import { startHost } from './process.ts';
import { Terminal } from './terminal.ts';

/** Terminals open at once, ended ones included. */
export const TERMINAL_LIMIT = 24;
/** Connections to one terminal. */
export const VIEWER_LIMIT = 32;
/** How long an ended terminal can still be looked at, ms. */
export const ENDED_KEPT_MS = 60 * 60_000;
/** Output alone is told to the dashboards at most this often, ms. */
const ACTIVITY_MS = 10_000;
const HEARTBEAT = { pingMs: 15_000, deadMs: 45_000 };
/** Ids of create requests that are remembered. */
const REQUESTS_KEPT = 100;

export interface Terminals {
  routes(router: Router): void;
  list(): TerminalInfo[];
  availability(): Availability;
  /** Ends every program. */
  close(): Promise<void>;
}

interface Kept {
  terminal: Terminal;
  /** When the dashboards were told of it last, monotonic. */
  toldAt: number;
  /** Runs once it has ended. */
  removal: Timer | null;
}

class Room implements Terminals {
  readonly #house: House;
  readonly #agents: Agents;
  readonly #terminals = new Map<string, Kept>();
  /** Create requests by the id that the client made. */
  readonly #requests = new Map<string, Promise<TerminalInfo>>();
  readonly #probed: Promise<void>;
  #availability: Availability = { available: false, text: 'Whether terminals work here is being looked up.' };
  #starting = 0;
  #isClosed = false;

  constructor(house: House, agents: Agents, probe: () => Promise<Availability>) {
    this.#house = house;
    this.#agents = agents;
    if (!house.config.terminal) this.#availability = SWITCHED_OFF;
    this.#probed = house.config.terminal
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
    for (const { removal } of all) this.#house.clock.clearTimeout(removal);
    await Promise.all(all.map(({ terminal }) => terminal.close(TERMINAL_CLOSE.restart, 'The server is going down.')));
  }

  routes(router: Router): void {
    router.get('/api/terminals', async (_req, res) => {
      await this.#probed;
      json(res, 200, { terminals: this.list(), ...this.#availability });
    });
    router.post('/api/terminals', async (req, res) => {
      json(res, 201, await this.#create(await body(req, parseCreateTerminal), whoAsks(req)));
    });
    router.get('/api/terminals/:id', (_req, res, { params }) => json(res, 200, this.#get(params.id!).terminal.info()));
    router.delete('/api/terminals/:id', async (req, res, { params }) => {
      await this.#remove(this.#get(params.id!), whoAsks(req));
      json(res, 200, { ok: true });
    });
    router.post('/api/terminals/:id/rename', async (req, res, { params }) => {
      const name = await body(req, (value) => parseField(value, 'name', text(NAME_LIMIT, true)));
      const { terminal } = this.#get(params.id!);
      terminal.name = name.trim();
      this.#publish(terminal);
      json(res, 200, terminal.info());
    });
    router.get('/api/terminals/:id/socket', (req, res, { params, query }) => this.#serve(req, res, params.id!, query));
  }

  #get(id: string): Kept {
    const kept = this.#terminals.get(id);
    if (kept) return kept;
    throw new HttpError(404, 'no_terminal', 'There is no such terminal (any more).');
  }

  /** Repeating a request with the same clientId gives the same terminal. */
  #create(body: CreateTerminalBody, by: string): Promise<TerminalInfo> {
    const { clientId } = body;
    if (!clientId) return this.#open(body, by);
    const known = this.#requests.get(clientId);
    if (known) return known;
    const made = this.#open(body, by);
    this.#requests.set(clientId, made);
    if (this.#requests.size > REQUESTS_KEPT) this.#requests.delete(this.#requests.keys().next().value!);
    made.catch(() => this.#requests.delete(clientId)); // a failed one may be tried again
    return made;
  }

  async #open(body: CreateTerminalBody, by: string): Promise<TerminalInfo> {
    await this.#probed;
    if (!this.#availability.available) throw new HttpError(503, 'no_terminals', this.#availability.text);
    if (this.#terminals.size + this.#starting >= TERMINAL_LIMIT) {
      throw new HttpError(409, 'too_many_terminals', `${TERMINAL_LIMIT} terminals are open: close one first.`);
    }
    this.#starting++;
    try {
      return await this.#start(body, by);
    } finally {
      this.#starting--;
    }
  }

  async #start(body: CreateTerminalBody, by: string): Promise<TerminalInfo> {
    const { config, clock, log } = this.#house;
    const { command: program = 'shell' } = body;
    const agent = body.agentId ? this.#agents.info(body.agentId) : null;
    const command = terminalCommand(program, agent, config);
    const cwd = await terminalFolder(body.directory, agent, config);
    if (agent && program !== 'shell') await this.#handOver(agent, by);
    const terminal: Terminal = new Terminal({
      id: randomUUID(),
      name: body.name?.trim() || this.#freeName(program),
      agentId: agent?.id ?? null,
      command: program,
      launch: {
        ...command,
        cwd,
        env: terminalEnvironment(process.env),
        ...clampSize(body.cols ?? 80, body.rows ?? 24),
      },
      clock,
      startHost,
      onChange: (isActivity) => this.#onChange(terminal, isActivity),
    });
    try {
      await terminal.started;
    } catch (error) {
      throw new HttpError(500, 'terminal_failed', `The terminal could not be started: ${(error as Error).message}`);
    }
    if (this.#isClosed) await terminal.close(TERMINAL_CLOSE.restart, 'The server is going down.');
    this.#terminals.set(terminal.id, { terminal, toldAt: 0, removal: null });
    log.tagged('Audit').info('terminal opened', { id: terminal.id, command: program, directory: cwd, by });
    this.#publish(terminal);
    return terminal.info();
  }

  /** A session has one program at a time: an agent at rest lets go of its own, its next message takes it up again. */
  async #handOver(agent: AgentInfo, by: string): Promise<void> {
    if (agent.state === 'idle') return void await this.#agents.stop(agent.id, by);
    if (agent.state === 'stopped' || agent.state === 'error') return;
    throw new HttpError(
      409,
      'agent_busy',
      `"${agent.name}" is at work in this session. Stop it first, or open a shell in its folder.`,
    );
  }

  #freeName(program: string): string {
    const names = new Set(this.list().map(({ name }) => name));
    for (let i = 1;; i++) {
      const name = i === 1 ? program : `${program} ${i}`;
      if (!names.has(name)) return name;
    }
  }

  async #remove({ terminal, removal }: Kept, by: string): Promise<void> {
    this.#house.clock.clearTimeout(removal);
    this.#terminals.delete(terminal.id);
    this.#house.log.tagged('Audit').info('terminal closed', { id: terminal.id, by });
    this.#house.publish({ type: 'terminal.removed', id: terminal.id });
    await terminal.close(TERMINAL_CLOSE.gone, 'This terminal was closed.');
  }

  #onChange(terminal: Terminal, isActivity: boolean): void {
    const kept = this.#terminals.get(terminal.id);
    if (!kept) return;
    if (isActivity && this.#house.clock.monotonic() - kept.toldAt < ACTIVITY_MS) return;
    this.#publish(terminal);
    if (!terminal.info().exited || kept.removal || this.#isClosed) return;
    kept.removal = this.#house.clock.setTimeout(() => void this.#remove(kept, 'time'), ENDED_KEPT_MS);
  }

  #publish(terminal: Terminal): void {
    const kept = this.#terminals.get(terminal.id);
    if (!kept) return;
    kept.toldAt = this.#house.clock.monotonic();
    this.#house.publish({ type: 'terminal', terminal: terminal.info() });
  }

  #serve(req: HttpRequest, res: HttpResponse, id: string, query: URLSearchParams): void {
    const { terminal } = this.#get(id);
    if (terminal.info().viewers >= VIEWER_LIMIT) {
      throw new HttpError(503, 'too_many_viewers', 'Too many pages show this terminal.');
    }
    const hello = parseHello(query);
    if (!hello) throw new HttpError(400, 'bad_hello', 'This page is of another version: load it again.');
    const socket = accept(req, res, {
      limits: { message: 2 * TERMINAL_CHUNK },
      heartbeat: HEARTBEAT,
      clock: this.#house.clock,
    });
    if (!socket) return;
    const viewer = terminal.attach(socket, hello);
    socket.onmessage = (data) => viewer.message(data);
    socket.ondrain = () => viewer.drained();
    socket.onclose = () => viewer.closed();
  }
}

async function body<T>(req: HttpRequest, parse: (value: unknown) => T): Promise<T> {
  const value = await readJson(req);
  try {
    return parse(value);
  } catch (error) {
    throw error instanceof WireError ? new HttpError(400, 'bad_request', error.message) : error;
  }
}

/** @param probe looks whether a PTY can be had; another one in tests */
export const createTerminals = (
  house: House,
  agents: Agents,
  probe: () => Promise<Availability> = probePty,
): Terminals => new Room(house, agents, probe);
