/** /api/agents: REST over the agents. Bodies are checked in core/api/agents.ts and messages.ts. */
import { randomUUID } from 'node:crypto';
import { json } from '../../core/http/reply.ts';
import type { Route, Router } from '../../core/http/router.ts';
import type { HttpRequest, HttpResponse } from '../../core/http/types.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { checks, parseCreateAgent, parseMarks } from '../../core/api/agents.ts';
import { parseFork } from '../../core/api/fork.ts';
import { parseDecision, parseQueuedChange, parseSendMessage } from '../../core/api/messages.ts';
import { parseRewind } from '../../core/api/rewind.ts';
import { type Check, parseField } from '../../core/api/schema.ts';
import { ERROR_STATUS } from '../../core/api/errors.ts';
import { DecidedError } from '../session/requests.ts';
import type { Registry } from '../session/registry.ts';
import { type LegacyFields, legacyFields, legacyMessages } from './legacy-fields.ts';
import { checkStepUp, isBypass, isLasting } from './relay-word.ts';
import { queryInteger, readBody, whoAsks } from './request.ts';

/** A message may carry images. */
const MAX_MESSAGE_BODY = 64 * 1024 * 1024;
/** Messages that GET /api/agents/:id gives to scripts. */
const MAX_SCRIPT_MESSAGES = 500;

/** @param askers who asks people: agents, and sessions at the desk */
export function agentRoutes(router: Router, agents: Registry, askers: Pick<Registry, 'decide'> = agents): void {
  const whole: WholeAgent = (info) => {
    const { prompt, instructions } = agents.origin(info.id);
    return { ...info, ...legacyFields(info, prompt, instructions) };
  };
  lifeRoutes(router, agents, whole);
  conversationRoutes(router, agents, askers);
  pastRoutes(router, agents, whole);
  settingRoutes(router, agents, whole);
}

/** An agent with the fields under which scripts of the reference product know it. */
type WholeAgent = (info: AgentInfo) => AgentInfo & LegacyFields;

/** Agents are listed, created, stopped, deleted. */
function lifeRoutes(router: Router, agents: Registry, whole: WholeAgent): void {
  router.get('/api/agents', (_req, res) => json(res, 200, agents.list().map(whole)));
  router.post('/api/agents', async (req, res) => {
    const body = await readBody(req, parseCreateAgent);
    if (isBypass(body.flags)) checkStepUp(req);
    json(res, 201, whole(await agents.create(body, whoAsks(req))));
  });
  router.post('/api/agents/actions/stop-all', async (req, res) => {
    json(res, 200, { stopped: await agents.stopAll(whoAsks(req)) });
  });
  router.get('/api/agents/:id', (_req, res, { params, query }) => {
    const info = agents.info(params.id!);
    const reply = { ...whole(info), capabilities: agents.capabilities(info.id) };
    // The dashboard has the messages of the live feed.
    if (queryInteger(query, 'messages') === 0) return json(res, 200, reply);
    const { messages } = agents.messages(info.id, { limit: MAX_SCRIPT_MESSAGES });
    json(res, 200, { ...reply, messages: legacyMessages(messages) });
  });
  router.delete('/api/agents/:id', async (req, res, { params, query }) => {
    const discardWork = query.get('discardWork') === 'true' || query.get('discardWork') === '1';
    if (discardWork) checkStepUp(req);
    await agents.remove(params.id!, { discardWork }, whoAsks(req));
    json(res, 200, { ok: true });
  });
  router.post('/api/agents/:id/stop', async (req, res, { params }) => {
    json(res, 200, whole(await agents.stop(params.id!, whoAsks(req))));
  });
}

/** What is said: messages, decisions on what the agent asks, an interruption. */
function conversationRoutes(router: Router, agents: Registry, askers: Pick<Registry, 'decide'>): void {
  router.get('/api/agents/:id/messages', (_req, res, { params, query }) => {
    const [after, before, limit] = ['after', 'before', 'limit'].map((name) => queryInteger(query, name));
    json(res, 200, agents.messages(params.id!, { after, before, limit }));
  });
  router.post('/api/agents/:id/message', async (req, res, { params }) => {
    agents.info(params.id!);
    const message = await readBody(req, parseSendMessage, MAX_MESSAGE_BODY);
    json(res, 200, { ok: true, ...await agents.send(params.id!, message, whoAsks(req)) });
  });
  router.delete('/api/agents/:id/messages/:messageId', async (_req, res, { params }) => {
    await agents.cancelQueued(params.id!, params.messageId!);
    json(res, 200, { ok: true });
  });
  router.put('/api/agents/:id/messages/:messageId', async (req, res, { params }) => {
    const change = await readBody(req, parseQueuedChange);
    json(res, 200, { ok: true, message: await agents.changeQueued(params.id!, params.messageId!, change) });
  });
  router.post('/api/agents/:id/messages/:messageId/now', async (req, res, { params }) => {
    json(res, 200, { ok: true, ...await agents.sendNow(params.id!, params.messageId!, whoAsks(req)) });
  });
  router.post('/api/agents/:id/permissions/:requestId', async (req, res, { params }) => {
    const decision = await readBody(req, (value) => parseDecision(value, randomUUID));
    if (isLasting(decision)) checkStepUp(req);
    try {
      json(res, 200, { ok: true, ...await askers.decide(params.id!, params.requestId!, decision, whoAsks(req)) });
    } catch (error) {
      if (!(error instanceof DecidedError)) throw error;
      json(res, ERROR_STATUS[error.code], { error: error.message, code: error.code, decision: error.decision });
    }
  });
  router.post('/api/agents/:id/interrupt', async (req, res, { params }) => {
    await agents.interrupt(params.id!, whoAsks(req));
    json(res, 200, { ok: true });
  });
}

/** Back to an earlier message. */
function pastRoutes(router: Router, agents: Registry, whole: WholeAgent): void {
  router.post('/api/agents/:id/messages/:messageId/rewind', async (req, res, { params }) => {
    agents.info(params.id!);
    const { version } = await readBody(req, parseRewind);
    if (version) checkStepUp(req);
    json(res, 200, await agents.rewind(params.id!, params.messageId!, version, whoAsks(req)));
  });
  router.post('/api/agents/:id/fork', async (req, res, { params }) => {
    const info = agents.info(params.id!);
    const body = await readBody(req, parseFork);
    if (isBypass(info.flags) || info.mode === 'bypassPermissions') checkStepUp(req);
    json(res, 201, whole(await agents.fork(params.id!, body, whoAsks(req))));
  });
}

/** One field each, by PUT or POST; the reply is the changed agent. */
function settingRoutes(router: Router, agents: Registry, whole: WholeAgent): void {
  const add = <T>(path: string, name: string, check: Check<T>, set: (id: string, value: T) => Promise<AgentInfo>) => {
    const handler = async (req: HttpRequest, res: HttpResponse, { params }: Route) => {
      const value = await readBody(req, (input) => parseField(input, name, check));
      if (name === 'mode' && value === 'bypassPermissions') checkStepUp(req);
      json(res, 200, whole(await set(params.id!, value)));
    };
    router.put(path, handler).post(path, handler);
  };
  add('/api/agents/:id/rename', 'name', checks.name, (id, name) => agents.rename(id, name.trim()));
  router.put('/api/agents/:id/marks', async (req, res, { params }) => {
    agents.info(params.id!);
    json(res, 200, whole(await agents.mark(params.id!, await readBody(req, parseMarks))));
  });
  add('/api/agents/:id/mode', 'mode', checks.mode, (id, mode) => agents.setMode(id, mode));
  add('/api/agents/:id/model', 'model', checks.model, (id, model) => agents.setModel(id, model));
  add('/api/agents/:id/go-on', 'goOn', checks.goOn, (id, goOn) => agents.setGoOn(id, goOn));
  add('/api/agents/:id/effort', 'effort', checks.effort, (id, effort) => agents.setEffort(id, effort));
}
