/** Turns what happens to agents and pipelines into notices for the people who want them. */
import type { Clock, Timer } from '../../core/clock.ts';
import type { LiveChange } from '../../core/wire/live.ts';
import type { AgentInfo, RequestMessage } from '../../core/wire/types.ts';
import type { NotifyEvent, NotifySettings } from '../../core/wire/workshop.ts';
import { countTasks } from '../pipeline/plan.ts';
import type { PipelineReport } from '../pipeline/runner.ts';
import type { Agents, House } from '../rooms.ts';
import type { Outbox, Recipient } from './outbox.ts';
import { clip, type Notice } from './sender.ts';

/** Fields of an agent that can lead to a notice. */
const DECIDING = ['state', 'stateReason', 'stateSince', 'pending'] as const;
/** Characters of what an agent asks or said. */
const DETAIL_LENGTH = 600;

type Contacts = Pick<NotifySettings, 'adminEmail' | 'whatsappPhone' | 'slackWebhookUrl'>;

export interface NotifierOptions {
  house: House;
  agents: Agents;
  outbox: Outbox;
  settings(): NotifySettings;
  /** Of the pipeline's reports; what is empty falls back on the settings. */
  pipelineContacts(): Contacts;
  /** Address of the dashboard, without a slash at the end; empty: not known. */
  address(): string;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #clock: Clock;
  readonly #unsubscribe: () => void;
  /** Agent id → its pending requests, each with the timer that tells it. */
  readonly #pending = new Map<string, Map<string, Timer>>();
  /** Agent id → the last state that was seen, to tell a change from a repetition. */
  readonly #states = new Map<string, string>();

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#clock = options.house.clock;
    for (const agent of options.agents.list()) this.#see(agent);
    this.#unsubscribe = options.agents.subscribe((change) => this.#onChange(change));
  }

  /** Of the dashboard; empty: not known. */
  get address(): string {
    return this.#options.address();
  }

  close(): void {
    this.#unsubscribe();
    for (const id of [...this.#pending.keys()]) this.#watchRequests(id, []);
  }

  /** Remembers the state; gives whether it is a new one. */
  #see({ id, state, stateReason, stateSince }: AgentInfo): boolean {
    const now = `${state} ${stateReason} ${stateSince}`;
    const isNew = this.#states.get(id) !== now;
    this.#states.set(id, now);
    return isNew;
  }

  #onChange(change: LiveChange): void {
    if (change.type === 'agent.removed') {
      this.#states.delete(change.id);
      return this.#watchRequests(change.id, []);
    }
    if (change.type !== 'agent' && change.type !== 'agent.patch') return;
    // Most patches are a stream's counters.
    if (change.type === 'agent.patch' && !DECIDING.some((field) => field in change.patch)) return;
    const agent = this.#find(change.type === 'agent' ? change.agent.id : change.id);
    if (!agent) return;
    this.#watchRequests(agent.id, agent.pending);
    if (!this.#see(agent)) return;
    if (agent.state === 'error' && !agent.taskId) this.#tellFailed(agent);
    if (agent.state === 'idle' && agent.stateReason === 'done') this.#tellFinished(agent);
  }

  #find = (id: string) => this.#options.agents.list().find((agent) => agent.id === id);

  /** A request that is answered at once, by somebody at the dashboard, is nobody else's business. */
  #watchRequests(agentId: string, pending: readonly string[]): void {
    const known = this.#pending.get(agentId) ?? new Map<string, Timer>();
    for (const [requestId, timer] of known) {
      if (pending.includes(requestId)) continue;
      this.#clock.clearTimeout(timer);
      known.delete(requestId);
    }
    for (const requestId of pending) {
      if (known.has(requestId)) continue;
      const tell = () => this.#tellRequest(agentId, requestId);
      known.set(requestId, this.#clock.setTimeout(tell, this.#options.settings().delaySeconds * 1000));
    }
    if (known.size) this.#pending.set(agentId, known);
    else this.#pending.delete(agentId);
  }

  #tellRequest(agentId: string, requestId: string): void {
    const agent = this.#find(agentId);
    if (!agent) return;
    const message = this.#options.agents.message(agent.id, requestId);
    const asks = message?.kind === 'request' ? message : null;
    this.#tell('needs_input', `request ${agent.id} ${requestId}`, agent, {
      title: `${agent.name} ${asks ? verb(asks) : 'waits for you'}`,
      text: clip(asks ? question(asks) : '', DETAIL_LENGTH),
    });
  }

  #tellFailed(agent: AgentInfo): void {
    this.#tell('failed', `failed ${agent.id} ${agent.stateSince}`, agent, {
      title: `${agent.name} failed`,
      text: clip(agent.stateText, DETAIL_LENGTH),
    });
  }

  #tellFinished(agent: AgentInfo): void {
    this.#tell('agent_finished', `finished ${agent.id} ${agent.stateSince}`, agent, {
      title: `${agent.name} is done`,
      text: clip(agent.preview, DETAIL_LENGTH),
    });
  }

  /** What the pipeline's runner reports. */
  report(report: PipelineReport): void {
    const link = this.#link('/tasks');
    switch (report.type) {
      case 'failed': {
        const { id, name, error, attempts } = report.task;
        const notice = { title: `Task "${name}" failed`, text: clip(error, DETAIL_LENGTH), link };
        return this.#tellPipeline('failed', `task ${id} ${attempts}`, notice);
      }
      case 'stuck': {
        const { agent, since, task } = report;
        const minutes = Math.round((this.#clock.now() - since) / 60_000);
        return this.#tellPipeline('stuck', `stuck ${agent.id} ${since}`, {
          title: `Task "${task.name}" is stuck`,
          text: agent.state === 'waiting_input'
            ? `Its agent has waited for you for ${minutes} min.`
            : `Its agent has shown no sign of life for ${minutes} min.`,
          link: this.#link(`/agents/${encodeURIComponent(agent.id)}`),
        });
      }
      case 'complete': {
        const counts = countTasks(report.tasks);
        const parts = [
          `${counts.completed} completed`,
          counts.failed && `${counts.failed} failed`,
          counts.skipped && `${counts.skipped} skipped`,
        ];
        const title = counts.failed ? 'The pipeline ended with failures' : 'The pipeline is complete';
        return this.#tellPipeline('pipeline_complete', `complete ${report.startedAt}`, {
          title,
          text: parts.filter(Boolean).join(', '),
          link,
        });
      }
    }
  }

  #tellPipeline(event: NotifyEvent, key: string, notice: Notice): void {
    const settings = this.#options.settings();
    if (settings.events[event]) {
      this.#options.outbox.tell(key, notice, this.recipients(this.#options.pipelineContacts()));
    }
  }

  #tell(event: NotifyEvent, key: string, agent: AgentInfo, notice: Omit<Notice, 'link'>): void {
    if (!this.#options.settings().events[event]) return;
    const link = this.#link(`/agents/${encodeURIComponent(agent.id)}`);
    this.#options.outbox.tell(key, { ...notice, link }, this.recipients(agent));
  }

  /** Everyone who is to be told, by each channel that has an address: the given one, else the one of the settings. */
  recipients(contacts: Contacts): Recipient[] {
    const settings = this.#options.settings();
    const slack = contacts.slackWebhookUrl || settings.slackWebhookUrl || this.#options.house.config.slackWebhookUrl;
    const all: Recipient[] = [
      { channel: 'email', to: contacts.adminEmail || settings.adminEmail },
      { channel: 'whatsapp', to: contacts.whatsappPhone || settings.whatsappPhone },
      { channel: 'slack', to: slack },
    ];
    return all.filter(({ to }) => to !== '');
  }

  #link = (path: string) => {
    const address = this.#options.address();
    return address && `${address}/#${path}`;
  };
}

function verb({ request }: RequestMessage): string {
  switch (request) {
    case 'permission':
      return 'asks for permission';
    case 'question':
      return 'has a question';
    case 'plan':
      return 'has a plan to approve';
  }
}

/** What is asked, as plain text. */
function question({ request, title, tool, description, questions, plan }: RequestMessage): string {
  switch (request) {
    case 'permission':
      return [[tool, title].filter(Boolean).join(': '), description].filter(Boolean).join('\n');
    case 'question':
      return questions.map((one) => {
        const options = one.options.map((option) => `• ${option.label}`);
        return [one.question, ...options].join('\n');
      }).join('\n\n');
    case 'plan':
      return plan;
  }
}
