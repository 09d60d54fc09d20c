/** How a prompt of an ACP agent ended. */
import type { ProviderEvent } from '../provider.ts';
import { type JsonObject, string } from '../untyped-json.ts';
import type { RpcError } from './json-rpc.ts';
import type { AcpAgent } from './presets.ts';
import { sentenceOf } from './sentences.ts';

type TurnEnd = Pick<Extract<ProviderEvent, { type: 'turn.end' }>, 'outcome' | 'text'>;

/** Characters of a failure that was told as text. */
const MAX_FAILURE = 2000;

/**
 * The `stopReason` of a prompt's result. One that is not known counts as an end.
 * @param lastChunk what the agent said last, for those that tell a failure only so
 */
export function turnEnd(result: JsonObject, agent: AcpAgent, lastChunk: string): TurnEnd {
  switch (string(result.stopReason)) {
    case 'cancelled':
      return { outcome: 'interrupted', text: '' };
    case 'max_turn_requests':
      return { outcome: 'max_turns', text: 'The turn reached the limit of its steps.' };
    case 'max_tokens':
      return { outcome: 'error', text: 'The answer reached the limit of its length.' };
    case 'refusal':
      return { outcome: 'error', text: 'The model refuses to go on with this.' };
    default:
      if (agent.failurePrefix && lastChunk.startsWith(agent.failurePrefix)) {
        return { outcome: 'error', text: `${agent.name}: ${lastChunk.slice(0, MAX_FAILURE)}` };
      }
      return { outcome: 'done', text: '' };
  }
}

export const turnFailure = (error: RpcError, agent: AcpAgent): TurnEnd => ({
  outcome: 'error',
  text: sentenceOf(error, agent),
});
