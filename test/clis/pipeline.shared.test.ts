/** A pipeline with the real Claude Code, on a real repository, through a kill -9 of everything in the middle. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { PipelineStatus, Task } from '../../core/api/tasks.ts';
import { CLAUDE_BIN, claudeEnv } from '../support/harness/claude-harness.ts';
import { makeRepository, runGit } from '../support/harness/git.ts';
import { killAll } from '../support/harness/kill-all.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';
import { startAnthropicStub } from '../support/stubs/stub-anthropic.mjs';

/** An agent that makes one file with its shell and says so. */
const makes = (name: string, more = {}) => [
  { tool: { name: 'Bash', input: { command: `echo ${name} > ${name}.txt`, description: 'Make a file' } }, ...more },
  { text: `Made ${name}.` },
];

const REFUSAL = { error: { status: 400, type: 'invalid_request_error', message: 'stub says no' } };

const scenario = (isCRefused: boolean) => ({
  rules: [
    { match: '^task a', steps: makes('a') },
    { match: '^task b', steps: makes('b', { firstByteMs: 500 }) },
    { match: '^task c', steps: isCRefused ? [REFUSAL] : makes('c') },
    // Never ends by itself, so that it is killed in the middle; it goes on with the next prompt.
    { match: '^task d', steps: [{ text: 'I begin.', hang: true }] },
    { match: 'restarted while you worked', steps: makes('d') },
    { match: '^task e', steps: makes('e') },
  ],
});

async function ask<T>(product: Product, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(product.localUrl + path, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer as T;
}

test('five tasks: two side by side, one fails and is retried, all is killed; all is done and merged', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pipeline-'));
  for (const name of ['claude', 'tmp']) mkdirSync(join(directory, name));
  const repo = makeRepository(join(directory, 'repo'));
  const stub = await startAnthropicStub({ scenario: scenario(true) });
  const env = { ...claudeEnv(directory, stub.url), CLAUDE_BIN, IS_SANDBOX: '1' };
  const product = await startProduct({ withRelay: false, agentEnv: env });
  const statuses = async () =>
    Object.fromEntries((await ask<Task[]>(product, 'GET', '/api/tasks')).map((task) => [task.name, task.status]));
  const reach = (expected: Record<string, string>) => {
    let last: Record<string, string> = {};
    return until(
      () => `${JSON.stringify(expected)}, but ${JSON.stringify(last)}\n${product.agent?.output()}`,
      async () => {
        last = await statuses();
        return Object.entries(expected).every(([name, status]) => last[name] === status);
      },
      60_000,
    );
  };
  try {
    await ask(product, 'PUT', '/api/tasks/meta/config', {
      mergeCompleted: true,
      pollIntervalMs: 1000,
      defaultDirectory: repo,
    });
    const ids: Record<string, string> = {};
    for (const [name, order] of [['a', 0], ['b', 1], ['c', 1], ['d', 2], ['e', 3]] as const) {
      const flags = { dangerouslySkipPermissions: true };
      ids[name] = (await ask<Task>(product, 'POST', '/api/tasks', { name, prompt: `task ${name}`, order, flags })).id;
    }
    await ask(product, 'POST', '/api/tasks/meta/start');

    await reach({ a: 'completed', b: 'completed', c: 'failed', d: 'blocked', e: 'blocked' });
    const failed = await ask<Task>(product, 'GET', `/api/tasks/${ids.c}`);
    assert.match(failed.error, /stub says no/);
    stub.setScenario(scenario(false));
    await ask(product, 'POST', `/api/tasks/${ids.c}/reset`);

    await reach({ c: 'completed', d: 'running' });
    const asked = () => stub.requests.some((request: { prompt?: string }) => request.prompt === 'task d');
    await until('the request of task d', asked);
    await killAll(product);
    await product.startAgent();

    await reach({ a: 'completed', b: 'completed', c: 'completed', d: 'completed', e: 'completed' });
    const ended = await until('the end of the pipeline', async () => {
      const status = await ask<PipelineStatus>(product, 'GET', '/api/tasks/meta/status');
      return status.running ? null : status;
    });
    assert.is(ended.counts.completed, 5);
    assert.equal(['a', 'b', 'c', 'd', 'e'].map((name) => existsSync(join(repo, `${name}.txt`))), Array(5).fill(true));
    assert.is(runGit(repo, 'status', '--porcelain'), '');
    const agents = await ask<AgentInfo[]>(product, 'GET', '/api/agents');
    assert.equal(agents.map((agent) => agent.name).sort(), ['a', 'b', 'c', 'c', 'd', 'e'], 'one agent an attempt');
    for (const { id } of agents) await ask(product, 'DELETE', `/api/agents/${id}`);
    assert.is(runGit(repo, 'branch', '--list', 'agent-*'), '', 'nothing was left unmerged');
  } finally {
    await product.agent?.kill('SIGTERM'); // ends its CLIs too
    await product.close();
    await stub.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
});

test.run();
