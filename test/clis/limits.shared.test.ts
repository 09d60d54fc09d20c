/**
 * The real Claude Code at its account's limit, as the headers of its API say it: three agents wait, one is told not to go on, the
 * server is killed in between, and after the reset each of the other two goes on once.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { UsageReport } from '../../core/api/usage.ts';
import { GO_ON_TEXT } from '../../agent/usage/go-on.ts';
import { CLAUDE_BIN, claudeEnv } from '../support/harness/claude-harness.ts';
import { freePort, startProduct, until } from '../support/harness/product.ts';
import { startAnthropicStub } from '../support/stubs/stub-anthropic.mjs';

/** The limit is reset so long after the agents have reached it, s. */
const RESET_S = 20;

const headers = (status: string, used: number, resetsAt: number) => ({
  'anthropic-ratelimit-unified-status': status,
  'anthropic-ratelimit-unified-reset': String(resetsAt),
  'anthropic-ratelimit-unified-representative-claim': 'five_hour',
  'anthropic-ratelimit-unified-5h-status': status,
  'anthropic-ratelimit-unified-5h-utilization': String(used),
  'anthropic-ratelimit-unified-5h-reset': String(resetsAt),
  'anthropic-ratelimit-unified-7d-status': 'allowed',
  'anthropic-ratelimit-unified-7d-utilization': '0.3',
  'anthropic-ratelimit-unified-7d-reset': String(resetsAt + 86_400),
});

test('three agents at one limit, a server that is killed: two go on once, the third does not', async () => {
  const stub = await startAnthropicStub({ scenario: { rules: [], default: { text: 'Stub answer.' } } });
  const home = join(process.env.TMPDIR ?? '/tmp', `limits-${process.pid}-${await freePort()}`);
  for (const name of ['claude', 'tmp', 'project']) mkdirSync(join(home, name), { recursive: true });
  const login = { ANTHROPIC_API_KEY: '', CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-dummy-dummy' };
  const agentEnv = { ...claudeEnv(home, stub.url), ...login, CLAUDE_BIN, CODEX_BIN: '/nonexistent', TERMINAL: 'off' };
  const product = await startProduct({ withRelay: false, agentEnv });
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(product.localUrl + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    assert.ok(response.ok, `${path}: ${response.status}`);
    return await response.json() as T;
  };
  const all = () => call<AgentInfo[]>('GET', '/api/agents');
  const states = async () => (await all()).map(({ state }) => state).sort();
  try {
    const resetsAt = Math.floor(Date.now() / 1000) + RESET_S;
    const error = {
      status: 429,
      type: 'rate_limit_error',
      message: 'limit',
      headers: headers('rejected', 1, resetsAt),
    };
    stub.setScenario({ rules: [], default: { error } });
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      const body = { directory: join(home, 'project'), name, prompt: `work on ${name}`, flags: { worktree: false } };
      const { id } = await call<AgentInfo>('POST', '/api/agents', body);
      ids.push(id);
      await call('PUT', `/api/agents/${id}/go-on`, { goOn: true });
    }
    const isWaiting = async () => (await states()).every((state) => state === 'waiting_limit');
    await until('all wait', isWaiting, 60_000);
    const { meters } = await call<UsageReport>('GET', '/api/usage');
    const window = meters[0]?.windows.find(({ id }) => id === 'five_hour');
    assert.equal([window?.isReached, window?.resetsAt], [true, resetsAt * 1000]);
    await call('PUT', `/api/agents/${ids[2]}/go-on`, { goOn: false });
    await product.agent!.kill('SIGKILL');
    stub.setScenario({
      rules: [],
      default: { text: 'Stub answer.', headers: headers('allowed', 0.01, resetsAt + 18_000) },
    });
    await product.startAgent();
    await until('they went on', async () => (await states()).join() === 'idle,idle,waiting_limit', 150_000);
    const goneOn = async (id: string) => {
      const { messages } = await call<{ messages: { kind: string; text?: string }[] }>(
        'GET',
        `/api/agents/${id}/messages`,
      );
      return messages.filter(({ kind, text }) => kind === 'user' && text === GO_ON_TEXT).length;
    };
    assert.equal(await Promise.all(ids.map(goneOn)), [1, 1, 0]);
    const asked = stub.requests.filter(({ prompt, aux }) => !aux && prompt?.includes(GO_ON_TEXT)).length;
    assert.is(asked, 2, 'each asked the model once');
    const { rows } = await call<UsageReport>('GET', '/api/usage');
    assert.equal(rows.map(({ name }) => name).sort().slice(0, 2), ['a', 'b']);
  } finally {
    await product.close();
    await stub.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
});

test.run();
