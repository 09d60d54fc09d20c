/** Waits for agents over the live feed; what is cut is asked for again. */
import type { AgentInfo } from '../../core/api/agents.ts';
import type { LiveChange, LiveSnapshot } from '../../core/api/live.ts';
import type { Message } from '../../core/api/messages.ts';
import { type Clock, systemClock, type Timer } from '../../core/clock.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Api } from './api.ts';
import { Live } from './live.ts';
import { printableLine } from './printable.ts';
import { type Outcome, outcomeOf } from './settled.ts';

/** Agents that one command waits for: as many as one client may watch. */
const MAX_AGENTS = 200;
/** Newest messages that say whether a turn is still to come. */
const PAGE = 50;
/** An agent that rests without a turn after its last message has failed to begin one, after so long, ms. */
const GRACE_MS = 3_000;

export interface WaitOptions {
  /** null: for ever. */
  timeoutMs: number | null;
  /** An agent that needs a person is waited for, too. */
  isPersonAwaited: boolean;
  onAway?(reason: string): void;
  clock?: Clock;
}

export interface WaitResult {
  info: AgentInfo;
  /** `busy`: the time ran out. */
  outcome: Outcome;
}

/** @returns one result an agent, in order. Rejects when one is deleted meanwhile */
export async function waitFor(api: Api, agents: readonly AgentInfo[], options: WaitOptions): Promise<WaitResult[]> {
  if (agents.length > MAX_AGENTS) throw new CommandError(`At most ${MAX_AGENTS} agents are waited for.`, EXIT.usage);
  if (!agents.length) return [];
  return await new Waiter(api, agents, options).run();
}

class Waiter {
  readonly #options: WaitOptions;
  readonly #clock: Clock;
  readonly #live: Live;
  readonly #agents = new Map<string, WatchedAgent>();
  #timer: Timer | null = null;

  constructor(api: Api, agents: readonly AgentInfo[], options: WaitOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    for (const info of agents) this.#agents.set(info.id, new WatchedAgent(info, this.#clock, () => this.#check()));
    this.#live = new Live(api, {
      onSnapshot: (snapshot) => this.#onSnapshot(snapshot),
      onChange: (change) => this.#onChange(change),
      onMessages: ({ agent, messages }) => this.#agents.get(agent)?.setMessages(messages),
      onAway: (reason) => {
        for (const agent of this.#agents.values()) agent.forget();
        options.onAway?.(reason);
      },
    });
  }

  async run(): Promise<WaitResult[]> {
    const { timeoutMs } = this.#options;
    if (timeoutMs !== null) this.#timer = this.#clock.setTimeout(() => this.#live.stop(), timeoutMs);
    try {
      await this.#live.run();
      return [...this.#agents.values()].map(({ info, outcome }) => ({ info, outcome }));
    } finally {
      this.#clock.clearTimeout(this.#timer);
      for (const agent of this.#agents.values()) agent.close();
    }
  }

  #onSnapshot({ agents }: LiveSnapshot): void {
    const present = new Map(agents.map((info) => [info.id, info]));
    for (const [id, agent] of this.#agents) {
      const info = present.get(id);
      if (!info) throw gone(agent.info);
      agent.info = info;
      this.#live.send({ type: 'watch', agent: id, limit: PAGE });
    }
  }

  #onChange(change: LiveChange): void {
    switch (change.type) {
      case 'agent':
        return this.#agents.get(change.agent.id)?.patch(change.agent);
      case 'agent.patch':
        return this.#agents.get(change.id)?.patch(change.patch);
      case 'agent.removed': {
        const agent = this.#agents.get(change.id);
        if (agent) throw gone(agent.info);
        return;
      }
      case 'message':
        return this.#agents.get(change.agent)?.addMessage(change.message);
      case 'message.patch':
        return this.#agents.get(change.agent)?.patchMessage(change.id, change.patch);
      default:
        return;
    }
  }

  #check(): void {
    const isOver = ({ outcome }: WatchedAgent) =>
      outcome !== 'busy' && !(outcome === 'needs_you' && this.#options.isPersonAwaited);
    if ([...this.#agents.values()].every(isOver)) this.#live.stop();
  }
}

/** What decides about one agent. */
class WatchedAgent {
  info: AgentInfo;
  outcome: Outcome = 'busy';
  readonly #clock: Clock;
  readonly #onOutcome: () => void;
  /** Prompts and ends of turns, by id; null: not known since the connection was lost. */
  #messages: Map<string, Message> | null = null;
  #timer: Timer | null = null;

  constructor(info: AgentInfo, clock: Clock, onOutcome: () => void) {
    this.info = info;
    this.#clock = clock;
    this.#onOutcome = onOutcome;
  }

  patch(patch: Partial<AgentInfo>): void {
    this.info = { ...this.info, ...patch };
    this.#decide();
  }

  setMessages(messages: readonly Message[]): void {
    this.#messages = new Map(messages.filter(isTurnMark).map((message) => [message.id, message]));
    this.#decide();
  }

  addMessage(message: Message): void {
    if (!isTurnMark(message) || !this.#messages) return;
    this.#messages.set(message.id, message);
    if (this.#messages.size > 2 * PAGE) this.#messages.delete(this.#messages.keys().next().value!);
    this.#decide();
  }

  patchMessage(id: string, patch: Record<string, unknown>): void {
    const message = this.#messages?.get(id);
    if (!message) return;
    this.#messages!.set(id, { ...message, ...patch } as Message);
    this.#decide();
  }

  /** What is known may be stale. */
  forget(): void {
    this.#messages = null;
    this.close();
    this.outcome = 'busy';
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #decide(): void {
    if (!this.#messages) return;
    const { outcome, isSure } = outcomeOf(this.info, [...this.#messages.values()]);
    if (isSure) return this.#settle(outcome);
    this.outcome = 'busy';
    this.#timer ??= this.#clock.setTimeout(() => this.#settle(outcomeOf(this.info, []).outcome), GRACE_MS);
  }

  #settle(outcome: Outcome): void {
    this.close();
    this.outcome = outcome;
    this.#onOutcome();
  }
}

const isTurnMark = ({ kind }: Message): boolean => kind === 'user' || kind === 'turn';

const gone = ({ name }: AgentInfo): CommandError =>
  new CommandError(`The agent "${printableLine(name)}" was deleted.`, EXIT.notFound);
