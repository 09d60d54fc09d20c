/**
 * Updates while turns run. From this version to the next (two builds of the package, one put in the place of the other, as npm does): nothing
 * ends. From the version before there were holders: what runs ends, and the conversation says so. Holders and servers of two versions of
 * their protocol agree on the older.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message } from '../../core/api/messages.ts';
import { holderDirectory, readRecords } from '../../agent/process/holder/records.ts';
import { isSameProcess } from '../../agent/process/identity.ts';
import { bundlePrograms } from '../../scripts/build-package.ts';
import { FAKE_CLAUDE } from '../support/harness/agent-server.ts';
import { FAKE_ACP } from '../support/harness/acp-session.ts';
import { checkOutOldVersion } from '../support/harness/old-version.ts';
import { freePort, plainEnv, type Program, ROOT, startProgram, until } from '../support/harness/product.ts';
import { endHolders } from '../../agent/process/holder/end.ts';
import { TestViewer } from '../support/harness/terminal-harness.ts';

/** The parent of the commit that let terminals outlive the server. */
const BEFORE_HOLDERS = '1192eb9^';
const FAKE_CODEX = fileURLToPath(new URL('../support/fakes/fake-codex.mjs', import.meta.url));

let directory: string;
let project: string;
test.before(() => {
  directory = mkdtempSync(join(tmpdir(), 'updates-'));
  project = join(directory, 'project');
  mkdirSync(project);
});
test.after(() => rmSync(directory, { recursive: true, force: true }));

/** A machine's data directory, and the servers that run on it one after another. */
class Machine {
  readonly dataDir: string;
  #port = 0;
  #program: Program | null = null;
  constructor(name: string) {
    this.dataDir = join(directory, name);
  }

  async start(main: string): Promise<void> {
    this.#port ||= await freePort();
    const env = plainEnv({
      ...{ DATA_DIR: this.dataDir, PORT: String(this.#port), CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: FAKE_CODEX },
      FAKE_CODEX_LOG: join(directory, 'codex.jsonl'),
    });
    const program = this.#program = startProgram(
      process.execPath,
      main.endsWith('.ts') ? ['--import', 'tsx', main] : [main],
      env,
      ROOT,
    );
    await until(() => `an answer; it printed ${program.output()}`, async () => {
      assert.is(program.child.exitCode, null, program.output());
      return await fetch(`${this.url}/api/health`).then((response) => response.ok, () => false);
    }, 60_000);
  }
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }
  get output(): string {
    return this.#program!.output();
  }
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#program?.kill(signal);
  }
  async close(): Promise<void> {
    await this.stop();
    await endHolders(this.dataDir);
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(this.url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }
  create(provider: string, prompt: string): Promise<AgentInfo> {
    const body = { provider, directory: project, prompt, flags: { worktree: false } };
    return this.call('POST', '/api/agents', body);
  }
  info(id: string): Promise<AgentInfo> {
    return this.call('GET', `/api/agents/${id}`);
  }
  async messages(id: string): Promise<Message[]> {
    return (await this.call<{ messages: Message[] }>('GET', `/api/agents/${id}/messages?limit=1000`)).messages;
  }
}

/** A build as npm installs it, of some version. */
async function build(name: string, version: string): Promise<string> {
  const root = join(directory, name);
  mkdirSync(root);
  await bundlePrograms(root);
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  writeFileSync(join(root, 'package.json'), JSON.stringify({ ...manifest, version }));
  mkdirSync(join(root, 'dist/ui'), { recursive: true });
  writeFileSync(join(root, 'dist/ui/index.html'), '<!doctype html><title>Agent Monitor</title>');
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  return root;
}

test('from this version to the next: turns, an open request and a terminal go on', async () => {
  const installed = await build('installed', '1.0.0');
  const next = await build('next', '1.0.1');
  const main = join(installed, 'agent/main.mjs');
  const machine = new Machine('update');
  try {
    await machine.start(main);
    const acpEnv = { ACP_SCRIPT: JSON.stringify({ unique: true }) };
    const acpAgents = [{ id: 'fake', name: 'Fake', command: FAKE_ACP, args: [], env: acpEnv }];
    await machine.call('PUT', '/api/settings', { acpAgents });
    const writers = [
      await machine.create('claude', 'size 6000 20 20'),
      await machine.create('codex', 'size 6000 20'),
      await machine.create('fake', 'size 6000 20'),
    ];
    const asker = await machine.create('codex', 'run echo x');
    const { id: terminal } = await machine.call<{ id: string }>('POST', '/api/terminals', {
      ...{ directory: project, clientId: randomUUID() },
    });
    const headers = { origin: machine.url };
    const viewer = await TestViewer.open(machine.url.replace('http', 'ws'), terminal, { headers });
    viewer.type('VALUE=here\r');
    await until(
      'all write',
      async () =>
        (await Promise.all(writers.map(({ id }) => machine.info(id)))).every(({ preview }) =>
          preview.includes('abc') || preview.length > 20
        ),
    );
    const pending = await until('it asks', async () => (await machine.info(asker.id)).pending[0]);
    const records = readRecords(holderDirectory(machine.dataDir));
    assert.is(records.length, 5);
    assert.ok(records.every(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('.cjs')), 'built');
    // As npm does it: the old files are gone when the new ones are there.
    renameSync(installed, join(directory, 'removed'));
    renameSync(next, installed);
    rmSync(join(directory, 'removed'), { recursive: true });
    await machine.stop();
    await machine.start(main);
    assert.is((await machine.call<{ version: string }>('GET', '/api/health')).version, '1.0.1');
    assert.ok(records.every(({ process: holder, child }) => isSameProcess(holder!) && isSameProcess(child!)));
    assert.equal((await machine.info(asker.id)).pending, [pending]);
    await machine.call('POST', `/api/agents/${asker.id}/permissions/${pending}`, {
      decision: 'allow',
      clientId: randomUUID(),
    });
    for (const { id } of [...writers, asker]) {
      await until('its turn ends', async () => (await machine.info(id)).state === 'idle', 60_000);
      const messages = await machine.messages(id);
      assert.is(messages.filter(({ kind }) => kind === 'turn').length, 1);
      assert.equal(messages.filter((message) => message.kind === 'notice' && message.level !== 'info'), []);
    }
    for (const { id } of writers) {
      const texts = (await machine.messages(id)).flatMap((message) =>
        message.kind === 'text' ? [message.text.length] : []
      );
      assert.equal(texts, [6000]);
    }
    const back = await TestViewer.open(machine.url.replace('http', 'ws'), terminal, { headers });
    back.type('echo still-$VALUE\r');
    await back.sees('still-here');
  } finally {
    await machine.close();
  }
});

test('from the version before holders: a turn that runs ends with the server, and that is said', async () => {
  const old = checkOutOldVersion(BEFORE_HOLDERS);
  const machine = new Machine('old');
  try {
    await machine.start(join(old.root, 'agent/main.ts'));
    const { id } = await machine.create('claude', 'long 5000 20');
    await until('it writes', async () => (await machine.info(id)).preview.includes('word'));
    await machine.stop();
    await machine.start(join(ROOT, 'agent/main.ts'));
    const { state, cli } = await machine.info(id);
    assert.equal([state, cli.running], ['stopped', false]);
    const notices = (await machine.messages(id)).flatMap((message) => message.kind === 'notice' ? [message] : []);
    assert.equal(notices.map(({ code }) => code), ['interrupted']);
    assert.match(
      notices[0]!.text,
      'The agent server was stopped while this session was at work. Send a message to go on',
    );
    await machine.call('POST', `/api/agents/${id}/message`, { text: 'hello', clientId: randomUUID() });
    await until('it goes on', async () => (await machine.info(id)).state === 'idle' && existsSync(machine.dataDir));
  } finally {
    await machine.close();
    old.remove();
  }
});

test.run();
