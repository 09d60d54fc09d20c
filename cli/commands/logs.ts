/** `agent-monitor logs`: an agent's conversation as text or as lines of JSON, and what comes next. */
import type { Message } from '../../core/api/messages.ts';
import { type Command, type CommandContext, hasFlag, textOption } from '../command.ts';
import type { Api } from '../client/api.ts';
import { connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { isFinal } from '../client/conversation.ts';
import { agentOf } from '../client/find-agent.ts';
import { Follower } from '../client/follow.ts';
import { endWithReader, note, printJsonLine, printLine } from '../client/output.ts';
import { printableLine } from '../client/printable.ts';
import { partsOf, type TranscriptOptions } from '../client/transcript.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

/** Messages that may still change and whose parts are remembered. */
const MAX_OPEN = 10_000;

export const command: Command = {
  name: 'logs',
  summary: "print an agent's conversation, and follow it",
  usage: `logs <agent> [options]
  <agent>         its name, its id or the beginning of one
  -f, --follow    go on with what comes, until the agent is deleted or Ctrl-C
  -n, --tail N    only the newest N messages
  --thinking      the model's thinking, too
  --full          results of tools as long as they are${serverUsage(16)}
  --json          one message a line (cli/SPEC.md); with -f a message comes again when its state has changed`,
  options: {
    ...SERVER_OPTIONS,
    follow: { type: 'boolean', short: 'f' },
    tail: { type: 'string', short: 'n' },
    thinking: { type: 'boolean' },
    full: { type: 'boolean' },
  },
  async run(context) {
    const tail = tailOf(context);
    endWithReader(context);
    const api = connect(context);
    const agent = await agentOf(api, context.positionals[0]);
    const after = tail === null ? 0 : Math.max(0, agent.lastSeq - tail);
    const isFollowing = hasFlag(context, 'follow');
    const printer = new Printer(context, !isFollowing);
    return isFollowing
      ? await follow(context, api, agent.id, after, printer)
      : await print(api, agent.id, after, printer);
  },
};

function tailOf(context: CommandContext): number | null {
  const text = textOption(context, 'tail');
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CommandError('--tail takes a number of messages.', EXIT.usage);
}

async function print(api: Api, agent: string, after: number, printer: Printer): Promise<number> {
  for await (const page of api.messagesAfter(agent, after)) {
    for (const message of page) printer.print(message);
    await printer.drained();
  }
  return EXIT.ok;
}

async function follow(
  context: CommandContext,
  api: Api,
  agent: string,
  after: number,
  printer: Printer,
): Promise<number> {
  const follower = new Follower(api, {
    agent,
    after,
    onMessages: (messages) => messages.forEach((message) => printer.print(message)),
    drained: () => printer.drained(),
    onAway: (reason) => note(context, `[the connection is lost: ${printableLine(reason)}; trying again]`),
  });
  await follower.run();
  return EXIT.ok;
}

/** Prints every part of a message once. */
class Printer {
  readonly #context: CommandContext;
  readonly #options: TranscriptOptions;
  /** Parts that were printed, of messages that may still change. */
  readonly #printed = new Map<string, Set<string>>();

  constructor(context: CommandContext, hasUnfinished: boolean) {
    const { json } = context;
    this.#context = context;
    this.#options = {
      hasThinking: json || hasFlag(context, 'thinking'),
      isFull: hasFlag(context, 'full'),
      hasUnfinished,
    };
  }

  print(message: Message): void {
    const known = this.#printed.get(message.id) ?? new Set();
    const parts = partsOf(message, this.#options).filter(({ key }) => !known.has(key));
    if (this.#context.json) { if (parts.length) printJsonLine(this.#context, message); }
    else for (const { text } of parts) printLine(this.#context, text);
    if (isFinal(message)) this.#printed.delete(message.id);
    else this.#remember(message.id, new Set([...known, ...parts.map(({ key }) => key)]));
  }

  /** Messages that nothing completes, such as todos of past turns, are forgotten after many others. */
  #remember(id: string, keys: Set<string>): void {
    this.#printed.delete(id);
    this.#printed.set(id, keys);
    if (this.#printed.size > MAX_OPEN) this.#printed.delete(this.#printed.keys().next().value!);
  }

  /** Resolves when what was printed is written: a whole history need not be held in memory. */
  async drained(): Promise<void> {
    const { stdout } = this.#context;
    if (stdout.writableNeedDrain) await new Promise<void>((resolve) => stdout.once('drain', resolve));
  }
}
