/** `agent-monitor send`: a message to an agent. */
import { randomUUID } from 'node:crypto';
import { MAX_TEXT } from '../../core/api/schema.ts';
import type { SendMessageBody, UserMessage } from '../../core/api/messages.ts';
import { type Command, type CommandContext, textOption } from '../command.ts';
import { agentPath } from '../client/api.ts';
import { connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { agentOf } from '../client/find-agent.ts';
import { note, printJsonLine } from '../client/output.ts';
import { printableLine } from '../client/printable.ts';
import { readAll } from '../client/prompt.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const command: Command = {
  name: 'send',
  summary: 'send a message to an agent',
  usage: `send <agent> "<text>" [options]
  <agent>       its name, its id or the beginning of one
  <text>        "-" reads it from the standard input
  --again ID    a message that failed before the agent took it, with its pictures, instead of <text>: its id in "logs --json"
  --id UUID     the same id again does not send it again${serverUsage(14)}
  --json        {"agent", "message", "duplicate"}`,
  options: { ...SERVER_OPTIONS, again: { type: 'string' }, id: { type: 'string' } },
  async run(context) {
    const [word, ...words] = context.positionals;
    const again = textOption(context, 'again');
    if (word === undefined || (again === undefined) !== words.length > 0) {
      throw new CommandError('Name an agent and what to send: agent-monitor send <agent> "<text>".', EXIT.usage);
    }
    const clientId = textOption(context, 'id') ?? randomUUID();
    if (!UUID.test(clientId)) throw new CommandError('--id must be a UUID.', EXIT.usage);
    const content = again === undefined ? { text: await textOf(context, words) } : { text: '', again };
    const api = connect(context);
    const agent = await agentOf(api, word);
    const body: SendMessageBody = { ...content, clientId };
    const { message, duplicate } = await api.command<{ message: UserMessage; duplicate: boolean }>(
      `${agentPath(agent.id)}/message`,
      body,
    );
    if (context.json) printJsonLine(context, { agent: agent.id, message, duplicate });
    else note(context, `${duplicate ? 'Had been sent' : 'Sent'} to ${printableLine(agent.name)}.`);
    return EXIT.ok;
  },
};

async function textOf(context: CommandContext, words: readonly string[]): Promise<string> {
  const text = words.length === 1 && words[0] === '-' ? await readAll(context) : words.join(' ');
  if (!text.trim()) throw new CommandError('The message is empty.', EXIT.usage);
  if (text.length > MAX_TEXT) throw new CommandError(`A message has at most ${MAX_TEXT} characters.`, EXIT.usage);
  return text;
}
