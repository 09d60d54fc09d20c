/** A conversation as Markdown: what was said, what was done, what was decided. Pure. */
import type { AgentInfo } from '../../core/api/agents.ts';
import { inConversation, type Message } from '../../core/api/messages.ts';

export function markdownOf(agent: AgentInfo, messages: readonly Message[]): string {
  const head = `# ${agent.name}\n\n${agent.provider} · ${agent.worktree?.branch ?? agent.directory} · ${
    new Date(agent.createdAt).toISOString()
  }`;
  return [head, ...inConversation(messages).map(part).filter(Boolean)].join('\n\n') + '\n';
}

function part(message: Message): string {
  switch (message.kind) {
    case 'user':
      return `## You\n\n${message.text}${message.images.length ? `\n\n(${message.images.length} pictures)` : ''}${
        (message.files ?? []).map(({ name }) => `\n\n(File: ${name})`).join('')
      }`;
    case 'text':
      return message.text.trim();
    case 'thinking':
      return quote(message.text);
    case 'tool':
      return [`**${message.tool}** \`${message.title.replaceAll('`', "'")}\``, fence(message.result?.text ?? '')]
        .filter(Boolean).join('\n\n');
    case 'request':
      return message.decision ? `*${message.title}: ${message.decision.decision} (${message.decision.by})*` : '';
    case 'todos':
      return message.todos.map(({ text, status }) => `- [${status === 'completed' ? 'x' : ' '}] ${text}`).join('\n');
    case 'notice':
      return message.passing ? '' : `*${message.text}*`;
    case 'turn':
      return '---';
  }
}

const quote = (text: string): string => text.trim().split('\n').map((line) => `> ${line}`).join('\n');

/** A block that no line of its text can end. */
function fence(text: string): string {
  if (!text.trim()) return '';
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const marks = '`'.repeat(longest + 1);
  return `${marks}\n${text.trimEnd()}\n${marks}`;
}
