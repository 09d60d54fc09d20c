/**
 * Writes test/vectors/data-<commit>: the data directory that an earlier version leaves when it is killed at work, and what that
 * version reads in it. Usage: tsx test/support/write-data-vector.ts PROJECT, a path that does not exist yet; it is in the records.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { AgentInfo } from '../../core/api/agents.ts';
import { FAKE_CLAUDE } from './harness/agent-server.ts';
import { makeRepository } from './harness/git.ts';
import { checkOutOldVersion, OLD_COMMIT } from './harness/old-version.ts';
import { type Product, ROOT, startProduct, until } from './harness/product.ts';
import { readServerState } from './harness/server-state.ts';

const TARGET = join(ROOT, `test/vectors/data-${OLD_COMMIT}`);
const ENV = { CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent/codex', TERMINAL: 'off' };

async function main(project: string): Promise<void> {
  const old = checkOutOldVersion();
  const start = () => startProduct({ withRelay: false, agentRoot: old.root, agentEnv: ENV });
  mkdirSync(project, { recursive: true });
  makeRepository(project, { 'a.txt': 'one\n', '.gitignore': '.env\n' });
  mkdirSync(`${project}-plain`);
  writeFileSync(`${project}-plain/CLAUDE.md`, 'Mine.\n');
  const product = await start();
  try {
    await work(product, project);
    const pids = ((await call(product, 'GET', '/api/agents')) as AgentInfo[]).flatMap(({ cli }) => cli.pid ?? []);
    await product.agent!.kill('SIGKILL');
    for (const pid of pids) spawnSync('kill', ['-9', String(pid)]);
    const killedAt = Date.now();
    rmSync(TARGET, { recursive: true, force: true });
    cpSync(product.dataDir, join(TARGET, 'files'), { recursive: true });
    await product.startAgent();
    const state = await readServerState(product.localUrl);
    writeFileSync(join(TARGET, 'expected.json'), JSON.stringify({ killedAt, state }, null, 1) + '\n');
  } finally {
    await product.close();
    old.remove();
    for (const path of [project, `${project}-plain`]) rmSync(path, { recursive: true, force: true });
  }
}

async function call(product: Product, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(product.localUrl + path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}

/** Agents in every state, a pipeline in the middle, settings and templates. */
async function work(product: Product, project: string): Promise<void> {
  const api = (method: string, path: string, body?: unknown) => call(product, method, path, body);
  const create = async (name: string, prompt: string, more: Record<string, unknown> = {}) =>
    await api('POST', '/api/agents', { name, prompt, directory: project, ...more }) as AgentInfo;
  const reaches = (id: string, state: string) =>
    until(`${id} ${state}`, async () => (await api('GET', `/api/agents/${id}`) as AgentInfo).state === state);
  const decide = async (id: string, body: Record<string, unknown>) => {
    await reaches(id, 'waiting_input');
    const { pending } = await api('GET', `/api/agents/${id}`) as AgentInfo;
    await api('POST', `/api/agents/${id}/permissions/${pending[0]}`, body);
  };

  await api('PUT', '/api/settings', {
    retentionHours: 0,
    defaults: { provider: 'claude', model: 'opus', flags: { effort: 'high' } },
    copyFiles: ['.env', 'config/*.local.json'],
    setupCommands: ['true'],
    roots: [project],
    notify: {
      adminEmail: 'me@example.org',
      whatsappPhone: '+4915112345678',
      events: { stuck: false },
      delaySeconds: 30,
    },
  });
  for (const name of ['Rules', 'Ünïcode 😀']) await api('POST', '/api/templates', { name, content: `# ${name}\n` });

  const done = await create('Done', 'hello');
  await reaches(done.id, 'idle');
  await api('PUT', `/api/agents/${done.id}/rename`, { name: 'Renamed' });
  const tools = await create('Tools', 'edit', { flags: { worktree: false, model: 'sonnet' } });
  await reaches(tools.id, 'idle');
  for (const text of ['todo', 'sub']) {
    await api('POST', `/api/agents/${tools.id}/message`, { text });
    await reaches(tools.id, 'running').catch(() => {});
    await reaches(tools.id, 'idle');
  }
  const decided = await create('Decided', 'bash echo allowed');
  await decide(decided.id, { decision: 'allow' });
  await reaches(decided.id, 'idle');
  const denied = await create('Denied', 'bash echo denied');
  await decide(denied.id, { decision: 'deny', message: 'Not that.' });
  await reaches(denied.id, 'idle');
  const answered = await create('Answered', 'ask');
  await decide(answered.id, { decision: 'answer', answers: { 'Which colour?': ['Blue'] } });
  await reaches(answered.id, 'idle');
  const stopped = await create('Stopped', 'long 5000 20');
  await reaches(stopped.id, 'running');
  await api('POST', `/api/agents/${stopped.id}/stop`);
  await reaches((await create('Failed', 'exit 3')).id, 'error');
  const instructed = await create('Instructed', 'hello', { directory: `${project}-plain`, claudeMd: 'Theirs.\n' });
  await reaches(instructed.id, 'idle');

  await api('PUT', '/api/tasks/meta/config', { defaultDirectory: project, stuckTimeoutMs: 60_000 });
  await api('POST', '/api/tasks', { name: 'First', prompt: 'hello', model: 'opus' });
  await api('POST', '/api/tasks', { name: 'Fails', prompt: 'exit 1', order: 1 });
  await api('POST', '/api/tasks', { name: 'Waits', prompt: 'hello', order: 2, flags: { allowedTools: ['Read'] } });
  await api('POST', '/api/tasks/meta/start');
  await until('two tasks over', async () => {
    const tasks = await api('GET', '/api/tasks') as { status: string }[];
    return tasks.map(({ status }) => status).join() === 'completed,failed,blocked';
  });

  await reaches((await create('Asks', 'bash touch never.txt')).id, 'waiting_input');
  await reaches((await create('Questions', 'ask')).id, 'waiting_input');
  const busy = await create('Busy', 'long 5000 20');
  await reaches(busy.id, 'running');
  await api('POST', `/api/agents/${busy.id}/message`, { text: 'and then this' });
  await new Promise((resolve) => setTimeout(resolve, 3000)); // journals and records are written in the background
}

const project = process.argv[2];
if (!project) throw new Error('Name the path of a project that does not exist yet.');
await main(project);
const size = readdirSync(TARGET, { recursive: true }).length;
console.log(`${TARGET}: ${size} files, ${readFileSync(join(TARGET, 'expected.json')).length} bytes expected`);
process.exit(0);
