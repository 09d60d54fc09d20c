/** Files as they were before a message, by the real Claude Code: byte for byte, and what would be lost is said before. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Registry } from '../../agent/session/registry.ts';
import { createWorkspace } from '../../agent/workspace/workspace.ts';
import { DEFAULT_SETTINGS } from '../../agent/settings/settings.ts';
import { type ClaudeHarness, claudeHarness } from '../support/harness/claude-harness.ts';
import { testContext } from '../support/fakes/test-context.ts';
import { until } from '../support/harness/product.ts';

const FILE = '{{re:working directory: (/[^ \\\\"]+)}}';
const write = (name: string, content: string) => ({
  tool: { name: 'Write', input: { file_path: `${FILE}/${name}`, content } },
});
const read = (name: string) => ({ tool: { name: 'Read', input: { file_path: `${FILE}/${name}` } } });
const edit = (name: string, old_string: string, new_string: string) => ({
  tool: { name: 'Edit', input: { file_path: `${FILE}/${name}`, old_string, new_string } },
});
const SCENARIO = {
  rules: [
    { match: 'first', steps: [read('odd.txt'), edit('odd.txt', 'one', 'two'), { text: 'first done' }] },
    { match: 'second', steps: [write('new.txt', 'new\n'), write('mine.txt', 'agent\n'), { text: 'second done' }] },
    { match: 'long', steps: [{ text: 'word '.repeat(400), chunk: 5, delayMs: 30 }] },
  ],
  default: { text: 'Stub answer.' },
};
/** Ends of lines of both kinds, none at the end, and no letters of ASCII. */
const ODD = Buffer.from('\ufeffone\r\nzwölf\n\tdrei\r\n\r\nüber 🙂', 'utf8');
const BINARY = randomBytes(2000);

let harness: ClaudeHarness;
let data: string;
let agents: Registry;
let id: string;

const open = () => {
  const context = testContext({ dataDir: data });
  const workspace = createWorkspace(context, () => ({ ...DEFAULT_SETTINGS }));
  return Registry.open({ context, providers: { get: () => harness.provider }, workspace });
};
const path = (name: string) => join(harness.project, name);
const isIdle = () => agents.info(id).state === 'idle';

async function say(text: string): Promise<string> {
  const { message } = await agents.send(id, { text }, 'test');
  await until(
    `the end of: ${text}`,
    () => isIdle() && agents.message(id, message.id)?.kind === 'user' && turnsBehind(message.seq) > 0,
  );
  return message.id;
}
const turnsBehind = (seq: number) =>
  agents.messages(id, { limit: 1000 }).messages.filter((message) => message.kind === 'turn' && message.seq > seq)
    .length;

const refusal = async (action: Promise<unknown>) =>
  await action.then(() => '', (error: { code: string; message: string }) => `${error.code}: ${error.message}`);

test.before(async () => {
  harness = await claudeHarness(SCENARIO);
  data = mkdtempSync(join(tmpdir(), 'rewind-data-'));
  writeFileSync(path('odd.txt'), ODD);
  writeFileSync(path('binary'), BINARY);
  agents = await open();
  ({ id } = await agents.create({
    directory: harness.project,
    flags: { permissionMode: 'acceptEdits', worktree: false },
  }, 'test'));
});
test.after(async () => {
  await agents?.close();
  await harness?.close();
  rmSync(data, { recursive: true, force: true });
});

test('the list says which files change and which of them were changed by hand; then they are as they were', async () => {
  const first = await say('the first step');
  assert.is.not(readFileSync(path('odd.txt')).compare(ODD), 0);
  const second = await say('the second step');
  const before = await agents.rewind(id, second, undefined, 'test');
  assert.equal(before.files, [
    { path: 'mine.txt', changedSince: false },
    { path: 'new.txt', changedSince: false },
  ]);
  assert.is(readFileSync(path('mine.txt'), 'utf8'), 'agent\n', 'the list changes nothing');

  writeFileSync(path('mine.txt'), 'by hand\n');
  const soon = new Date(Date.now() + 1000);
  utimesSync(path('mine.txt'), soon, soon);
  assert.match(await refusal(agents.rewind(id, second, before.version, 'test')), /^changed/);
  assert.is(readFileSync(path('mine.txt'), 'utf8'), 'by hand\n', 'nothing is done after another list was seen');

  const all = await agents.rewind(id, first, undefined, 'test');
  assert.equal(all.files, [
    { path: 'mine.txt', changedSince: true },
    { path: 'new.txt', changedSince: false },
    { path: 'odd.txt', changedSince: false },
  ]);
  await agents.rewind(id, first, all.version, 'test');
  assert.is(readFileSync(path('odd.txt')).compare(ODD), 0, 'byte for byte');
  assert.not(existsSync(path('new.txt')));
  assert.not(existsSync(path('mine.txt')));
  assert.is(readFileSync(path('binary')).compare(BINARY), 0);
  assert.equal(readdirSync(harness.project).filter((name) => !name.startsWith('.')).sort(), ['binary', 'odd.txt']);
  const last = agents.messages(id, { limit: 5 }).messages.at(-1)!;
  assert.match('text' in last ? last.text : '', /before the message "the first step": mine\.txt, new\.txt, odd\.txt\./);
  assert.equal((await agents.rewind(id, first, undefined, 'test')).files, []);
});

test('the CLI is started for it when it has ended, also by another server', async () => {
  const second = await say('the second step again');
  assert.ok(existsSync(path('new.txt')));
  await agents.close();
  agents = await open();
  assert.is(agents.info(id).cli.running, false);
  const list = await agents.rewind(id, second, undefined, 'test');
  assert.equal(list.files.map(({ path }) => path), ['mine.txt', 'new.txt']);
  await agents.rewind(id, second, list.version, 'test');
  assert.not(existsSync(path('new.txt')));
  await say('and on');
});

test('while it works, and at a message that is not in its session, nothing is done', async () => {
  const { message } = await agents.send(id, { text: 'a long one' }, 'test');
  await until('a turn', () => agents.info(id).state === 'running');
  assert.match(await refusal(agents.rewind(id, message.id, undefined, 'test')), /^agent_busy/);
  await agents.interrupt(id, 'test');
  await until('the end of the turn', isIdle);
  assert.match(await refusal(agents.rewind(id, 'nowhere', undefined, 'test')), /^not_found/);
});

test.run();
