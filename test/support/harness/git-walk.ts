/** A server with an agent's worktree, every route that asks git, and the programs that each ran. */
import { execFileSync } from 'node:child_process';
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../../core/api/agents.ts';
import { createHttpServer } from '../../../core/http/server.ts';
import { Router } from '../../../core/http/router.ts';
import { agentRoutes } from '../../../agent/api/agents.ts';
import { fileRoutes } from '../../../agent/api/files.ts';
import { workspaceRoutes } from '../../../agent/api/workspace.ts';
import { Uploads } from '../../../agent/files/uploads.ts';
import { Registry } from '../../../agent/session/registry.ts';
import { DEFAULT_SETTINGS } from '../../../agent/settings/settings.ts';
import { createWorkspace } from '../../../agent/workspace/workspace.ts';
import { scriptedProvider } from '../fakes/scripted-provider.ts';
import { testContext } from '../fakes/test-context.ts';
import { type Canaries, createCanaries } from './git-canaries.ts';
import { commitAll, makeRepository, temporaryDirectory, writeFiles } from './git.ts';

export interface Reply {
  status: number;
  body: any;
  text: string;
}

export interface WalkFixture {
  directory: string;
  repo: string;
  tree: string;
  agent: AgentInfo;
  canaries: Canaries;
  ask(method: string, path: string, body?: unknown): Promise<Reply>;
}

export const FILES = {
  'a.txt': 'one\n',
  'guarded.txt': 'one\n',
  'both.txt': '1\n2\n3\n4\n5\n6\n7\n',
  'sub/c.txt': 'one\n',
};

/** A server with an agent, whose branch and whose base have each a commit. Its files are changed after that by `work`. */
export async function withAgent(
  options: { worktree?: boolean; prepare?(place: { directory: string; repo: string }): void },
  run: (fixture: WalkFixture) => Promise<void>,
): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  const context = testContext({ dataDir: join(directory, 'data') });
  const repo = makeRepository(join(directory, 'repo'), FILES);
  options.prepare?.({ directory, repo });
  const workspace = createWorkspace(context, () => DEFAULT_SETTINGS);
  const agents = await Registry.open({
    context,
    providers: { get: (name) => scriptedProvider(name) },
    workspace,
  });
  const router = new Router((error) => context.log.error(String((error as Error).stack)));
  agentRoutes(router, agents);
  workspaceRoutes(router, agents, workspace);
  fileRoutes(router, agents, workspace.isolation, new Uploads(join(directory, 'uploads'), Date.now));
  const server = createHttpServer({ handler: router.handle, log: context.log });
  const { port } = await server.listen(0, '127.0.0.1');
  try {
    const agent = await agents.create({ directory: repo, flags: { worktree: options.worktree ?? true } }, 'test');
    const tree = agent.worktree?.path ?? repo;
    if (agent.worktree) {
      writeFiles(tree, { 'agent.txt': 'work\n', 'both.txt': '1\n2\n3\n4\n5\n6\nagent\n' });
      commitAll(tree, 'work of the agent');
    }
    writeFiles(repo, { 'base.txt': 'base\n', 'both.txt': 'base\n2\n3\n4\n5\n6\n7\n' });
    commitAll(repo, 'work in the base');
    const ask = async (method: string, path: string, body?: unknown): Promise<Reply> => {
      const response = await fetch(`http://127.0.0.1:${port}/api/agents/${agent.id}${path}`, {
        method,
        headers: { 'content-type': 'application/json', connection: 'close' },
        ...body === undefined ? {} : { body: JSON.stringify(body) },
      });
      const text = await response.text();
      return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : null };
    };
    await run({ directory, repo, tree, agent, canaries: createCanaries(join(directory, 'canaries')), ask });
  } finally {
    await server.close(100);
    await agents.close();
    remove();
  }
}

/** Changes in every state (of the same size, so that git has to read what is in the file): a file with attributes, one without, a new one, a removed one. */
export function work(tree: string): void {
  writeFiles(tree, {
    'a.txt': 'two\n',
    'guarded.txt': 'two\n',
    'new.txt': 'new\n',
    'guarded-new.txt': 'new\n',
  });
  unlinkSync(join(tree, 'sub/c.txt'));
}

/** Every route, and after each the programs that it ran. Gives the replies. */
export async function walk({ tree, agent, canaries, ask }: WalkFixture): Promise<Record<string, Reply>> {
  const replies: Record<string, Reply> = {};
  const step = async (method: string, path: string, body?: unknown, name = `${method} ${path}`) => {
    const reply = replies[name] = await ask(method, path, body);
    assert.equal(canaries.runs(), [], `${name} → ${reply.status} ${reply.text.slice(0, 300)}`);
    assert.ok(reply.status < 500, `${name} → ${reply.status} ${reply.text}`);
    return reply;
  };
  const { body } = await step('GET', '/changes');
  for (const { path } of body.files ?? []) await step('GET', `/changes/file?path=${encodeURIComponent(path)}`);
  await step('GET', '/changes/patch');
  await step('GET', '/files/search?q=a');
  if (agent.worktree) await step('DELETE', '');
  await step('POST', '/changes/commit', { message: 'all' }, 'commit all');
  await step('POST', '/changes/commit', { message: 'some', paths: ['a.txt', 'new.txt'] }, 'commit some');
  await step('POST', '/changes/merge', {}, 'merge with changes');
  await step('POST', '/changes/discard', { paths: ['guarded.txt'] }, 'discard guarded');
  await step(
    'POST',
    '/changes/discard',
    { paths: ['guarded-new.txt', 'sub/c.txt'] },
    'discard some',
  );
  await step('POST', '/changes/discard', { all: true }, 'discard all');
  if (agent.worktree) writeFiles(tree, { 'guarded.txt': FILES['guarded.txt'] });
  await step('POST', '/changes/discard', { paths: ['.gitattributes', '.settings'] }, 'discard attributes');
  await step('POST', '/changes/merge', {}, 'merge');
  await step('GET', '/changes', undefined, 'changes again');
  writeFiles(tree, { 'rest.txt': 'work\n' });
  await step('DELETE', '', undefined, 'delete again');
  return replies;
}

/** Plain git does run them there: the canaries sing. */
export function runsByGit(canaries: Canaries, directory: string, ...commands: string[][]): string[] {
  for (const args of commands) {
    const env = { PATH: process.env.PATH, HOME: '/nonexistent' };
    try {
      execFileSync('git', args, { cwd: directory, env, stdio: 'pipe', timeout: 20_000 });
    } catch { /* a canary is no filter */ }
  }
  return canaries.runs();
}

export const IDENTITY = [
  'user.name=T',
  'user.email=t@example.org',
  'commit.gpgSign=false',
  'merge.verifySignatures=false',
]
  .flatMap((setting) => ['-c', setting]);
export const LOOK = [['status'], ['-c', 'core.fsmonitor=false', 'status'], ['diff', 'HEAD'], ['add', '--dry-run', '.']];
