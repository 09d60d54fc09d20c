/**
 * The real Codex at its account's limit, as its API says it (429 usage_limit_reached and the headers of the windows): agents wait with the
 * time of the reset, the server is killed in between, and after the reset each that is to goes on once.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { UsageReport } from '../../core/api/usage.ts';
import { GO_ON_TEXT } from '../../agent/usage/go-on.ts';
import { CODEX_BIN, codexConfig } from '../support/harness/codex-harness.ts';
import { freePort, startProduct, until } from '../support/harness/product.ts';
import { startOpenAIStub } from '../support/stubs/stub-openai.mjs';

/** The limit is reset so long after the agents have reached it, s. */
const RESET_S = 20;

const headers = (used: number, resetsAt: number) => ({
  'x-codex-primary-used-percent': String(used),
  'x-codex-primary-window-minutes': '300',
  'x-codex-primary-reset-at': String(resetsAt),
});

test('agents of Codex at one limit, a server that is killed: each goes on once, but the one that was told not to', async () => {
  const stub = await startOpenAIStub({ scenario: { rules: [], default: { text: 'Stub answer.' } } });
  const home = join(process.env.TMPDIR ?? '/tmp', `codex-limits-${process.pid}-${await freePort()}`);
  for (const name of ['codex', 'project']) mkdirSync(join(home, name), { recursive: true });
  writeFileSync(join(home, 'codex/config.toml'), codexConfig(stub.url));
  const env = { HOME: home, CODEX_HOME: join(home, 'codex'), STUB_API_KEY: 'dummy' };
  const agentEnv = { ...env, CODEX_BIN, CLAUDE_BIN: '/nonexistent', TERMINAL: 'off' };
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
  const shown = async () =>
    JSON.stringify((await all()).map(({ name, state, stateText, limit }) => ({ name, state, stateText, limit })));
  const states = async () => (await all()).map(({ state }) => state).sort().join();
  try {
    const resetsAt = Math.floor(Date.now() / 1000) + RESET_S;
    const error = {
      ...{ status: 429, type: 'usage_limit_reached', message: 'The usage limit has been reached' },
      ...{ extra: { plan_type: 'plus', resets_at: resetsAt }, headers: headers(100, resetsAt) },
    };
    stub.setScenario({ rules: [], default: { error } });
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      const { id } = await call<AgentInfo>('POST', '/api/agents', {
        ...{ provider: 'codex', directory: join(home, 'project'), name, prompt: `work on ${name}` },
        flags: { worktree: false },
      });
      ids.push(id);
      await call('PUT', `/api/agents/${id}/go-on`, { goOn: true });
    }
    let seen = '';
    await until(() => `all wait: ${seen}`, async () => {
      seen = await shown();
      return await states() === 'waiting_limit,waiting_limit,waiting_limit';
    }, 60_000);
    assert.equal((await all()).map(({ limit }) => limit?.resetsAt), [1, 2, 3].map(() => resetsAt * 1000));
    const window = (await call<UsageReport>('GET', '/api/usage')).meters[0]?.windows[0];
    assert.equal([window?.minutes, window?.isReached, window?.resetsAt], [300, true, resetsAt * 1000]);
    await call('PUT', `/api/agents/${ids[2]}/go-on`, { goOn: false });
    await product.agent!.kill('SIGKILL');
    stub.setScenario({ rules: [], default: { text: 'Stub answer.', headers: headers(1, resetsAt + 18_000) } });
    await product.startAgent();
    await until('they went on', async () => await states() === 'idle,idle,waiting_limit', 120_000);
    const asked = stub.requests.filter(({ prompt }) => prompt?.includes(GO_ON_TEXT)).length;
    assert.is(asked, 2, 'each asked the model once');
  } finally {
    await product.close();
    await stub.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
});

test.run();
