/** `agent-monitor hook`: run by Claude Code, not by people. Always ends with 0: another code would be shown in the terminal. */
import { Buffer } from 'node:buffer';
import { MAX_HOOK_BODY } from '../../core/api/hooks.ts';
import { answerHook } from '../client/hook-call.ts';
import { type Command, type CommandContext, textOption } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const command: Command = {
  name: 'hook',
  summary: 'run by Claude Code as its hook; "hooks" enters it',
  usage: `hook --server URL --data DIR
  Run by Claude Code: reads what it says from the standard input, and prints what was answered on the dashboard.`,
  options: { server: { type: 'string' }, data: { type: 'string' } },
  run,
};

async function run(context: CommandContext): Promise<number> {
  const [origin, dataDir] = [textOption(context, 'server'), textOption(context, 'data')];
  // A program that runs by itself asks whoever has started it, this server for one.
  const isAtDesk = (context.env.CLAUDE_CODE_ENTRYPOINT ?? 'cli') === 'cli';
  if (!origin || !dataDir || !isAtDesk) return EXIT.ok;
  const input = await readInput(context);
  if (input) await answerHook(input, { origin, dataDir }, context.signal).catch(() => {});
  return EXIT.ok;
}

/** Empty when it is more than a server takes. */
async function readInput({ stdin }: CommandContext): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_HOOK_BODY) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
