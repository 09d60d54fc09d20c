/** `agent-monitor deny`: says no to what an agent asks for. */
import { type Command, hasFlag, textOption } from '../command.ts';
import { connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { decide, subjectOf } from '../client/decide.ts';

export const command: Command = {
  name: 'deny',
  summary: 'deny what an agent asks for',
  usage: `deny <agent> [request] [options]
  <agent>          its name, its id or the beginning of one
  [request]        the id of the request or its beginning; may be left out when only one is pending
  --message TEXT   why, for the model
  --stop           end the turn, too${serverUsage(17)}
  --json           {"agent", "request", "decision", "duplicate"}`,
  options: { ...SERVER_OPTIONS, message: { type: 'string' }, stop: { type: 'boolean' } },
  async run(context) {
    const subject = await subjectOf(connect(context), context.positionals);
    const message = textOption(context, 'message');
    return await decide(context, subject, {
      decision: 'deny',
      ...(message ? { message } : {}),
      ...(hasFlag(context, 'stop') ? { interrupt: true } : {}),
    });
  },
};
