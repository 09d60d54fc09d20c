/** From the start of an ACP agent to an open session: initialize, then new, load or resume. */
import { type JsonObject, object, string } from '../untyped-json.ts';
import { type JsonRpc, RpcError } from './json-rpc.ts';
import type { AcpAgent } from './presets.ts';
import { AUTH_REQUIRED, reasonOf, sentenceOf } from './sentences.ts';

/** An agent that says nothing for so long is no agent of the protocol, ms. The slowest took 2.4 s on an idle machine. */
export const INITIALIZE_MS = 10_000;
/** Loading a long history takes its time, ms. */
const SESSION_MS = 60_000;
const PROTOCOL_VERSION = 1;

/** The session that was to be gone on with is not there: nothing was done. */
export class SessionLostError extends Error {}

export interface Handshake {
  sessionId: string;
  /** The agent's own version; '' when not told. */
  version: string;
  takesImages: boolean;
  /** Of session/new, load or resume: modes, models, options. */
  result: JsonObject;
  /** What the user must know. */
  notices: string[];
}

interface Opening {
  agent: AcpAgent;
  cwd: string;
  resume: string | null;
  fork: boolean;
}

/** Rejects with a sentence for people; with SessionLostError when `resume` is not there. */
export async function openSession(rpc: JsonRpc, opening: Opening): Promise<Handshake> {
  const { agent } = opening;
  const info = await rpc.request('initialize', {
    protocolVersion: PROTOCOL_VERSION,
    // Files and terminals are not offered: the agent uses its own, under its own permissions.
    clientCapabilities: {
      fs: { readTextFile: false, writeTextFile: false },
      terminal: false,
      elicitation: { form: {} },
      session: { configOptions: { boolean: {} } },
    },
    clientInfo: { name: 'agent-monitor', version: '1' },
  }, agent.startMs ?? INITIALIZE_MS).catch((error: RpcError) => {
    throw new Error(
      `${agent.name} did not begin: ${error.message} Is "${agent.command} ${agent.args.join(' ')}" right?`,
    );
  });
  const capabilities = object(info.agentCapabilities);
  const { sessionId, result, notices } = await begin(rpc, opening, capabilities).catch((error) => {
    throw error instanceof RpcError ? new Error(sentenceOf(error, agent, info)) : error;
  });
  return {
    sessionId,
    version: string(object(info.agentInfo).version),
    takesImages: object(capabilities.promptCapabilities).image === true,
    result,
    notices,
  };
}

async function begin(
  rpc: JsonRpc,
  { agent, cwd, resume, fork }: Opening,
  capabilities: JsonObject,
): Promise<Pick<Handshake, 'sessionId' | 'result' | 'notices'>> {
  const fresh = async (notices: string[]) => {
    const result = await rpc.request('session/new', { cwd, mcpServers: [] }, SESSION_MS);
    const sessionId = string(result.sessionId);
    if (!sessionId) throw new Error(`${agent.name} opened no session.`);
    return { sessionId, result, notices };
  };
  if (resume === null) return await fresh([]);
  if (fork) return await fresh([`${agent.name} cannot copy a session: a new one begins.`]);
  const method = object(capabilities.sessionCapabilities).resume !== undefined
    ? 'session/resume'
    : capabilities.loadSession === true
    ? 'session/load'
    : null;
  if (!method) return await fresh([`${agent.name} cannot go on with an earlier session: a new one begins.`]);
  return await goOn(rpc, method, resume, cwd, capabilities);
}

async function goOn(
  rpc: JsonRpc,
  method: string,
  sessionId: string,
  cwd: string,
  capabilities: JsonObject,
): Promise<Pick<Handshake, 'sessionId' | 'result' | 'notices'>> {
  const params = { sessionId, cwd, mcpServers: [] };
  try {
    return { sessionId, result: await rpc.request(method, params, SESSION_MS), notices: [] };
  } catch (error) {
    if (!(error instanceof RpcError) || error.code === null || error.code === AUTH_REQUIRED) throw error;
    // Qwen 0.15 says that it resumes and does not know the method.
    if (method === 'session/resume' && capabilities.loadSession === true) {
      return await goOn(rpc, 'session/load', sessionId, cwd, {});
    }
    throw new SessionLostError(`The session is not there any more (${reasonOf(error)}).`);
  }
}
