/**
 * A data folder that cannot be written: both programs run, show what there is, say what is wrong, and refuse what they could
 * not keep. At the start the disk is read-only; later it is full (Linux makes no disk read-only that has files open). Root
 * mounts a disk for this; others take their own rights away.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { FAKE_CLAUDE } from '../support/harness/agent-server.ts';
import { plainEnv, type Product, ROOT, startProduct, startProgram, until } from '../support/harness/product.ts';

const isRoot = process.getuid?.() === 0;
const REASON = isRoot ? /EROFS|read-only/ : /EACCES|permission/;

let product: Product;
let project: string;
let disk: string;
test.before(async () => {
  product = await startProduct({
    relayEnv: { RELAY_STATE: '', RELAY_AUDIT: '' },
    agentEnv: { CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent', TERMINAL: 'off' },
  });
  project = join(product.directory, 'project');
  mkdirSync(project);
  await product.agent!.kill();
  await product.relay!.kill();
  disk = join(product.directory, 'disk');
  mkdirSync(disk);
  if (isRoot) mount('-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk);
  await both();
});
test.after(async () => {
  await product?.agent?.kill('SIGKILL');
  await product?.relay?.kill('SIGKILL');
  if (isRoot) spawnSync('umount', ['-l', disk]);
  else writable(true);
  await product?.close();
});

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}

/** Under a running server. */
function full(yes: boolean): void {
  if (!isRoot) return writable(!yes);
  const filling = join(disk, 'filling');
  if (!yes) return rmSync(filling);
  // dd ends with an error when the disk is full.
  spawnSync('dd', ['if=/dev/zero', `of=${filling}`, 'bs=4096']);
}
const FULL = isRoot ? /ENOSPC|no space/ : REASON;

function writable(yes: boolean): void {
  if (isRoot) return mount('-o', `remount,${yes ? 'rw' : 'ro'}`, disk);
  const directories = [
    disk,
    ...readdirSync(disk, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name)),
  ];
  for (const directory of directories) chmodSync(directory, yes ? 0o700 : 0o500);
}

const STATE = () => ({
  RELAY_STATE: join(disk, 'relay-state.json'),
  RELAY_AUDIT: join(disk, 'relay-audit.log'),
  DATA_DIR: join(disk, 'data'),
});

async function both(): Promise<void> {
  await product.startRelay(STATE());
  await product.startAgent(STATE());
  await product.tunnel(true);
  await product.login();
}

async function call(method: string, path: string, body?: unknown) {
  const response = await product.fetch(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: response.status, body: await response.json() };
}
const warnings = async () =>
  ((await call('GET', '/api/health')).body.warnings as { code: string; text: string }[]).map(({ text }) => text);
const info = async (id: string) => (await call('GET', `/api/agents/${id}`)).body as AgentInfo;

async function refusals(id: string, reason: RegExp): Promise<void> {
  const result = await call('POST', '/api/agents', { directory: project, prompt: 'hello' });
  assert.is(result.status, 507, JSON.stringify(result.body));
  assert.match(result.body.error, reason);
  const sent = await call('POST', `/api/agents/${id}/message`, { text: 'hello again '.repeat(1000) });
  assert.is(sent.status, 507, JSON.stringify(sent.body));
  assert.match(sent.body.error, reason);
}

let retained: AgentInfo;

test('the disk is full under a running agent: it can be watched and stopped, and the owner is told', async () => {
  retained = (await call('POST', '/api/agents', { directory: project, prompt: 'hello' })).body;
  await until('an answer', async () => (await info(retained.id)).state === 'idle');
  const busy = (await call('POST', '/api/agents', { directory: project, prompt: 'long 2000 20' })).body as AgentInfo;
  await until('a stream', async () => (await info(busy.id)).state === 'running');
  full(true);
  try {
    await refusals(retained.id, FULL);
    assert.ok((await warnings()).some((text) => FULL.test(text)), JSON.stringify(await warnings()));
    await call('POST', `/api/agents/${busy.id}/stop`, {});
    await until('stopped', async () => ['stopped', 'error'].includes((await info(busy.id)).state), 8000);
    assert.is((await info(busy.id)).cli.running, false);
    assert.is(product.agent!.child.exitCode, null);
  } finally {
    full(false);
  }
  const sent = await call('POST', `/api/agents/${retained.id}/message`, { text: 'back again' });
  assert.is(sent.status, 200, JSON.stringify(sent.body));
  await until('the warning goes away', async () => (await warnings()).every((text) => !FULL.test(text)), 8000);
  await until('an answer', async () => (await info(retained.id)).state === 'idle');
});

test('started on a read-only disk: relay and agent run, show what was kept, and say so', async () => {
  await product.agent!.kill();
  await product.relay!.kill();
  writable(false);
  try {
    await both();
    assert.match(product.relay!.output(), 'Logins are kept in memory only');
    assert.match(product.agent!.output(), REASON);
    assert.ok((await warnings()).some((text) => text.includes(join(disk, 'data')) && REASON.test(text)));
    const page = await call('GET', `/api/agents/${retained.id}/messages`);
    assert.match(JSON.stringify(page.body.messages), 'back again');
    await refusals(retained.id, REASON);
  } finally {
    writable(true);
  }
});

test('the first start of all, on a read-only disk: the dashboard is there and says why nothing can be done', async () => {
  await product.agent!.kill();
  writable(false);
  try {
    await product.startAgent({ ...STATE(), DATA_DIR: join(disk, 'never', 'made') });
    await product.tunnel(true);
    assert.ok((await warnings()).some((text) => text.includes('never') && REASON.test(text)));
    assert.equal((await call('GET', '/api/agents')).body, []);
    const created = await call('POST', '/api/agents', { directory: project, prompt: 'hello' });
    assert.is(created.status, 507, JSON.stringify(created.body));
  } finally {
    writable(true);
  }
});

test('a second server is refused, on a read-only disk as well', async () => {
  await product.agent!.kill();
  await product.startAgent(STATE());
  writable(false);
  try {
    const second = startProgram(
      process.execPath,
      ['--import', 'tsx', join(ROOT, 'agent/main.ts')],
      plainEnv({ ...STATE(), PORT: '0', CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent', TERMINAL: 'off' }),
    );
    await until('the second ends', () => second.child.exitCode !== null);
    assert.is(second.child.exitCode, 1);
    assert.match(second.output(), `pid ${product.agent!.child.pid}`);
  } finally {
    writable(true);
  }
});

test.run();
