/** /api/agents: REST over the agents. Bodies are checked in core/wire/validate.ts. */
import { randomUUID } from 'node:crypto';
import { browserName } from '../../core/auth/sessions.ts';
import { readJson } from '../../core/http/body.ts';
import { HttpError, json } from '../../core/http/reply.ts';
import type { Route, Router } from '../../core/http/router.ts';
import type { HttpRequest, HttpResponse } from '../../core/http/types.ts';
import type { AgentInfo } from '../../core/wire/types.ts';
import {
  checks,
  parseCreateAgent,
  parseDecision,
  parseField,
  parseSendMessage,
  WireError,
} from '../../core/wire/validate.ts';
import { DecidedError } from '../session/requests.ts';
import type { Registry } from '../session/registry.ts';
import { referenceFields, referenceMessages } from './reference.ts';

/** A message may carry images. */
const MESSAGE_BODY_LIMIT = 64 * 1024 * 1024;
/** Messages that GET /api/agents/:id gives to scripts. */
const SCRIPT_MESSAGES = 500;

export function agentRoutes(router: Router, agents: Registry): void {
  const whole = (info: AgentInfo) => {
    const { prompt, instructions } = agents.origin(info.id);
    return { ...info, ...referenceFields(info, prompt, instructions) };
  };
  const body = async <T>(req: HttpRequest, parse: (value: unknown) => T, limit?: number): Promise<T> => {
    const value = await readJson(req, limit);
    try {
      return parse(value);
    } catch (error) {
      throw error instanceof WireError ? new HttpError(400, 'bad_request', error.message) : error;
    }
  };
  /** PUT or POST of one field that gives the changed agent. */
  const setter = <T>(
    name: string,
    check: (value: unknown, name: string) => T,
    set: (id: string, value: T, by: string) => Promise<AgentInfo>,
  ) =>
  async (req: HttpRequest, res: HttpResponse, { params }: Route) => {
    const value = await body(req, (given) => parseField(given, name, check));
    json(res, 200, whole(await set(params.id!, value, whoAsks(req))));
  };

  router.get('/api/agents', (_req, res) => json(res, 200, agents.list().map(whole)));
  router.post('/api/agents', async (req, res) => {
    json(res, 201, whole(await agents.create(await body(req, parseCreateAgent), whoAsks(req))));
  });
  router.post('/api/agents/actions/stop-all', async (req, res) => {
    json(res, 200, { stopped: await agents.stopAll(whoAsks(req)) });
  });
  router.get('/api/agents/:id', (_req, res, { params }) => {
    const info = agents.info(params.id!);
    const { messages } = agents.messages(info.id, { limit: SCRIPT_MESSAGES });
    json(res, 200, {
      ...whole(info),
      capabilities: agents.capabilities(info.id),
      messages: referenceMessages(messages),
    });
  });
  router.delete('/api/agents/:id', async (req, res, { params, query }) => {
    const discardWork = query.get('discardWork') === 'true' || query.get('discardWork') === '1';
    await agents.remove(params.id!, { discardWork }, whoAsks(req));
    json(res, 200, { ok: true });
  });
  router.get('/api/agents/:id/messages', (_req, res, { params, query }) => {
    json(
      res,
      200,
      agents.messages(params.id!, {
        ...number(query, 'after'),
        ...number(query, 'before'),
        ...number(query, 'limit'),
      }),
    );
  });
  router.post('/api/agents/:id/message', async (req, res, { params }) => {
    agents.info(params.id!);
    const message = await body(req, parseSendMessage, MESSAGE_BODY_LIMIT);
    json(res, 200, { ok: true, ...await agents.send(params.id!, message, whoAsks(req)) });
  });
  router.delete('/api/agents/:id/messages/:messageId', async (_req, res, { params }) => {
    await agents.cancelQueued(params.id!, params.messageId!);
    json(res, 200, { ok: true });
  });
  router.post('/api/agents/:id/permissions/:requestId', async (req, res, { params }) => {
    const decision = await body(req, (value) => parseDecision(value, randomUUID));
    try {
      json(res, 200, { ok: true, ...await agents.decide(params.id!, params.requestId!, decision, whoAsks(req)) });
    } catch (error) {
      if (!(error instanceof DecidedError)) throw error;
      json(res, error.status, { error: error.message, code: error.code, decision: error.decision });
    }
  });
  router.post('/api/agents/:id/interrupt', async (req, res, { params }) => {
    await agents.interrupt(params.id!, whoAsks(req));
    json(res, 200, { ok: true });
  });
  router.post('/api/agents/:id/stop', async (req, res, { params }) => {
    json(res, 200, whole(await agents.stop(params.id!, whoAsks(req))));
  });
  const rename = setter('name', checks.name, (id, name) => agents.rename(id, name.trim()));
  const mode = setter('mode', checks.mode, (id, value) => agents.setMode(id, value));
  const model = setter('model', checks.model, (id, value) => agents.setModel(id, value));
  const effort = setter('effort', checks.effort, (id, value) => agents.setEffort(id, value));
  for (const method of ['PUT', 'POST']) {
    router.add(method, '/api/agents/:id/rename', rename);
    router.add(method, '/api/agents/:id/mode', mode);
    router.add(method, '/api/agents/:id/model', model);
    router.add(method, '/api/agents/:id/effort', effort);
  }
}

/** Who asks, for the record: "Safari on iPhone", "a program". The relay has checked that they may. */
export function whoAsks(req: HttpRequest): string {
  const agent = req.headers['user-agent'] ?? '';
  const name = /^Mozilla\//.test(agent) ? browserName(agent) : 'a program';
  return req.wire === 'local' ? `${name}, on the machine itself` : name;
}

function number(query: URLSearchParams, name: 'after' | 'before' | 'limit'): Record<string, number> {
  const given = query.get(name);
  if (given === null) return {};
  if (/^\d{1,15}$/.test(given)) return { [name]: Number(given) };
  throw new HttpError(400, 'bad_request', `"${name}" must be a whole number from 0.`);
}
