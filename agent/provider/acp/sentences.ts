/** What an ACP agent refused, as a sentence for people; what to do about it, where that is known. */
import { type JsonObject, list, object, string, strings } from '../untyped-json.ts';
import type { RpcError } from './json-rpc.ts';
import type { AcpAgent } from './presets.ts';

export const AUTH_REQUIRED = -32000;
/** Gemini hands on the status of its API as the code. */
const UNAUTHORIZED = 401;
const MAX_REASON = 2000;

/** @param info the answer to initialize: it names the ways to log in */
export function sentenceOf(error: RpcError, agent: AcpAgent, info: JsonObject = {}): string {
  const reason = reasonOf(error);
  if (error.code !== AUTH_REQUIRED && error.code !== UNAUTHORIZED) return `${agent.name}: ${reason}`;
  const methods = [...list(error.data.authMethods), ...list(info.authMethods)].map(object);
  const terminal =
    methods.map((method) => object(object(method._meta)['terminal-auth'])).find((entry) => entry.command) ??
      methods.find((method) => method.type === 'terminal');
  const command = [string(terminal?.command) || agent.command, ...strings(terminal?.args)].join(' ');
  const detail = /^authentication required\.?$/i.test(reason) ? '' : ` (${reason})`;
  return `${agent.name} is not logged in${detail}. Run \`${command}\` in a terminal and log in there.`;
}

/** Some say "Internal error" and the reason in `data`, some hand on their API's JSON. */
export function reasonOf({ message, data }: RpcError): string {
  const details = string(data.details);
  const reason = details && !message.includes(details) ? details : message;
  return (apiMessage(reason) || reason).slice(0, MAX_REASON);
}

function apiMessage(text: string): string {
  if (!text.startsWith('{')) return '';
  try {
    return string(object(object(JSON.parse(text)).error).message);
  } catch {
    return '';
  }
}
