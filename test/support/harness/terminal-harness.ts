/** Terminals behind a real local server, and viewers that speak the terminal socket as the page does. */
import { Buffer } from 'node:buffer';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpServer } from '../../../core/http/server.ts';
import { Router } from '../../../core/http/router.ts';
import { type Connection, dial } from '../../../core/websocket/mod.ts';
import { helloQuery, type TerminalMessage } from '../../../core/api/terminals.ts';
import type { TerminalInfo } from '../../../core/api/terminals.ts';
import { LocalToken } from '../../../agent/access/local-token.ts';
import { terminalRoutes } from '../../../agent/api/terminals.ts';
import { createTerminals, type Terminals } from '../../../agent/terminal/terminals.ts';
import type { Config } from '../../../agent/config.ts';
import { type FakeAgents, fakeAgents } from '../fakes/fake-agents.ts';
import { type TestContext, testContext } from '../fakes/test-context.ts';

/** Bytes that `sees` looks at. */
const RECENT = 64 * 1024;

export interface TerminalHarness {
  readonly context: TestContext;
  readonly agents: FakeAgents;
  readonly terminals: Terminals;
  readonly directory: string;
  readonly address: string;
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: any }>;
  open(body?: unknown): Promise<TerminalInfo>;
  view(id: string, options?: ViewOptions): Promise<TestViewer>;
  close(): Promise<void>;
}

export async function terminalHarness(config: Partial<Config> = {}): Promise<TerminalHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'terminals-'));
  const context = testContext({ dataDir: join(directory, 'data'), config: { defaultDirectory: directory, ...config } });
  const agents = fakeAgents(() => Date.now(), context.publish);
  const terminals = createTerminals(context, agents);
  const router = new Router((error) => console.error(error));
  const token = await LocalToken.create(join(directory, 'data'));
  terminalRoutes(router, { terminals, clock: context.clock, token, port: 0 });
  const server = createHttpServer({ handler: router.handle, log: context.log });
  const { port } = await server.listen(0, '127.0.0.1');
  const address = `127.0.0.1:${port}`;
  const lab: TerminalHarness = {
    context,
    agents,
    terminals,
    directory,
    address,
    async request(method, path, body, headers = {}) {
      const response = await fetch(`http://${address}${path}`, {
        method,
        headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return { status: response.status, body: await response.json() };
    },
    async open(body = {}) {
      const { status, body: result } = await lab.request('POST', '/api/terminals', body);
      if (status !== 201) throw new Error(`${status} ${result.error}`);
      return result;
    },
    view: (id, options) => TestViewer.open(`ws://${address}`, id, options),
    async close() {
      await terminals.close();
      await server.close(0);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return lab;
}

export interface ViewOptions {
  client?: string;
  offset?: number | null;
  cols?: number;
  rows?: number;
  active?: boolean;
  /** false: acknowledge nothing, until `acking` is set. */
  acking?: boolean;
  headers?: Record<string, string>;
}

let clients = 0;
export const newClient = (): string => `test-client-${++clients}`;

/** A viewer that keeps everything it was sent. */
export class TestViewer {
  readonly client: string;
  readonly messages: TerminalMessage[] = [];
  readonly socket: Connection;
  /** Output since the last attach with a reset; `offset` is where it ends. */
  output = Buffer.alloc(0);
  repaint = Buffer.alloc(0);
  offset = 0;
  acking: boolean;
  closed: { code: number; reason: string } | null = null;
  #painting = 0;
  #parts: Buffer[] = [];
  #watchers = new Set<() => void>();
  /** The end of the output, for what is asked after every message. */
  #recent = '';

  static async open(origin: string, id: string, options: ViewOptions = {}): Promise<TestViewer> {
    const { client = newClient(), offset = null, cols = 80, rows = 24, active = true } = options;
    const query = helloQuery({ client, offset, cols, rows, active });
    const socket = await dial(`${origin}/api/terminals/${id}/socket?${query}`, { headers: options.headers });
    return new TestViewer(socket, client, options.acking ?? true, offset ?? 0);
  }

  private constructor(socket: Connection, client: string, acking: boolean, offset: number) {
    this.socket = socket;
    this.client = client;
    this.acking = acking;
    this.offset = offset;
    socket.onmessage = (data) => {
      if (typeof data === 'string') this.#onText(JSON.parse(data));
      else this.#onBytes(Buffer.from(data));
      for (const watcher of this.#watchers) watcher();
    };
    socket.onclose = (code, reason) => {
      this.closed = { code, reason };
      for (const watcher of this.#watchers) watcher();
    };
  }

  #onText(message: TerminalMessage): void {
    this.messages.push(message);
    if (message.type !== 'attached') return;
    if (!message.reset && message.offset !== this.offset) throw new Error(`${message.offset}, not ${this.offset}`);
    this.#painting = message.repaint;
    this.offset = message.offset;
    if (!message.reset) return;
    this.repaint = this.output = Buffer.alloc(0);
    this.#parts = [];
  }

  #onBytes(bytes: Buffer): void {
    if (this.#painting > 0) {
      this.repaint = Buffer.concat([this.repaint, bytes]);
      this.#painting -= bytes.length;
      return;
    }
    this.#parts.push(bytes);
    this.#recent = (this.#recent + bytes.toString('latin1')).slice(-RECENT);
    this.offset += bytes.length;
    if (this.acking) this.ack();
  }

  ack(): void {
    this.socket.send(JSON.stringify({ type: 'ack', offset: this.offset }));
  }

  resize(cols: number, rows: number, active = true): void {
    this.socket.send(JSON.stringify({ type: 'size', cols, rows, active }));
  }

  type(text: string): void {
    this.socket.send(Buffer.from(text));
  }

  /** Everything since the last reset, without the repaint. */
  bytes(): Buffer {
    if (this.#parts.length) this.output = Buffer.concat([this.output, ...this.#parts.splice(0)]);
    return this.output;
  }

  text(): string {
    return this.bytes().toString();
  }

  last<T extends TerminalMessage['type']>(type: T): Extract<TerminalMessage, { type: T }> | undefined {
    return this.messages.findLast((message) => message.type === type) as never;
  }

  /** Resolves when `check` gives a value that counts; it is asked after each message. */
  until<T>(what: string, check: () => T, ms = 10_000): Promise<NonNullable<T>> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(look);
        const { messages, closed } = this;
        reject(
          new Error(
            `not seen: ${what}\n${JSON.stringify({ messages: messages.slice(-5), closed })}\n${
              this.text().slice(-500)
            }`,
          ),
        );
      }, ms);
      const look = () => {
        const value = check();
        if (value === false || value === null || value === undefined) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve(value as NonNullable<T>);
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Waits until the end of the output (RECENT bytes) matches. */
  sees(pattern: RegExp | string, ms?: number): Promise<true> {
    return this.until(String(pattern), () => {
      const text = Buffer.from(this.#recent, 'latin1').toString();
      return (typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text)) || null;
    }, ms);
  }

  /** Cuts the connection as a broken network does. */
  async cut(): Promise<void> {
    this.socket.terminate();
    await this.until('closed', () => this.closed);
  }
}
