/** The agent server in this process, on a random port, with the scripted fake CLI; and a client of its API. */
import { buildSync } from 'esbuild';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { createLog } from '../../../core/log.ts';
import { dial } from '../../../core/websocket/mod.ts';
import type { Connection } from '../../../core/websocket/mod.ts';
import type { LiveChange, LiveCommand, LiveMessage } from '../../../core/api/live.ts';
import type { AgentInfo } from '../../../core/api/agents.ts';
import type { Message, RequestMessage } from '../../../core/api/messages.ts';
import { type Env, readConfig } from '../../../agent/config.ts';
import { type AgentServer, startAgentServer } from '../../../agent/server.ts';

/** The fake CLI as one JavaScript file: it starts ten times as fast as through the loader. */
export const FAKE_CLAUDE: string = bundleFake();

function bundleFake(): string {
  const entry = fileURLToPath(new URL('../fakes/fake-claude.ts', import.meta.url));
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const { contents } = outputFiles[0]!;
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 16);
  const path = join(tmpdir(), `fake-claude-${hash}.mjs`);
  if (existsSync(path)) return path;
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path);
  return path;
}

export interface Bench {
  readonly directory: string;
  readonly project: string;
  readonly dataDir: string;
  readonly url: string;
  readonly lines: string[];
  server: AgentServer;
  /** Starts the server again on the same data. */
  restart(): Promise<void>;
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: any }>;
  create(prompt?: string, more?: Record<string, unknown>): Promise<AgentInfo>;
  info(id: string): Promise<AgentInfo>;
  messages(id: string): Promise<Message[]>;
  /** Waits until the agent fits, asking every few milliseconds. */
  until(id: string, fits: (info: AgentInfo) => boolean, ms?: number): Promise<AgentInfo>;
  /** Waits for a pending request. */
  request(id: string): Promise<RequestMessage>;
  decide(
    id: string,
    requestId: string,
    decision: string,
    more?: Record<string, unknown>,
  ): Promise<{ status: number; body: any }>;
  live(hello?: Omit<Extract<LiveCommand, { type: 'hello' }>, 'type'>): Promise<LiveClient>;
  close(): Promise<void>;
}

export interface LiveClient {
  socket: Connection;
  seen: LiveMessage[];
  changes(): LiveChange[];
  send(command: LiveCommand): void;
  wait(fits: (message: LiveMessage) => boolean, ms?: number): Promise<LiveMessage>;
  closed: Promise<{ code: number }>;
}

export async function startBench(env: Env = {}): Promise<Bench> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'agent-bench-')));
  const project = join(directory, 'project');
  mkdirSync(project);
  const dataDir = join(directory, 'data');
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const start = () =>
    startAgentServer(
      readConfig({
        PORT: '0',
        DATA_DIR: dataDir,
        CLAUDE_BIN: FAKE_CLAUDE,
        CODEX_BIN: '/nonexistent/codex',
        TERMINAL: 'off',
        ...env,
      }),
      {
        log,
        version: 'test',
      },
    );
  const bench: Bench = {
    directory,
    project,
    dataDir,
    lines,
    server: await start(),
    get url() {
      return `http://127.0.0.1:${bench.server.port}`;
    },
    async restart() {
      bench.server = await start();
    },
    async call(method, path, body, headers = {}) {
      const response = await fetch(bench.url + path, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text ? JSON.parse(text) : null };
    },
    async create(prompt, more = {}) {
      const { status, body } = await bench.call('POST', '/api/agents', { directory: project, prompt, ...more });
      if (status !== 201) throw new Error(`not created: ${status} ${JSON.stringify(body)}`);
      return body;
    },
    info: async (id) => (await bench.call('GET', `/api/agents/${id}`)).body,
    messages: async (id) => (await bench.call('GET', `/api/agents/${id}/messages?limit=1000`)).body.messages,
    async until(id, fits, ms = 10_000) {
      const end = Date.now() + ms;
      for (;;) {
        const info = await bench.info(id);
        if (fits(info)) return info;
        if (Date.now() > end) throw new Error(`not seen in ${ms} ms; now ${JSON.stringify(info)}`);
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
    },
    async request(id) {
      const info = await bench.until(id, ({ pending }) => pending.length > 0);
      return (await bench.messages(id)).find((message) => message.id === info.pending[0]) as RequestMessage;
    },
    decide: (id, requestId, decision, more = {}) =>
      bench.call('POST', `/api/agents/${id}/permissions/${requestId}`, { decision, ...more }),
    live: (hello) => liveClient(bench.url, hello),
    async close() {
      await bench.server.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  return bench;
}

export async function liveClient(
  url: string,
  hello: Omit<Extract<LiveCommand, { type: 'hello' }>, 'type'> = {},
  headers: Record<string, string> = {},
): Promise<LiveClient> {
  const socket = await dial(`${url.replace('http', 'ws')}/api/live`, {
    headers: { origin: url, ...headers },
    deflate: true,
  });
  const seen: LiveMessage[] = [];
  const waiting = new Set<() => void>();
  socket.onmessage = (data) => {
    seen.push(JSON.parse(String(data)));
    for (const look of [...waiting]) look();
  };
  const client: LiveClient = {
    socket,
    seen,
    closed: socket.closed,
    changes: () => seen.flatMap((message) => message.type === 'event' ? [message.change] : []),
    send: (command) => void socket.send(JSON.stringify(command)),
    wait: (fits, ms = 10_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`not seen in ${ms} ms; last: ${seen.slice(-8).map((m) => JSON.stringify(m)).join('\n')}`));
        }, ms);
        const look = () => {
          const found = seen.find(fits);
          if (!found) return;
          waiting.delete(look);
          clearTimeout(timer);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
  client.send({ type: 'hello', ...hello });
  await client.wait(({ type }) => type === 'welcome');
  return client;
}
