/** Turns changes of agents and reports of the pipeline into notices for the people who want them. */
import type { Clock, Timer } from '../../core/clock.ts';
import type { LiveChange } from '../../core/api/live.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { deskChat } from '../../core/api/handoff.ts';
import type { LimitState, RequestMessage } from '../../core/api/messages.ts';
import type { NotifyEvent, NotifyLevel, NotifySettings } from '../../core/api/notify.ts';
import type { DeskNews } from '../hooks/hook-calls.ts';
import type { PipelineReport } from '../pipeline/runner.ts';
import type { Worded } from '../../core/api/push.ts';
import type { AgentContext } from '../context.ts';
import type { Agents } from '../session/agents.ts';
import type { DeliveryQueue } from './delivery-queue.ts';
import type { Recipient } from './delivery-state.ts';
import {
  failedNotice,
  finishedNotice,
  limitNotice,
  pipelineNotice,
  requestNotice,
  settledText,
  type Unaddressed,
} from './notices.ts';
import { quietUntil } from './quiet-hours.ts';

/** Fields of an agent that can lead to a notice. */
const DECIDING = ['state', 'stateReason', 'stateSince', 'pending'] as const;
/** Limits whose end is waited for, and the longest such wait, ms: a week's limit and a day. */
const MAX_LIMITS = 20;
const MAX_LIMIT_MS = 8 * 24 * 3_600_000;

const NONE: ReadonlySet<string> = new Set();
const nameOf = ({ agent, request }: { agent: string; request: string }): string => `${agent} ${request}`;

type Contacts = Pick<NotifySettings, 'adminEmail' | 'whatsappPhone' | 'slackWebhookUrl'>;

/** Told beside the channels; what it shows of a request is taken back when the request needs no answer any more. */
export interface NoticeListener {
  /** @param isQuiet nothing is to ring; the same request is told again when the quiet hours are over */
  request?(agent: AgentInfo, message: RequestMessage, isQuiet: boolean): void;
  notice?(notice: Omit<Unaddressed, 'path'>, isQuiet: boolean): void;
  /** The request needs no answer (any more). `text`: what became of it, in a line. */
  settled(agentId: string, requestId: string, text: string, words?: Worded): void;
  /** Requests that it still shows, also of an earlier run. */
  shown(): { agent: string; request: string }[];
}

export interface NotifierOptions {
  context: AgentContext;
  /** With the sessions at the desk. */
  agents: Pick<Agents, 'list' | 'message'>;
  deliveries: DeliveryQueue;
  listeners?: NoticeListener[];
  settings(): NotifySettings;
  /** What was chosen for this agent. */
  level?(agent: string): NotifyLevel;
  onRemoved?(agent: string): void;
  /** The pipeline reports it when this agent fails: its task is not over. */
  isReported(agent: AgentInfo): boolean;
  /** Recipients of the pipeline's reports; an empty one falls back on the settings. */
  pipelineContacts(): Contacts;
  /** What stands before a page's path in a link, `https://…/#`; empty: not known. */
  linkBase(): string;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #clock: Clock;
  readonly #unsubscribe: () => void;
  /** Agent id → its pending requests, each with the timer that notifies about it; null: done. */
  readonly #pending = new Map<string, Map<string, Timer | null>>();
  /** Agent id → the last state seen, so that a repetition is not taken for a change. */
  readonly #states = new Map<string, string>();
  /** Provider and end of a limit → the timer of its end. */
  readonly #limits = new Map<string, Timer>();

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#clock = options.context.clock;
    for (const agent of options.agents.list()) {
      this.#see(agent);
      const end = agent.state === 'waiting_limit' ? agent.limit?.resetsAt : null;
      // What waits for nothing any more would be told of again at each start.
      if (end && (end > this.#clock.now() || agent.goOn)) this.#awaitEnd(agent, end);
    }
    this.#unsubscribe = options.context.subscribe((change) => this.#onChange(change));
    this.#settleOld();
    this.#takeUp();
  }

  /** Requests that an earlier run has left open: they are told if it ended before, and shown nobody a second time. */
  #takeUp(): void {
    const { agents, listeners = [] } = this.#options;
    const shown = new Set(listeners.flatMap((listener) => listener.shown()).map(nameOf));
    for (const { id, pending } of agents.list()) this.#watchRequests(id, pending, shown);
  }

  /** Requests that were told before this start and need no answer now. */
  #settleOld(): void {
    const { listeners = [], deliveries } = this.#options;
    for (const { agent, request } of [...listeners.flatMap((listener) => listener.shown()), ...deliveries.requests()]) {
      if (!this.#find(agent)?.pending.includes(request)) this.#settle(agent, request);
    }
  }

  /** What stands before a page's path in a link; empty: not known. */
  get linkBase(): string {
    return this.#options.linkBase();
  }

  close(): void {
    this.#unsubscribe();
    for (const timers of this.#pending.values()) {
      for (const timer of timers.values()) this.#clock.clearTimeout(timer);
    }
    this.#pending.clear();
    for (const timer of this.#limits.values()) this.#clock.clearTimeout(timer);
    this.#limits.clear();
  }

  /** Remembers the state; returns whether it is another one than before. */
  #see({ id, state, stateReason, stateSince }: AgentInfo): boolean {
    const now = `${state} ${stateReason} ${stateSince}`;
    const isNew = this.#states.get(id) !== now;
    this.#states.set(id, now);
    return isNew;
  }

  #onChange(change: LiveChange): void {
    switch (change.type) {
      case 'agent.removed':
        this.#states.delete(change.id);
        this.#options.onRemoved?.(change.id);
        return this.#watchRequests(change.id, []);
      case 'handoff':
        return this.#watchRequests(deskChat(change.session.id), change.session.pending ?? []);
      case 'handoff.removed':
        return this.#watchRequests(deskChat(change.id), []);
      case 'agent':
        return this.#onAgent(change.agent.id);
      case 'agent.patch':
        // Most patches only change the counters of a stream.
        if (DECIDING.some((field) => field in change.patch)) this.#onAgent(change.id);
        return;
      case 'message':
        if (change.message.kind === 'notice') this.#onLimit(change.agent, change.message.limit, change.message.text);
        return;
      case 'message.patch':
        return this.#onLimit(change.agent, change.patch.limit as LimitState | undefined, String(change.patch.text));
    }
  }

  #onAgent(id: string): void {
    const agent = this.#find(id);
    if (!agent) return;
    this.#watchRequests(agent.id, agent.pending);
    if (!this.#see(agent)) return;
    if (agent.state === 'error' && !this.#options.isReported(agent)) {
      this.#notify(`failed ${id} ${agent.stateSince}`, agent, failedNotice(agent));
    }
    if (agent.state === 'idle' && agent.stateReason === 'done') {
      this.#notify(`finished ${id} ${agent.stateSince}`, agent, finishedNotice(agent));
    }
  }

  /** A session at the desk has said something that asks nothing here. */
  deskNews({ session, event, text }: DeskNews): void {
    const agent = this.#find(deskChat(session));
    if (!agent) return;
    const notice = event === 'waits' ? requestNotice(agent, null) : finishedNotice({ ...agent, preview: text });
    this.#notify(`${event} ${agent.id} ${this.#clock.now()}`, agent, notice);
  }

  #find = (id: string) => this.#options.agents.list().find((agent) => agent.id === id);

  /** Notifies about a request after the delay: one that somebody answers at the dashboard before that needs no notice. */
  #watchRequests(agentId: string, pending: readonly string[], shown: ReadonlySet<string> = NONE): void {
    const known = this.#pending.get(agentId) ?? new Map<string, Timer | null>();
    for (const [requestId, timer] of known) {
      if (pending.includes(requestId)) continue;
      this.#clock.clearTimeout(timer);
      known.delete(requestId);
      this.#settle(agentId, requestId);
    }
    for (const requestId of pending) {
      if (known.has(requestId)) continue;
      const isShown = shown.has(nameOf({ agent: agentId, request: requestId }));
      const notify = () => this.#notifyRequest(agentId, requestId, isShown);
      known.set(requestId, this.#clock.setTimeout(notify, this.#options.settings().delaySeconds * 1000));
    }
    if (known.size) this.#pending.set(agentId, known);
    else this.#pending.delete(agentId);
  }

  #settle(agentId: string, requestId: string): void {
    const { text, words } = settledText(this.#request(agentId, requestId));
    for (const listener of this.#options.listeners ?? []) listener.settled(agentId, requestId, text, words);
    this.#options.deliveries.withdraw(`request ${agentId} ${requestId}`);
  }

  /** In the quiet hours it is shown without a sound, and told to everybody when they are over. */
  #notifyRequest(agentId: string, requestId: string, isShown = false): void {
    const agent = this.#find(agentId);
    if (!agent || !this.#wants(agent, 'needs_input')) return;
    const request = this.#request(agent.id, requestId);
    const until = this.#quietUntil();
    if (request && !isShown) {
      for (const listener of this.#options.listeners ?? []) listener.request?.(agent, request, until !== null);
    }
    if (until === null) {
      this.#pending.get(agentId)?.set(requestId, null);
      return this.#deliver(`request ${agent.id} ${requestId}`, agent, requestNotice(agent, request));
    }
    const again = this.#clock.setTimeout(() => this.#notifyRequest(agentId, requestId), until - this.#clock.now());
    this.#pending.get(agentId)?.set(requestId, again);
  }

  #request(agentId: string, requestId: string): RequestMessage | null {
    if (!this.#find(agentId)) return null;
    const message = this.#options.agents.message(agentId, requestId);
    return message?.kind === 'request' ? message : null;
  }

  /** A limit concerns every agent of its provider and is told once, and once more when it is over. */
  #onLimit(agentId: string, limit: LimitState | undefined, text: string): void {
    const agent = limit?.isReached ? this.#find(agentId) : undefined;
    if (!agent) return;
    const end = limit?.resetsAt ?? null;
    const name = `${agent.provider} ${end ?? `${agent.id} ${agent.stateSince}`}`;
    if (this.#limits.has(name)) return;
    this.#notify(`limit ${name}`, agent, limitNotice(agent, true, text));
    if (end !== null && end > this.#clock.now()) this.#awaitEnd(agent, end);
  }

  /** Also of a limit that was reached under an earlier server, whose end may have come meanwhile. */
  #awaitEnd(agent: AgentInfo, end: number): void {
    const name = `${agent.provider} ${end}`;
    const wait = Math.max(0, end - this.#clock.now());
    if (wait > MAX_LIMIT_MS || this.#limits.has(name) || this.#limits.size >= MAX_LIMITS) return;
    const over = () => {
      this.#limits.delete(name);
      this.#notify(`limit-over ${name}`, agent, limitNotice(agent, false, 'Agents that waited for it can go on.'));
    };
    this.#limits.set(name, this.#clock.setTimeout(over, wait));
  }

  /** Notifies about a report of the pipeline's runner. */
  report(report: PipelineReport): void {
    const { key, notice } = pipelineNotice(report, this.#clock.now());
    if (!this.#options.settings().events[notice.event as NotifyEvent]) return;
    this.#publishNotice(notice);
    this.#deliver(key, this.#options.pipelineContacts(), notice);
  }

  /** As it was chosen for the agent, else as the settings say. */
  #wants({ id }: AgentInfo, event: NotifyEvent): boolean {
    switch (this.#options.level?.(id) ?? 'default') {
      case 'default':
        return this.#options.settings().events[event];
      case 'requests':
        return event === 'needs_input';
      case 'all':
        return true;
      case 'nothing':
        return false;
    }
  }

  #notify(key: string, agent: AgentInfo, notice: Unaddressed): void {
    if (!this.#wants(agent, notice.event as NotifyEvent)) return;
    this.#publishNotice(notice);
    this.#deliver(key, agent, notice);
  }

  #publishNotice({ path: _, ...notice }: Unaddressed): void {
    const isQuiet = this.#quietUntil() !== null;
    for (const listener of this.#options.listeners ?? []) listener.notice?.(notice, isQuiet);
  }

  #deliver(key: string, contacts: Contacts, { path, words: _, ...notice }: Unaddressed): void {
    const { linkBase } = this;
    const link = linkBase && `${linkBase}${path}`;
    this.#options.deliveries.deliver(key, { ...notice, link }, this.recipients(contacts), this.#quietUntil() ?? 0);
  }

  #quietUntil(): number | null {
    return quietUntil(this.#options.settings().quietHours, this.#clock.now());
  }

  /** One recipient for each channel that has an address: that of `contacts`, else that of the settings. */
  recipients(contacts: Contacts): Recipient[] {
    const settings = this.#options.settings();
    const slack = contacts.slackWebhookUrl || settings.slackWebhookUrl || this.#options.context.config.slackWebhookUrl;
    const all: Recipient[] = [
      { channel: 'email', to: contacts.adminEmail || settings.adminEmail },
      { channel: 'whatsapp', to: contacts.whatsappPhone || settings.whatsappPhone },
      { channel: 'slack', to: slack },
      { channel: 'ntfy', to: settings.ntfyUrl },
      { channel: 'telegram', to: settings.telegramChat },
      { channel: 'webhook', to: settings.webhookUrl },
    ];
    return all.filter(({ to }) => to !== '');
  }
}
