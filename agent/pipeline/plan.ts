import type { AgentInfo } from '../../core/api/agents.ts';
import type { Task, TaskStatus } from '../../core/api/tasks.ts';

/** Agents that work at the same time; further tasks of one order wait for a place. */
export const MAX_PARALLEL = 8;
/** How often one attempt that got on is taken up again after the server ended, before it counts as failed. */
export const MAX_RESUMES = 5;

/** The part of an agent that decides. */
export type AgentView = Pick<
  AgentInfo,
  | 'id'
  | 'taskId'
  | 'createdAt'
  | 'state'
  | 'stateReason'
  | 'stateText'
  | 'stateSince'
  | 'activeAt'
  | 'background'
  | 'queue'
  | 'goOn'
>;

export interface Situation {
  tasks: readonly Task[];
  agents: readonly AgentView[];
  /** The manager runs. If not, what runs is watched and nothing is begun. */
  running: boolean;
  /** Milliseconds since a time, as far as the server ran meanwhile. */
  elapsedSince(time: number): number;
  /** An agent that waits, or shows no sign of life, for so long is stuck. */
  stuckMs: number;
  /** Task id → how often its present attempt was resumed after a turn that got on. */
  resumes: Readonly<Record<string, number>>;
}

export type Action =
  /** Make the task's agent. Also after a crash in the middle of it: making it again with the same id is harmless. */
  | { type: 'start'; task: Task }
  /** The agent was made, but that was not recorded. */
  | { type: 'adopt'; task: Task; agentId: string }
  | { type: 'resume'; task: Task; agentId: string }
  | { type: 'complete'; task: Task; agentId: string }
  | { type: 'set'; task: Task; status: TaskStatus; error: string }
  | { type: 'stuck'; task: Task; agentId: string; since: number }
  /** Nothing is left to do. */
  | { type: 'finish' };

const isActive = (task: Task) => task.status === 'running' || task.status === 'waiting_input';
const isOver = (task: Task) => task.status === 'completed' || task.status === 'skipped';

export function plan(situation: Situation): Action[] {
  const { tasks, running } = situation;
  const actions = tasks.filter(isActive).flatMap((task) => watch(task, situation));
  actions.push(...block(tasks));
  if (!running) return actions;
  const places = MAX_PARALLEL - tasks.filter(isActive).length;
  actions.push(...startable(tasks).slice(0, Math.max(places, 0)).map((task): Action => ({ type: 'start', task })));
  const isDone = tasks.every((task) => isOver(task) || task.status === 'failed');
  if (isDone && !actions.length) actions.push({ type: 'finish' });
  return actions;
}

function watch(task: Task, situation: Situation): Action[] {
  const { agents, running } = situation;
  if (!task.agentId) {
    const result = agents.find((agent) => agent.taskId === task.id && agent.createdAt >= (task.startedAt ?? Infinity));
    if (result) return [{ type: 'adopt', task, agentId: result.id }];
    return running ? [{ type: 'start', task }] : [];
  }
  const agent = agents.find((entry) => entry.id === task.agentId);
  if (!agent) return [{ type: 'set', task, status: 'failed', error: 'Its agent was deleted.' }];
  return [...follow(task, agent, situation), ...stuck(task, agent, situation)];
}

function follow(task: Task, agent: AgentView, { running, resumes }: Situation): Action[] {
  const set = (status: TaskStatus, error = ''): Action[] =>
    task.status === status ? [] : [{ type: 'set', task, status, error }];
  switch (agent.state) {
    case 'starting':
    case 'running':
      return set('running');
    case 'waiting_input':
      return set('waiting_input');
    case 'idle':
      // After an interruption the user has taken over: the task goes on when the agent does.
      if (agent.stateReason === 'interrupted_by_user') return set('waiting_input');
      return goesOn(agent) ? set('running') : [{ type: 'complete', task, agentId: agent.id }];
    case 'waiting_limit':
      return agent.goOn ? set('running') : set('failed', agent.stateText || 'The agent is at a limit.');
    case 'error':
      return set('failed', agent.stateText || 'The agent failed.');
    case 'stopped':
      if (agent.stateReason !== 'interrupted') {
        const isUser = agent.stateReason === 'stopped_by_user';
        return set(
          'failed',
          isUser ? 'Its agent was stopped.' : agent.stateText || 'Its agent ended before it was done.',
        );
      }
      if (!running) return [];
      if ((resumes[task.id] ?? 0) < MAX_RESUMES) return [{ type: 'resume', task, agentId: agent.id }];
      return set('failed', `It was interrupted ${MAX_RESUMES} times by the end of the server.`);
  }
}

/** Idle, but not done: a subagent still works, or messages wait for their turn. */
const goesOn = (agent: AgentView) => agent.background === true || agent.queue.length > 0;

function stuck(task: Task, agent: AgentView, { elapsedSince, stuckMs }: Situation): Action[] {
  const isWaiting = agent.state === 'waiting_input' || agent.stateReason === 'interrupted_by_user';
  const since = isWaiting ? agent.stateSince : agent.activeAt;
  const isOpen = isWaiting || agent.state === 'running' || agent.state === 'starting' ||
    (agent.state === 'idle' && goesOn(agent));
  return isOpen && elapsedSince(since) >= stuckMs ? [{ type: 'stuck', task, agentId: agent.id, since }] : [];
}

/** What follows a failed task waits until that is retried or skipped. */
function block(tasks: readonly Task[]): Action[] {
  const failed = tasks.filter((task) => task.status === 'failed');
  return tasks.flatMap((task): Action[] => {
    const isBlocked = failed.some((entry) => entry.order < task.order);
    if (task.status === 'pending' && isBlocked) return [{ type: 'set', task, status: 'blocked', error: '' }];
    if (task.status === 'blocked' && !isBlocked) return [{ type: 'set', task, status: 'pending', error: '' }];
    return [];
  });
}

/** Pending tasks of the lowest order that is not over. */
function startable(tasks: readonly Task[]): Task[] {
  const order = Math.min(...tasks.filter((task) => !isOver(task)).map((task) => task.order));
  return tasks.filter((task) => task.order === order && task.status === 'pending');
}

export function countTasks(tasks: readonly Task[]): Record<TaskStatus, number> {
  const counts = { pending: 0, running: 0, waiting_input: 0, completed: 0, failed: 0, skipped: 0, blocked: 0 };
  for (const task of tasks) counts[task.status]++;
  return counts;
}

/** Why the pipeline does not go on, for people; empty when it does. */
export function whyWaiting(tasks: readonly Task[], running: boolean): string {
  const counts = countTasks(tasks);
  const failed = tasks.filter((task) => task.status === 'failed').map((task) => task.name).join(', ');
  if (!running) return failed ? `Failed: ${failed}.` : '';
  if (counts.waiting_input) {
    return `${counts.waiting_input} of the agents ${counts.waiting_input === 1 ? 'waits' : 'wait'} for you.`;
  }
  if (counts.running || !failed) return '';
  return `Failed: ${failed}. Retry or skip it and the pipeline goes on.`;
}
