/**
 * A server for tests of the dashboard: the real live feed, static files and HTTP layer over agents that the test scripts. It
 * can break in every way that the dashboard must tell the user about.
 */
import { EventLog } from '../../../agent/live/event-log.ts';
import { LiveFeed, type LiveSources } from '../../../agent/live/feed.ts';
import { systemClock } from '../../../core/clock.ts';
import { readJson } from '../../../core/http/body.ts';
import { HttpError, json } from '../../../core/http/reply.ts';
import { Router } from '../../../core/http/router.ts';
import { createHttpServer } from '../../../core/http/server.ts';
import { type Asset, readAssets, serveStatic } from '../../../core/http/static.ts';
import type { HttpResponse } from '../../../core/http/types.ts';
import { silentLog } from '../../../core/log.ts';
import type { LiveChange } from '../../../core/api/live.ts';
import type { RequestAnswer } from '../../../core/api/push.ts';
import type { AgentInfo, AgentMarks, CreateAgentBody, DiskSession } from '../../../core/api/agents.ts';
import { deskAgent, type DeskSession, deskSessionOf } from '../../../core/api/handoff.ts';
import type { DecisionBody, Message, QueuedChange, SendMessageBody } from '../../../core/api/messages.ts';
import type { ScheduleEntry } from '../../../core/api/schedule.ts';
import type { Rewind, RewindBody } from '../../../core/api/rewind.ts';
import type { UsageReport } from '../../../core/api/usage.ts';
import type { Task } from '../../../core/api/tasks.ts';
import { fileURLToPath } from 'node:url';
import { agent as makeAgent, capabilities, machine } from './ui-data.ts';

export const DIST_UI = fileURLToPath(new URL('../../../dist/ui', import.meta.url));

export interface Mock {
  readonly url: string;
  readonly agents: Map<string, AgentInfo>;
  readonly messages: Map<string, Message[]>;
  sessions: DiskSession[];
  /** That run in terminals; their messages are those of `deskChat(id)`. */
  desk: DeskSession[];
  usage: UsageReport;
  /** What rewinding to any message changes. */
  rewind: Rewind;
  schedule: ScheduleEntry[];
  tasks: Task[];
  /** Commands as they came in: `POST /api/agents/x/message` with its body. */
  readonly received: { path: string; body: unknown }[];
  /** Wrong passwords so far; the fourth is throttled. */
  wrongTries: number;
  /** null: no login. */
  password: string | null;
  /** A relay is in front: /api/relay/* answers. */
  relay: boolean;
  /** What the relay says about its machine. While false every request to the machine is answered 502. */
  setTunnel(up: boolean): void;
  /** Answers of commands wait until the returned function is called. */
  hold(): () => void;
  publish(change: LiveChange): void;
  patch(id: string, patch: Partial<AgentInfo>): void;
  /** Adds or replaces a message and tells the dashboards. */
  say(agent: string, message: Message): void;
  /** Ends every open connection, live feeds too. */
  cut(): void;
  /** Takes no connections until `open` again; the port stays the same. */
  shut(): Promise<void>;
  open(): Promise<void>;
  close(): Promise<void>;
}

export async function startMock(options: { assets?: string } = {}): Promise<Mock> {
  const assets = readAssets(options.assets ?? DIST_UI);
  const agents = new Map<string, AgentInfo>();
  const messages = new Map<string, Message[]>();
  const events = new EventLog();
  const sources: LiveSources = {
    machine: () => machine,
    snapshot: () => ({
      agents: [...agents.values()],
      terminals: [],
      handoff: mock.desk,
      templates: [{ id: 't1', name: 'House rules', content: 'Write tests first.', updatedAt: 1 }],
      tasks: mock.tasks,
      warnings: [],
      pipeline: {
        running: false,
        startedAt: null,
        text: '',
        counts: { pending: 0, running: 0, waiting_input: 0, completed: 0, failed: 0, skipped: 0, blocked: 0 },
      },
    }),
    has: (id) => agents.has(id) || deskSessionOf(id) !== null,
    page: (id, { limit }) => pageOf(messages.get(id) ?? [], Infinity, limit),
  };
  const feed = new LiveFeed({ events, sources });
  let tunnel = true;
  let held: Promise<void> | null = null;
  const streams = new Set<HttpResponse>();
  const responses = new Set<HttpResponse>();

  const mock: Mock = {
    url: '',
    agents,
    messages,
    sessions: [],
    desk: [],
    schedule: [],
    rewind: {
      files: [
        { path: 'src/checkout/totals.ts', changedSince: false },
        { path: 'src/checkout/a-file-with-quite-a-long-name-in-it.ts', changedSince: true },
      ],
      total: 2,
      insertions: 3,
      deletions: 14,
      version: 'v1',
    },
    usage: { today: '2026-11-30', days: 30, meters: [], rows: [] },
    tasks: [],
    received: [],
    wrongTries: 0,
    password: null,
    relay: false,
    setTunnel(up) {
      tunnel = up;
      for (const res of streams) res.write(`data: ${JSON.stringify({ tunnelConnected: up, uptime: 1 })}\n\n`);
      if (!up) mock.cut();
    },
    hold() {
      let release = () => {};
      held = new Promise((resolve) => release = resolve);
      return () => {
        held = null;
        release();
      };
    },
    publish: (change) => events.publish(change),
    patch(id, patch) {
      agents.set(id, { ...agents.get(id)!, ...patch });
      events.publish({ type: 'agent.patch', id, patch });
    },
    say(agent, message) {
      const list = messages.get(agent) ?? [];
      const at = list.findIndex(({ id }) => id === message.id);
      if (at < 0) list.push(message);
      else list[at] = message;
      messages.set(agent, list);
      events.publish({ type: 'message', agent, message });
    },
    cut: () => feed.disconnect(),
    async shut() {
      for (const res of responses) res.destroy();
      feed.disconnect();
      await server.close(0);
    },
    async open() {
      server = makeServer();
      await server.listen(port, '127.0.0.1');
    },
    close: () => mock.shut(),
  };

  const router = routes(mock, { events, feed }, { streams, held: () => held, tunnel: () => tunnel });
  const files = serveStatic(assets);
  const isFile = new Set(assets.map(({ path }: Asset) => path)).add('/');
  const makeServer = () =>
    createHttpServer({
      log: silentLog,
      clock: systemClock,
      handler(req, res) {
        responses.add(res);
        res.once('close', () => responses.delete(res));
        const path = req.url.split('?')[0]!;
        if (isFile.has(path)) return files(req, res);
        const own = path.startsWith('/api/auth/') || path.startsWith('/api/relay/');
        const loggedIn = mock.password === null || /session=ok/.test(req.headers.cookie ?? '');
        if (!own && !loggedIn) throw new HttpError(401, 'login_required', 'Log in first.');
        if (!own && !tunnel) throw new HttpError(502, 'tunnel_down', 'Tunnel not connected');
        return router.handle(req, res);
      },
    });
  let server = makeServer();
  const { port } = await server.listen(0, '127.0.0.1');
  return Object.assign(mock, { url: `http://127.0.0.1:${port}` });
}

/** The last `limit` messages before a sequence number. */
function pageOf(list: Message[], before: number, limit: number) {
  const older = list.filter(({ seq }) => seq < before);
  return { messages: older.slice(-limit), more: older.length > limit };
}

function routes(
  mock: Mock,
  { events, feed }: { events: EventLog; feed: LiveFeed },
  inner: { streams: Set<HttpResponse>; held: () => Promise<void> | null; tunnel: () => boolean },
) {
  const router = new Router((error) => console.error(error));
  const find = (id: string) => {
    const found = mock.agents.get(id);
    if (!found) throw new HttpError(404, 'not_found', 'There is no such agent.');
    return found;
  };
  const receive = async (req: Parameters<typeof readJson>[0]) => {
    const body = await readJson(req, 64 * 1024 * 1024);
    mock.received.push({ path: `${req.method} ${req.url}`, body });
    await inner.held();
    return body;
  };

  router.get('/api/auth/check', (req, res) => {
    const authenticated = mock.password === null || /session=ok/.test(req.headers.cookie ?? '');
    json(res, 200, { authenticated, loginRequired: mock.password !== null, secure: false });
  });
  router.post('/api/auth/login', async (req, res) => {
    const { password } = (await readJson(req)) as { password: string };
    if (++mock.wrongTries > 3) throw new HttpError(429, 'too_many_tries', 'Too many tries.', { 'retry-after': 90 });
    if (password !== mock.password) throw new HttpError(401, 'wrong_password', 'Wrong password.');
    mock.wrongTries = 0;
    json(res, 200, { ok: true }, { 'set-cookie': 'session=ok; Path=/; HttpOnly; SameSite=Strict' });
  });
  router.post(
    '/api/auth/logout',
    (_req, res) => json(res, 200, { ok: true }, { 'set-cookie': 'session=; Path=/; Max-Age=0' }),
  );
  const needRelay = () => {
    if (!mock.relay) throw new HttpError(404, 'not_found', 'There is nothing at this address.');
  };
  router.get('/api/relay/status', (_req, res) => {
    needRelay();
    json(res, 200, { tunnelConnected: inner.tunnel(), uptime: 1 });
  });
  router.get('/api/relay/events', (_req, res) => {
    needRelay();
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(`data: ${JSON.stringify({ tunnelConnected: inner.tunnel(), uptime: 1 })}\n\n`);
    inner.streams.add(res);
    res.once('close', () => inner.streams.delete(res));
  });

  router.get('/api/live', (req, res) => feed.serve(req, res));
  router.get('/api/agents', (_req, res) => json(res, 200, [...mock.agents.values()]));
  router.get('/api/schedule', (_req, res) => json(res, 200, mock.schedule));
  router.post('/api/schedule', async (req, res) => {
    await receive(req);
    json(res, 201, {});
  });
  router.get('/api/usage', (_req, res) => json(res, 200, mock.usage));
  router.get('/api/handoff/:id', (_req, res, { params }) => {
    const session = mock.desk.find(({ id }) => id === params.id);
    if (!session) throw new HttpError(404, 'not_found', 'This session does not run in a terminal (any more).');
    json(res, 200, { session, mode: 'default' });
  });
  router.post('/api/handoff/:id/take', async (req, res, { params }) => {
    const { interrupt } = await receive(req) as { interrupt?: boolean };
    const session = mock.desk.find(({ id }) => id === params.id)!;
    if (session.status !== 'idle' && !interrupt) {
      throw new HttpError(409, 'desk_busy', 'It is still at work in the terminal.');
    }
    const taken = makeAgent({ id: `taken-${session.id}`, name: session.name, sessionId: session.id });
    mock.agents.set(taken.id, taken);
    events.publish({ type: 'handoff.removed', id: session.id });
    json(res, 201, taken);
  });
  router.post('/api/agents/:id/give-back', async (req, res, { params }) => {
    await receive(req);
    const agent = { ...find(params.id!), state: 'stopped' as const, stateReason: 'at_desk' as const };
    json(res, 200, { agent, command: "cd '/home/dev/my shop' && claude --permission-mode=manual --resume=1" });
  });
  router.get('/api/sessions', (_req, res) => json(res, 200, { sessions: mock.sessions, notes: [] }));
  router.get('/api/agents/:id', (_req, res, { params }) => json(res, 200, { ...find(params.id!), capabilities }));
  router.get('/api/agents/:id/messages', (_req, res, { params, query }) => {
    const list = mock.messages.get(params.id!) ?? [];
    json(res, 200, pageOf(list, Number(query.get('before') ?? Infinity), Number(query.get('limit') ?? 50)));
  });
  router.get('/api/agents/:id/requests/:request', (_req, res, { params }) => {
    const request = mock.messages.get(params.id!)?.find(({ id }) => id === params.request);
    if (request?.kind !== 'request') throw new HttpError(404, 'not_found', 'There is no such request.');
    const session = mock.desk.find(({ id }) => id === deskSessionOf(params.id!));
    json(res, 200, { agent: session ? deskAgent(session) : find(params.id!), request } satisfies RequestAnswer);
  });
  router.post('/api/agents', async (req, res) => {
    const body = (await receive(req)) as CreateAgentBody;
    if (body.directory.includes('missing')) {
      throw new HttpError(400, 'bad_request', '"directory" must be a folder that exists.');
    }
    const result = makeAgent({
      id: `made${mock.agents.size}`,
      name: body.name || 'New agent',
      directory: body.directory,
      state: 'starting',
    });
    mock.agents.set(result.id, result);
    events.publish({ type: 'agent', agent: result });
    json(res, 201, result);
  });
  router.post('/api/agents/actions/stop-all', async (req, res) => {
    await receive(req);
    for (const entry of mock.agents.values()) {
      mock.patch(entry.id, { state: 'stopped', stateReason: 'stopped_by_user' });
    }
    json(res, 200, { stopped: mock.agents.size });
  });
  router.post('/api/agents/:id/message', async (req, res, { params }) => {
    const body = (await receive(req)) as SendMessageBody;
    const list = mock.messages.get(params.id!) ?? [];
    const known = list.find(({ id }) => id === body.clientId);
    const message = known ?? {
      kind: 'user' as const,
      id: body.clientId!,
      seq: (list.at(-1)?.seq ?? 0) + 1,
      at: Date.now(),
      text: body.text,
      images: (body.images ?? []).map(({ mediaType, data }) => ({ mediaType, size: data.length })),
      status: 'sent' as const,
      by: 'test',
    };
    if (!known) mock.say(params.id!, message);
    json(res, 200, { ok: true, message, duplicate: !!known });
  });
  router.delete('/api/agents/:id/messages/:message', async (req, res, { params }) => {
    await receive(req);
    mock.patch(params.id!, { queue: find(params.id!).queue.filter(({ id }) => id !== params.message) });
    json(res, 200, { ok: true });
  });
  router.put('/api/agents/:id/messages/:message', async (req, res, { params }) => {
    const change = (await receive(req)) as QueuedChange;
    const { queue } = find(params.id!);
    const entry = queue.find(({ id }) => id === params.message);
    const message = mock.messages.get(params.id!)?.find(({ id }) => id === params.message);
    if (!entry || entry.handed || message?.kind !== 'user') {
      throw new HttpError(409, 'already_sent', 'The agent already has this message: it can no longer be changed.');
    }
    const changed = { ...entry, text: change.text ?? entry.text };
    const rest = queue.filter((other) => other !== entry);
    const at = change.before === undefined ? queue.indexOf(entry) : rest.findIndex(({ id }) => id === change.before);
    if (change.text !== undefined) mock.say(params.id!, { ...message, text: change.text });
    mock.patch(params.id!, { queue: rest.toSpliced(at < 0 ? rest.length : at, 0, changed) });
    json(res, 200, { ok: true });
  });
  router.post('/api/agents/:id/messages/:message/now', async (req, res, { params }) => {
    await receive(req);
    mock.patch(params.id!, { queue: find(params.id!).queue.filter(({ id }) => id !== params.message) });
    json(res, 200, { ok: true, steered: true });
  });
  router.post('/api/agents/:id/messages/:message/rewind', async (req, res) => {
    const { version } = (await receive(req)) as RewindBody;
    const { rewind } = mock;
    if (version && version !== rewind.version) throw new HttpError(409, 'changed', 'The files have changed.');
    json(res, 200, rewind);
  });
  router.post('/api/agents/:id/fork', async (req, res, { params }) => {
    await receive(req);
    const copy = makeAgent({ ...find(params.id!), id: 'copy', name: `${find(params.id!).name} (2)` });
    mock.agents.set(copy.id, copy);
    events.publish({ type: 'agent', agent: copy });
    json(res, 201, copy);
  });
  router.post('/api/agents/:id/permissions/:request', async (req, res, { params }) => {
    const body = (await receive(req)) as DecisionBody;
    const message = mock.messages.get(params.id!)?.find(({ id }) => id === params.request);
    if (message?.kind !== 'request') throw new HttpError(404, 'not_found', 'There is no such request.');
    if (message.status !== 'pending' && message.decision?.clientId !== body.clientId) {
      throw new HttpError(409, 'already_decided', 'Already decided by someone else.');
    }
    const decision = { ...body, by: 'this browser', at: Date.now() };
    mock.say(params.id!, { ...message, status: body.decision === 'answer' ? 'answered' : 'decided', decision });
    const session = mock.desk.find(({ id }) => id === deskSessionOf(params.id!));
    if (session) {
      const { pending: _, ...answered } = session;
      mock.desk = mock.desk.map((entry) => entry === session ? answered : entry);
      events.publish({ type: 'handoff', session: answered });
    }
    if (!session) {
      mock.patch(params.id!, { pending: [], state: 'running', stateReason: 'turn', stateSince: Date.now() });
    }
    json(res, 200, { ok: true, decision, duplicate: false });
  });
  for (const action of ['interrupt', 'stop']) {
    router.post(`/api/agents/:id/${action}`, async (req, res, { params }) => {
      await receive(req);
      const reason = action === 'stop' ? 'stopped_by_user' as const : 'interrupted_by_user' as const;
      mock.patch(params.id!, { state: action === 'stop' ? 'stopped' : 'idle', stateReason: reason });
      json(res, 200, { ok: true });
    });
  }
  for (const field of ['mode', 'model', 'effort', 'rename', 'go-on'] as const) {
    router.put(`/api/agents/:id/${field}`, async (req, res, { params }) => {
      const body = (await receive(req)) as Record<string, string>;
      const name = field === 'rename' ? 'name' : field === 'go-on' ? 'goOn' : field;
      mock.patch(params.id!, { [name]: body[name] });
      json(res, 200, find(params.id!));
    });
  }
  router.put('/api/agents/:id/marks', async (req, res, { params }) => {
    const { archived, ...marks } = (await receive(req)) as AgentMarks;
    mock.patch(params.id!, { ...marks, ...(archived === undefined ? {} : { archivedAt: archived ? Date.now() : 0 }) });
    json(res, 200, find(params.id!));
  });
  router.delete('/api/agents/:id', async (req, res, { params }) => {
    await receive(req);
    mock.agents.delete(params.id!);
    events.publish({ type: 'agent.removed', id: params.id! });
    json(res, 200, { ok: true });
  });
  return router;
}
