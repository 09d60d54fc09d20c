/** What notices say. Pure. */
import type { AgentInfo } from '../../core/api/agents.ts';
import { chatPath } from '../../core/api/handoff.ts';
import { approvalText } from '../../core/api/approval.ts';
import type { RequestMessage } from '../../core/api/messages.ts';
import { type PushWords, say, type Worded } from '../../core/api/push.ts';
import { countTasks } from '../pipeline/plan.ts';
import type { PipelineReport } from '../pipeline/runner.ts';
import { clip, type Notice } from './sender.ts';

/** Characters of what an agent asks or said. */
const DETAIL_LENGTH = 600;
/** Characters in which a request can be allowed from the notice alone. */
const MAX_APPROVAL = 1000;

/** A notice without its address, which is the same for all. `path`: of the dashboard's page. */
export type Unaddressed = Omit<Notice, 'link'> & { path: string; words?: PushWords };

export function requestNotice(agent: AgentInfo, request: RequestMessage | null): Unaddressed {
  const { text, isWhole } = request ? approvalText(request, MAX_APPROVAL) : { text: '', isWhole: false };
  return {
    event: 'needs_input',
    title: `${agent.name} ${request ? verb(request) : 'waits for you'}`,
    text: clip(request ? question(request) : '', DETAIL_LENGTH),
    path: chatPath(agent.id),
    agent: agent.id,
    ...(request ? { request: request.id } : {}),
    ...(request && isWhole && hasTwoAnswers(request) ? { approval: text } : {}),
  };
}

/** "Allow once" and "Deny" are answers to it. */
export const hasTwoAnswers = ({ request, choices }: RequestMessage): boolean =>
  request === 'permission' && ['allow', 'deny'].every((id) => choices?.some((choice) => choice.id === id));

export const failedNotice = ({ id, name, stateText }: AgentInfo): Unaddressed => ({
  event: 'failed',
  title: `${name} failed`,
  words: { title: say('failed', { name }) },
  text: clip(stateText, DETAIL_LENGTH),
  path: chatPath(id),
  agent: id,
});

export const finishedNotice = ({ id, name, preview }: AgentInfo): Unaddressed => ({
  event: 'agent_finished',
  title: `${name} is done`,
  words: { title: say('finished', { name }) },
  text: clip(preview, DETAIL_LENGTH),
  path: chatPath(id),
  agent: id,
});

export const limitNotice = ({ id, name, provider }: AgentInfo, isReached: boolean, text: string): Unaddressed => ({
  event: 'limit',
  title: isReached ? `${name}: a limit of ${provider} is reached` : `The limit of ${provider} is over`,
  words: isReached
    ? { title: say('limit_reached', { name, provider }) }
    : { title: say('limit_over', { provider }), body: say('limit_over_text') },
  text: clip(text, DETAIL_LENGTH),
  path: chatPath(id),
  agent: id,
});

/** @returns the notice, and the key that names what it is about */
export function pipelineNotice(report: PipelineReport, now: number): { key: string; notice: Unaddressed } {
  switch (report.type) {
    case 'failed': {
      const { id, name, error, attempts } = report.task;
      const text = clip(error, DETAIL_LENGTH);
      const words = { title: say('task_failed', { name }) };
      const notice: Unaddressed = { event: 'failed', title: `Task "${name}" failed`, words, text, path: '/tasks' };
      return { key: `task ${id} ${attempts}`, notice };
    }
    case 'stuck': {
      const { agent, since, task } = report;
      const minutes = Math.round((now - since) / 60_000);
      const body = say(agent.state === 'waiting_input' ? 'stuck_waits' : 'stuck_silent', { minutes });
      const text = agent.state === 'waiting_input'
        ? `Its agent has waited for you for ${minutes} min.`
        : `Its agent has shown no sign of life for ${minutes} min.`;
      const notice: Unaddressed = {
        event: 'stuck',
        title: `Task "${task.name}" is stuck`,
        words: { title: say('task_stuck', { name: task.name }), body },
        text,
        path: chatPath(agent.id),
      };
      return { key: `stuck ${agent.id} ${since}`, notice };
    }
    case 'complete': {
      const counts = countTasks(report.tasks);
      const parts = [
        `${counts.completed} completed`,
        counts.failed && `${counts.failed} failed`,
        counts.skipped && `${counts.skipped} skipped`,
      ];
      const title = counts.failed ? 'The pipeline ended with failures' : 'The pipeline is complete';
      const text = parts.filter(Boolean).join(', ');
      const { completed, failed, skipped } = counts;
      const words = {
        title: say(failed ? 'pipeline_failed' : 'pipeline_complete'),
        body: say('counts', { completed, failed, skipped }),
      };
      return {
        key: `complete ${report.startedAt}`,
        notice: { event: 'pipeline_complete', title, words, text, path: '/tasks' },
      };
    }
  }
}

/** What became of a request, in a line. `message`: null when it is gone. */
export function settledText(message: RequestMessage | null): { text: string; words: Worded } {
  const { decision, by } = message?.decision ?? { decision: '', by: '' };
  if (!decision) return { text: 'No longer asked', words: say('no_longer_asked') };
  const word = decision === 'deny' ? 'denied' : decision === 'answer' ? 'answered' : 'allowed';
  return { text: `${word[0]!.toUpperCase()}${word.slice(1)} by ${by}`, words: say(word, { by }) };
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

/** The request as plain text. */
function question({ request, title, tool, description, questions, plan }: RequestMessage): string {
  switch (request) {
    case 'permission':
      return [[tool, title].filter(Boolean).join(': '), description].filter(Boolean).join('\n');
    case 'question':
      return questions.map((entry) => {
        const options = entry.options.map((option) => `• ${option.label}`);
        return [entry.question, ...options].join('\n');
      }).join('\n\n');
    case 'plan':
      return plan;
  }
}
