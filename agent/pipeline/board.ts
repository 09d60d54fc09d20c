/** The tasks and what users do with them. Every change is on disk before it is published. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../core/api/errors.ts';
import type {
  CreateTaskBody,
  PipelineConfig,
  PipelineConfigPatch,
  PipelineStatus,
  Task,
  TaskPatch,
  TaskStatus,
} from '../../core/api/tasks.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { AgentContext } from '../context.ts';
import type { Document } from '../store/document.ts';
import { countTasks, whyWaiting } from './plan.ts';
import { editTask, MAX_TASK, newTask, openPipeline, type PipelineState } from './store.ts';

const OVER: readonly TaskStatus[] = ['completed', 'failed', 'skipped'];
const EDITABLE: readonly TaskStatus[] = ['pending', 'blocked', 'failed'];

/** The task that this agent works for at the moment; none when it is over, or another agent tries it again. */
export const activeTaskOf = (tasks: readonly Task[], agent: Pick<AgentInfo, 'id' | 'taskId'>): Task | undefined =>
  tasks.find((task) => task.id === agent.taskId && isActive(task) && (task.agentId ?? agent.id) === agent.id);

export const isActive = (task: Task): boolean => task.status === 'running' || task.status === 'waiting_input';

const refuseActive = (task: Task) => {
  if (isActive(task)) throw new Failure('task_runs', 'This task is running. Stop its agent first.');
};

const missing = () => new Failure('no_task', 'There is no such task (any more).');

export class TaskBoard {
  readonly #context: AgentContext;
  readonly #document: Document<PipelineState>;
  /** Told after every change. */
  onChange: () => void = () => {};

  constructor(context: AgentContext, document: Document<PipelineState> = openPipeline(context)) {
    this.#context = context;
    this.#document = document;
  }

  get state(): PipelineState {
    return this.#document.value;
  }

  get tasks(): Task[] {
    return [...this.state.tasks].sort((a, b) => a.order - b.order || a.createdAt - b.createdAt);
  }

  get status(): PipelineStatus {
    const { tasks, running, startedAt } = this.state;
    return { running, startedAt, text: whyWaiting(tasks, running), counts: countTasks(tasks) };
  }

  get config(): PipelineConfig {
    return { ...this.state.config, running: this.state.running };
  }

  /** Throws Failure. */
  task(id: string): Task {
    const found = this.state.tasks.find((task) => task.id === id);
    if (!found) throw missing();
    return found;
  }

  async add(body: CreateTaskBody): Promise<Task> {
    const id = randomUUID();
    await this.change((state) => {
      if (state.tasks.length >= MAX_TASK) {
        throw new Failure('too_many', `There are ${MAX_TASK} tasks already. Clear the completed ones first.`, {
          params: { limit: MAX_TASK },
        });
      }
      return { ...state, tasks: [...state.tasks, newTask(state, body, id, this.#context.clock.now())] };
    });
    return this.#publishTask(id);
  }

  edit(id: string, patch: TaskPatch): Promise<Task> {
    return this.update(id, (task) => {
      if (EDITABLE.includes(task.status)) return editTask(task, patch);
      throw new Failure('task_begun', 'Only a task that has not begun can be changed. Reset it first.');
    });
  }

  /** Back to pending; its earlier agent stays as it is. */
  reset(id: string): Promise<Task> {
    return this.update(id, (task) => {
      refuseActive(task);
      return { ...task, status: 'pending', agentId: null, error: '', startedAt: null, endedAt: null };
    });
  }

  skip(id: string): Promise<Task> {
    return this.update(id, (task) => {
      refuseActive(task);
      return { ...task, status: 'skipped', endedAt: this.#context.clock.now() };
    });
  }

  async remove(id: string): Promise<void> {
    refuseActive(this.task(id));
    await this.#drop([id]);
  }

  /** Removes what is completed, failed or skipped. Returns how many. */
  async clear(): Promise<number> {
    const gone = this.state.tasks.filter((task) => OVER.includes(task.status)).map((task) => task.id);
    await this.#drop(gone);
    return gone.length;
  }

  async #drop(ids: string[]): Promise<void> {
    await this.change((state) => ({ ...state, tasks: state.tasks.filter((task) => !ids.includes(task.id)) }));
    for (const id of ids) this.#context.publish({ type: 'task.removed', id });
  }

  async configure(patch: PipelineConfigPatch): Promise<PipelineConfig> {
    await this.change((state) => ({ ...state, config: { ...state.config, ...patch } }));
    return this.config;
  }

  async start(): Promise<void> {
    const { pending, running, waiting_input, blocked } = countTasks(this.state.tasks);
    if (!(pending + running + waiting_input + blocked)) {
      throw new Failure('no_tasks', 'There is no pending task to run. Add one, or reset one that is over.');
    }
    await this.change((
      state,
    ) => (state.running ? state : { ...state, running: true, startedAt: this.#context.clock.now() }));
  }

  /** Begins nothing more; agents at work go on. */
  async stop(): Promise<void> {
    await this.change((state) => ({ ...state, running: false }));
  }

  /** Changes one task. Throws Failure. */
  async update(id: string, change: (task: Task) => Task): Promise<Task> {
    await this.change((state) => {
      if (!state.tasks.some((task) => task.id === id)) throw missing();
      return { ...state, tasks: state.tasks.map((task) => (task.id === id ? change(task) : task)) };
    });
    return this.#publishTask(id);
  }

  #publishTask(id: string): Task {
    const task = this.task(id);
    this.#context.publish({ type: 'task', task });
    return task;
  }

  async change(change: (state: PipelineState) => PipelineState): Promise<void> {
    const before = JSON.stringify(this.status);
    await this.#document.update(change);
    const { status } = this;
    if (JSON.stringify(status) !== before) this.#context.publish({ type: 'pipeline', pipeline: status });
    this.onChange();
  }
}
