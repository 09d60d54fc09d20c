/** A client that tries again with the same id until it is answered, through cuts of its requests and of the tunnel. */
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../../core/api/agents.ts';
import type { Message } from '../../../core/api/messages.ts';
import { type Product, until } from './product.ts';

interface Answer {
  status: number;
  body: any;
}

export class StubbornClient {
  readonly #product: Product;
  #loggedIn: Promise<string> | null = null;

  constructor(product: Product) {
    this.#product = product;
  }

  cookie(): Promise<string> {
    return this.#loggedIn ??= this.#product.login();
  }

  async request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
    const response = await fetch(this.#product.relayUrl + path, {
      method,
      headers: {
        cookie: await this.cookie(),
        origin: this.#product.relayUrl,
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
    });
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
