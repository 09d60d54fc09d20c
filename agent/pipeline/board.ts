/** The tasks: what users do with them. Every change is on disk before it is told. */
import { randomUUID } from 'node:crypto';
import { HttpError } from '../../core/http/reply.ts';
import type { PipelineStatus, Task, TaskStatus } from '../../core/wire/types.ts';
import type { PipelineConfig } from '../../core/wire/workshop.ts';
import type { Document, House } from '../rooms.ts';
import { countTasks, whyWaiting } from './plan.ts';
import { editTask, mergeConfig, newTask, openPipeline, type PipelineState, TASK_COUNT } from './store.ts';

const OVER: readonly TaskStatus[] = ['completed', 'failed', 'skipped'];
const EDITABLE: readonly TaskStatus[] = ['pending', 'blocked', 'failed'];

export const isActive = (task: Task): boolean => task.status === 'running' || task.status === 'waiting_input';

const refuseActive = (task: Task) => {
  if (isActive(task)) throw new HttpError(409, 'task_runs', 'This task is running. Stop its agent first.');
};

const missing = () => new HttpError(404, 'no_task', 'There is no such task (any more).');

export class TaskBoard {
  readonly #house: House;
  readonly #document: Document<PipelineState>;
  /** Told after every change. */
  onChange: () => void = () => {};

  constructor(house: House, document: Document<PipelineState> = openPipeline(house)) {
    this.#house = house;
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

  /** Throws HttpError 404. */
  task(id: string): Task {
    const found = this.state.tasks.find((task) => task.id === id);
    if (!found) throw missing();
    return found;
  }

  async add(body: unknown): Promise<Task> {
    const id = randomUUID();
    await this.change((state) => {
      if (state.tasks.length >= TASK_COUNT) {
        throw new HttpError(409, 'too_many', `There are ${TASK_COUNT} tasks already. Clear the completed ones first.`);
      }
      return { ...state, tasks: [...state.tasks, newTask(state, body, id, this.#house.clock.now())] };
    });
    return this.#tell(id);
  }

  edit(id: string, body: unknown): Promise<Task> {
    return this.update(id, (task) => {
      if (EDITABLE.includes(task.status)) return editTask(task, body);
      throw new HttpError(409, 'task_begun', 'Only a task that has not begun can be changed. Reset it first.');
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
      return { ...task, status: 'skipped', endedAt: this.#house.clock.now() };
    });
  }

  async remove(id: string): Promise<void> {
    refuseActive(this.task(id));
    await this.#drop([id]);
  }

  /** Removes what is completed, failed or skipped. Gives how many. */
  async clear(): Promise<number> {
    const gone = this.state.tasks.filter((task) => OVER.includes(task.status)).map((task) => task.id);
    await this.#drop(gone);
    return gone.length;
  }

  async #drop(ids: string[]): Promise<void> {
    await this.change((state) => ({ ...state, tasks: state.tasks.filter((task) => !ids.includes(task.id)) }));
    for (const id of ids) this.#house.publish({ type: 'task.removed', id });
  }

  async configure(body: unknown): Promise<PipelineConfig> {
    await this.change((state) => ({ ...state, config: mergeConfig(state.config, body) }));
    return this.config;
  }

  async start(): Promise<void> {
    const { pending, running, waiting_input, blocked } = countTasks(this.state.tasks);
    if (!(pending + running + waiting_input + blocked)) {
      throw new HttpError(400, 'no_tasks', 'There is no pending task to run. Add one, or reset one that is over.');
    }
    await this.change((
      state,
    ) => (state.running ? state : { ...state, running: true, startedAt: this.#house.clock.now() }));
  }

  /** Begins nothing more; agents at work go on. */
  async stop(): Promise<void> {
    await this.change((state) => ({ ...state, running: false }));
  }

  /** Changes one task. Throws HttpError 404. */
  async update(id: string, change: (task: Task) => Task): Promise<Task> {
    await this.change((state) => {
      if (!state.tasks.some((task) => task.id === id)) throw missing();
      return { ...state, tasks: state.tasks.map((task) => (task.id === id ? change(task) : task)) };
    });
    return this.#tell(id);
  }

  #tell(id: string): Task {
    const task = this.task(id);
    this.#house.publish({ type: 'task', task });
    return task;
  }

  async change(change: (state: PipelineState) => PipelineState): Promise<void> {
    const before = JSON.stringify(this.status);
    await this.#document.update(change);
    const { status } = this;
    if (JSON.stringify(status) !== before) this.#house.publish({ type: 'pipeline', pipeline: status });
    this.onChange();
  }
}
