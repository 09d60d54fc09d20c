/**
 * Agents that go on by themselves after a limit: each once, when its reset has passed and the CLI does not say otherwise. What is to
 * be done is on disk with the agents (state `waiting_limit`, the limit's end); the message has an id that follows from the limit, so
 * that it is given once, however often a server starts in between.
 */
import type { Timer } from '../../core/clock.ts';
import type { AgentInfo, ProviderName, ReachedLimit } from '../../core/api/agents.ts';
import type { LimitWindow } from '../../core/api/usage.ts';
import type { AgentContext } from '../context.ts';
import { SideBySide } from '../side-by-side.ts';
import { derivedId } from '../store/derived-id.ts';
import { WaitClock } from './wait-clock.ts';

/** Interval of the looks while an agent waits, ms. */
const LOOK_MS = 15_000;
/** Accounts reset a moment later than they say, ms. */
const MARGIN_MS = 30_000;
/** After a refusal of the disk or of another holder of the session, ms. */
const RETRY_MS = 5 * 60_000;

export const GO_ON_TEXT = 'The limit is over. Continue where you left off.';
const BY = 'Agent Monitor';

export interface GoOnOptions {
  context: AgentContext;
  agents: {
    list(): AgentInfo[];
    goOn(id: string, message: { text: string; clientId: string }, by: string): Promise<void>;
  };
  /** What the agent's account is known to have left; undefined: nothing is known. */
  meter(agent: AgentInfo): { windows: LimitWindow[]; at: number } | undefined;
  /** Asks the CLI now; null where it does not say. */
  readLimits(provider: ProviderName): Promise<LimitWindow[] | null>;
}

export class GoOn {
  readonly #options: GoOnOptions;
  readonly #waits: WaitClock;
  readonly #unsubscribe: () => void;
  #timer: Timer | null = null;
  /** Agents that are being gone on with. */
  readonly #tries = new SideBySide();
  /** Agents that could not go on, and when they are tried again, in monotonic time. */
  readonly #refused = new Map<string, number>();
  #isClosed = false;

  constructor(options: GoOnOptions) {
    const { context } = options;
    this.#options = options;
    this.#waits = new WaitClock(context.clock);
    this.#unsubscribe = context.subscribe((change) => {
      if (change.type === 'agent.patch' && ('state' in change.patch || 'goOn' in change.patch)) this.#schedule(0);
      if (change.type === 'agent.removed') this.#refused.delete(change.id);
    });
    this.#schedule(0);
  }

  #waiting(): AgentInfo[] {
    return this.#options.agents.list().filter(waitsToGoOn);
  }

  /** Nothing is looked at while nobody waits. */
  #schedule(ms: number): void {
    if (this.#isClosed || this.#timer !== null || !this.#waiting().length) return;
    this.#timer = this.#options.context.clock.setTimeout(() => {
      this.#timer = null;
      this.#look();
      this.#schedule(LOOK_MS);
    }, ms);
  }

  #look(): void {
    const waiting = this.#waiting();
    this.#waits.look(waiting.map((agent) => keyOf(agent.id, limitOf(agent))));
    const isOpen = new Map<ProviderName, Promise<boolean>>();
    // A CLI that does not answer holds up no agent of another one.
    for (const agent of waiting.filter((agent) => this.#isDue(agent))) {
      this.#tries.begin(agent.id, async () => {
        const { provider } = agent;
        if (!isOpen.has(provider)) isOpen.set(provider, this.#isOpen(provider));
        if (await isOpen.get(provider)) await this.#goOn(agent);
      });
    }
  }

  /** Its reset has passed, by a clock that is believed, and no other agent of the account was told of a later one. */
  #isDue(agent: AgentInfo): boolean {
    const { clock } = this.#options.context;
    const limit = limitOf(agent);
    if ((this.#refused.get(agent.id) ?? 0) > clock.monotonic()) return false;
    if (!this.#waits.isOver(keyOf(agent.id, limit), limit.resetsAt! + MARGIN_MS)) return false;
    const meter = this.#options.meter(agent);
    return !meter || meter.at <= limit.at || !isReached(meter.windows, clock.now());
  }

  /** Asked right before: an account that is not open yet is looked at again later. */
  async #isOpen(provider: ProviderName): Promise<boolean> {
    const windows = await this.#options.readLimits(provider).catch(() => null);
    return !windows || !isReached(windows, this.#options.context.clock.now());
  }

  async #goOn(agent: AgentInfo): Promise<void> {
    const { agents, context } = this.#options;
    // It may have been switched off, stopped or sent a message while the CLI was asked.
    const now = agents.list().find(({ id }) => id === agent.id);
    if (this.#isClosed || !now || !waitsToGoOn(now) || limitOf(now).at !== limitOf(agent).at) return;
    try {
      await agents.goOn(agent.id, { text: GO_ON_TEXT, clientId: keyOf(agent.id, limitOf(agent)) }, BY);
      this.#refused.delete(agent.id);
      context.log.info('an agent goes on after a limit', { agent: agent.id });
    } catch (error) {
      this.#refused.set(agent.id, context.clock.monotonic() + RETRY_MS);
      context.log.warn('an agent could not go on after a limit', { agent: agent.id, reason: String(error) });
    }
  }

  /** Begins nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#options.context.clock.clearTimeout(this.#timer);
    await this.#tries.settled();
  }
}

const waitsToGoOn = ({ state, goOn, limit }: AgentInfo): boolean =>
  state === 'waiting_limit' && goOn === true && !!limit && limit.resetsAt !== null && !limit.isStuck;

const limitOf = ({ limit }: AgentInfo): ReachedLimit => limit!;

const isReached = (windows: readonly LimitWindow[], now: number): boolean =>
  windows.some(({ isReached, resetsAt }) => isReached && (resetsAt === null || resetsAt > now));

/** The id of the message: the same for the same limit of the same agent. */
export const keyOf = (agent: string, { at }: ReachedLimit): string => derivedId(`go on ${agent} ${at}`);
