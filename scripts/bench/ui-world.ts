/** What `npm run bench:ui` measures in: one version of the program with its relay, its agents and its lists of agents. */
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { AgentInfo } from '../../core/api/agents.ts';
import { agent } from '../../test/support/fakes/ui-data.ts';
import { type Mock, startMock } from '../../test/support/fakes/ui-mock.ts';
import { type Product, ROOT, startProduct, until } from '../../test/support/harness/product.ts';

/** A version that is measured. */
export interface Version {
  name: string;
  /** Its checkout, built. */
  root: string;
  close(): void;
}

/** This checkout, built as it is. */
export function ownVersion(): Version {
  build(ROOT);
  return { name: 'now', root: ROOT, close() {} };
}

/** Another commit of this repository, in a directory of its own, with the packages of this one. */
export function versionOf(commit: string): Version {
  const directory = mkdtempSync(join(tmpdir(), 'bench-ui-'));
  const root = join(directory, 'source');
  execFileSync('git', ['worktree', 'add', '--quiet', '--detach', root, commit], { cwd: ROOT, stdio: 'inherit' });
  const close = () => {
    execFileSync('git', ['worktree', 'remove', '--force', root], { cwd: ROOT, stdio: 'inherit' });
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    if (!existsSync(join(root, 'node_modules'))) symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
    build(root);
  } catch (error) {
    close();
    throw error;
  }
  const name = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  return { name, root, close };
}

const build = (root: string): unknown =>
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], { cwd: root, stdio: 'ignore' });

/** Turns of the conversation that is opened. */
const TURNS = 40;
/** Agents of the dashboard that is started. */
const AGENTS = 6;

export interface World {
  readonly product: Product;
  /** Cookie header of a login at the relay. */
  readonly cookie: string;
  /** An agent with a conversation. */
  readonly talker: string;
  close(): Promise<void>;
}

/** Relay and agent of a version, each a process, with agents of the scripted CLI. */
export async function openWorld({ root }: Version): Promise<World> {
  const agentEnv = { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') };
  const product = await startProduct({ relayRoot: root, agentRoot: root, agentEnv });
  try {
    await product.tunnel(true);
    const cookie = await product.login();
    const ids: string[] = [];
    for (let i = 0; i < AGENTS; i++) ids.push(await createAgent(product, `agent-${i}`));
    await converse(product, ids[0]!);
    return { product, cookie, talker: ids[0]!, close: () => product.close() };
  } catch (error) {
    await product.close();
    throw error;
  }
}

async function createAgent(product: Product, name: string): Promise<string> {
  const directory = join(product.directory, name);
  mkdirSync(directory);
  const { id } = await call(product, '/api/agents', { name, directory, prompt: 'hello' }) as AgentInfo;
  await isIdle(product, id);
  return id;
}

async function converse(product: Product, id: string): Promise<void> {
  for (let i = 0; i < TURNS; i++) {
    await call(product, `/api/agents/${id}/message`, { text: `Tell me about step ${i}`, clientId: randomUUID() });
    await isIdle(product, id);
  }
}

async function isIdle(product: Product, id: string): Promise<void> {
  await until('a turn to end', async () => {
    const { state } = await call(product, `/api/agents/${id}`) as AgentInfo;
    return state === 'idle' || state === 'waiting_input';
  });
}

async function call({ localUrl }: Product, path: string, body?: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(localUrl + path, body ? { method: 'POST', headers, body: JSON.stringify(body) } : {});
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}

/** The same in every run, and as hard to compress as a random one. */
const idOf = (name: string): string =>
  createHash('sha256').update(name).digest('hex').slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

/** The dashboard of a version before a feed that tells of so many agents. */
export async function openList({ root }: Version, count: number): Promise<Mock> {
  const mock = await startMock({ assets: join(root, 'dist/ui') });
  for (let i = 0; i < count; i++) {
    const state = i % 10 ? 'idle' : 'running';
    const preview = `The total of invoice ${i} is rounded once, at the end; ${i % 7} tests cover it.`;
    const [id, sessionId] = [idOf(`agent ${i}`), idOf(`session ${i}`)];
    const info = agent({ id, sessionId, name: `Task ${i}`, state, preview, directory: `/srv/shop-${i % 12}` });
    mock.agents.set(info.id, info);
  }
  return mock;
}
