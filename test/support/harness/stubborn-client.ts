/** A client that tries again with the same id until it is answered, through cuts of its requests and of the tunnel. */
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../../core/api/agents.ts';
import type { Message } from '../../../core/api/messages.ts';
import { type Product, until } from './product.ts';

interface Answer {
  status: number;
  body: any;
}

export interface StubbornOptions {
  /** In front of each path: the address of one machine. */
  prefix?: string;
  /** Where it reaches the relay, when that is not the relay's own address. */
  origin?: string;
  /** How long it asks for something, ms. */
  waitMs?: number;
}

export class StubbornClient {
  readonly #product: Product;
  readonly #options: StubbornOptions;
  #loggedIn: Promise<string> | null = null;

  constructor(product: Product, options: StubbornOptions = {}) {
    this.#product = product;
    this.#options = options;
  }

  cookie(): Promise<string> {
    return this.#loggedIn ??= this.#product.login();
  }

  async request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
    const { prefix = '', origin = this.#product.relayUrl } = this.#options;
    const response = await fetch(origin + prefix + path, {
      method,
      headers: {
        cookie: await this.cookie(),
        origin,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
    return { status: response.status, body: await response.json() };
  }

  /** Until the tunnel is up again. */
  async get(path: string): Promise<any> {
    const answers: string[] = [];
    return await until(() => `${path}: ${answers.slice(-20).join('; ')}`, async () => {
      const started = Date.now();
      const answer = await this.request('GET', path)
        .catch((error: Error) => ({ status: 0, body: error.cause ?? error }));
      const detail = answer.status === 200 ? '' : JSON.stringify(answer.body);
      answers.push(`${answer.status} after ${Date.now() - started} ms ${detail}`);
      return answer.status === 200 ? answer.body : null;
    }, this.#options.waitMs);
  }

  info(id: string): Promise<AgentInfo> {
    return this.get(`/api/agents/${id}`);
  }

  async post(path: string, body: unknown, method = 'POST'): Promise<any> {
    const { status, body: answer } = await this.request(method, path, body);
    assert.ok(status < 300, JSON.stringify(answer));
    return answer;
  }

  async history(id: string): Promise<Message[]> {
    const all: Message[] = [];
    for (;;) {
      const { messages } = await this.get(`/api/agents/${id}/messages?after=${all.at(-1)?.seq ?? 0}&limit=1000`);
      if (!messages.length) return all;
      all.push(...messages);
    }
  }

  /** Posts, is cut at a random moment, posts again, until it has the answer. @returns attempts */
  async stubbornly(random: () => number, path: string, body: unknown): Promise<number> {
    for (let attempt = 1;; attempt++) {
      const abort = new AbortController();
      // The first tries are cut, most of them in the middle of what they do.
      const timer = attempt <= 2 ? setTimeout(() => abort.abort(), random() * 25) : null;
      const answer = await this.request('POST', path, body, abort.signal).catch(() => null);
      if (timer) clearTimeout(timer);
      if (answer?.status === 200) return attempt;
      assert.ok(!answer || [502, 503, 504].includes(answer.status), JSON.stringify(answer));
      if (answer) await new Promise((resolve) => setTimeout(resolve, 50));
      assert.ok(attempt < 2000, 'never answered');
    }
  }
}
