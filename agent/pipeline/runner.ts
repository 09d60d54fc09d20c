/**
 * Carries out what plan() decides. Every step is on disk before it is begun and after it is done, and every step may be done
 * twice, so that a server which is killed anywhere goes on where it was.
 */
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import type { AgentInfo, CreateAgentBody } from '../../core/api/agents.ts';
import type { Task, TaskStatus } from '../../core/api/tasks.ts';
import type { AgentContext } from '../context.ts';
import type { Agents } from '../session/agents.ts';
import type { RunTime } from '../store/run-time.ts';
import { isActive, type TaskBoard } from './board.ts';
import { type Action, plan } from './plan.ts';
import { BY, fruitlessTries, MAX_FRUITLESS, wasGiven } from './tries.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

const GO_ON =
  'The server that you run under was restarted while you worked on your task. Go on with it where you stopped.';

/** What of an agent changes what plan() decides, beside the time. */
const DECISIVE: readonly (keyof AgentInfo)[] = ['state', 'stateReason', 'background', 'queue'];

/** What the pipeline reports to the user. */
export type PipelineReport =
  | { type: 'failed'; task: Task; agent: AgentInfo | null }
  | { type: 'stuck'; task: Task; agent: AgentInfo; since: number }
  | { type: 'complete'; tasks: readonly Task[]; startedAt: number };

export interface RunnerOptions {
  context: AgentContext;
  agents: Agents;
  board: TaskBoard;
  runTime: Pick<RunTime, 'since'>;
  report(report: PipelineReport): void;
  /** Commits and merges what the agent did; a failure is the task's failure. */
  merge(agent: AgentInfo, task: Task): Promise<void>;
}

export class PipelineRunner {
  readonly #context: AgentContext;
  readonly #clock: Clock;
  readonly #agents: Agents;
  readonly #board: TaskBoard;
  readonly #runTime: Pick<RunTime, 'since'>;
  readonly #report: RunnerOptions['report'];
  readonly #merge: RunnerOptions['merge'];
  readonly #unsubscribe: () => void;
  /** Tasks with an action under way: nothing else is begun for them. */
  readonly #busy = new Set<string>();
  /** Interrupted by the end of an earlier server; one that this server interrupts is ending with it. */
  readonly #resumable: Set<string>;
  readonly #actions = new Set<Promise<void>>();
  #timer: Timer | null = null;
  #ticking: Promise<void> | null = null;
  #again = false;
  #closed = false;

  constructor({ context, agents, board, runTime, report, merge }: RunnerOptions) {
    this.#context = context;
    this.#clock = context.clock;
    this.#agents = agents;
    this.#board = board;
    this.#runTime = runTime;
    board.onChange = () => this.kick();
    this.#report = report;
    this.#merge = merge;
    this.#resumable = new Set(
      agents.list().filter((agent) => agent.stateReason === 'interrupted').map((agent) => agent.id),
    );
    this.#unsubscribe = context.subscribe((change) => {
      const isState = change.type === 'agent.patch' && DECISIVE.some((key) => key in change.patch);
      if (isState || change.type === 'agent' || change.type === 'agent.removed') this.kick();
    });
    this.kick();
  }

  /** Looks at everything again soon. */
  kick(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#ticking ??= this.#run().catch((error) => this.#log(error)).finally(() => {
      this.#ticking = null;
      if (this.#again) this.kick();
    });
  }

  /** Resolves when nothing is under way, for tests and for the end. */
  async settled(): Promise<void> {
    while (this.#ticking || this.#actions.size) await Promise.all([this.#ticking, ...this.#actions]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe();
    this.#clock.clearTimeout(this.#timer);
    await this.settled();
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // changes of one tick are looked at together
    while (this.#again && !this.#closed) {
      this.#again = false;
      const { tasks, running, resumes, config } = this.#board.state;
      const actions = plan({
        tasks,
        running,
        resumes,
        agents: this.#agents.list(),
        elapsedSince: (time) => this.#runTime.since(time),
        stuckMs: config.stuckTimeoutMs,
      });
      for (const action of actions) {
        if (action.type !== 'finish' && this.#busy.has(action.task.id)) continue;
        await this.#perform(action).catch((error) => this.#log(error));
      }
    }
    this.#wait();
  }

  #log(error: unknown): void {
    this.#context.log.warn('A step of the pipeline failed', {
      error: error instanceof Error ? error.message : String(error),
    });
  }

  /** Schedules the next look: no event says that an agent has become stuck. */
  #wait(): void {
    this.#clock.clearTimeout(this.#timer);
    const { running, tasks, config } = this.#board.state;
    if (this.#closed || !(running || tasks.some(isActive))) return;
    this.#timer = this.#clock.setTimeout(() => this.kick(), config.pollIntervalMs);
  }

  async #perform(action: Action): Promise<void> {
    switch (action.type) {
      case 'set':
        return await this.#set(action.task, action.status, action.error);
      case 'adopt':
        return void await this.#board.update(action.task.id, (task) => ({ ...task, agentId: action.agentId }));
      case 'start':
        return this.#background(action.task, () => this.#start(action.task));
      case 'resume':
        if (!this.#resumable.has(action.agentId)) return;
        return this.#background(action.task, () => this.#resume(action.task, action.agentId));
      case 'complete':
        return this.#background(action.task, () => this.#complete(action.task, action.agentId));
      case 'stuck':
        return this.#report({ ...action, agent: this.#agents.info(action.agentId) });
      case 'finish':
        return await this.#finish();
    }
  }

  /**
   * Long actions of different tasks run side by side. After one that failed (the disk is full) everything is looked at again
   * when the poll interval is over: at once it would only fail again.
   */
  #background(task: Task, action: () => Promise<void>): void {
    this.#busy.add(task.id);
    const done = action().then(() => true, (error) => this.#log(error)).then((isDone) => {
      this.#busy.delete(task.id);
      this.#actions.delete(done);
      if (isDone) this.kick();
      else this.#wait();
    });
    this.#actions.add(done);
  }

  async #start(known: Task): Promise<void> {
    let task = known;
    if (task.status === 'pending') {
      await this.#board.change((state) => ({ ...state, resumes: { ...state.resumes, [task.id]: 0 } }));
      task = await this.#board.update(task.id, (now) => {
        if (now.status !== 'pending') throw new Failure('task_changed', 'The task was changed meanwhile.');
        const attempts = now.attempts + 1;
        return {
          ...now,
          status: 'running',
          attempts,
          agentId: null,
          error: '',
          startedAt: this.#clock.now(),
          endedAt: null,
        };
      });
    }
    try {
      const agent = await this.#agents.create(this.#body(task), BY);
      await this.#board.update(task.id, (now) => ({ ...now, agentId: agent.id }));
    } catch (error) {
      await this.#set(task, 'failed', error instanceof Error ? error.message : String(error));
    }
  }

  #body(task: Task): CreateAgentBody & { taskId: string } {
    const { config } = this.#board.state;
    return {
      name: task.name,
      directory: task.directory || config.defaultDirectory || this.#context.config.defaultDirectory,
      prompt: task.prompt,
      provider: task.provider,
      [INSTRUCTIONS_FIELD]: task[INSTRUCTIONS_FIELD] || config[INSTRUCTIONS_FIELD],
      adminEmail: config.adminEmail,
      whatsappPhone: config.whatsappPhone,
      slackWebhookUrl: config.slackWebhookUrl,
      flags: task.flags,
      taskId: task.id,
      // The same attempt never makes a second agent, also across a crash.
      clientId: stableId(`task ${task.id} ${task.attempts}`),
    };
  }

  /** Only a turn that got on counts as a try: what ended the server again before it began is not the task's fault. */
  async #resume(task: Task, agentId: string): Promise<void> {
    const tries = fruitlessTries(this.#agents, agentId);
    this.#resumable.delete(agentId);
    if (tries > MAX_FRUITLESS) {
      return await this.#set(task, 'failed', `It was interrupted ${tries} times before its agent did anything.`);
    }
    if (!tries) {
      const count = (this.#board.state.resumes[task.id] ?? 0) + 1;
      await this.#board.change((state) => ({ ...state, resumes: { ...state.resumes, [task.id]: count } }));
    }
    const clientId = stableId(`resume ${task.id} ${task.attempts} ${this.#agents.info(agentId).lastSeq}`);
    try {
      const text = wasGiven(this.#agents, agentId) ? GO_ON : task.prompt;
      await this.#agents.send(agentId, { text, clientId }, BY);
    } catch (error) {
      await this.#set(task, 'failed', error instanceof Error ? error.message : String(error));
    }
  }

  async #complete(task: Task, agentId: string): Promise<void> {
    try {
      if (this.#board.state.config.mergeCompleted) await this.#merge(this.#agents.info(agentId), task);
      await this.#set(task, 'completed', '');
    } catch (error) {
      await this.#set(
        task,
        'failed',
        `It is done, but not merged: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  async #set(task: Task, status: TaskStatus, error: string): Promise<void> {
    const isOver = status === 'completed' || status === 'failed';
    const endedAt = isOver ? this.#clock.now() : null;
    const now = await this.#board.update(task.id, (entry) => ({ ...entry, status, error, endedAt }));
    if (status !== 'failed') return;
    const agent = this.#agents.list().find((entry) => entry.id === now.agentId) ?? null;
    this.#report({ type: 'failed', task: now, agent });
  }

  async #finish(): Promise<void> {
    const { startedAt } = this.#board.state;
    await this.#board.change((state) => ({ ...state, running: false }));
    this.#report({ type: 'complete', tasks: this.#board.tasks, startedAt: startedAt ?? 0 });
  }
}

/** The same UUID for the same text, now and after a restart. */
function stableId(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
