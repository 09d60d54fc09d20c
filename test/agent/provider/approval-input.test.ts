/** What a request shows is what would be run: every field of its input reaches the page, those of later versions too. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readRequest } from '../../../agent/provider/claude/requests.ts';
import { fileChanges } from '../../../agent/provider/codex/diff.ts';
import { openRequest } from '../../../agent/provider/codex/requests.ts';
import { ThreadEvents } from '../../../agent/provider/codex/thread.ts';
import type { ProviderEvent } from '../../../agent/provider/provider.ts';
import type { JsonObject } from '../../../agent/provider/untyped-json.ts';

const INPUTS: JsonObject[] = [
  { command: 'rm -rf build', description: 'Clean', dangerouslyDisableSandbox: true, run_in_background: true },
  { command: 'sleep 9', timeout: 600_000 },
  { file_path: '/a', old_string: 'a', new_string: 'b', replace_all: true },
  { command: 'ls', a_field_of_tomorrow: { deep: [1, null, { x: false }] } },
];

for (const input of INPUTS) {
  test(`Claude Code: ${JSON.stringify(input)}`, () => {
    const { open, shown } = readRequest('r', { subtype: 'can_use_tool', tool_name: 'Bash', tool_use_id: 't', input });
    assert.equal(shown.input, input);
    assert.equal(open.input, input);
  });
}

const codexInput = (params: JsonObject) => {
  const base = {
    threadId: 't',
    turnId: 'u',
    itemId: 'i',
    startedAtMs: 1,
    reason: 'why',
    availableDecisions: ['accept'],
  };
  const method = 'item/commandExecution/requestApproval';
  return openRequest('r', method, { ...base, command: `/bin/bash -lc 'ls'`, cwd: '/p', ...params }, () => [])!.request;
};

test('Codex: a usual command shows itself and its folder', () => {
  const { input, title } = codexInput({ kind: 'command', environmentId: 'local', approvalId: null });
  assert.equal([title, input], ['ls', { command: 'ls', cwd: '/p' }]);
});

test('Codex: what makes a command another one is shown', () => {
  const network = { host: 'evil.example', protocol: 'https' };
  assert.equal(codexInput({ networkApprovalContext: network }).input.networkApprovalContext, network);
  assert.is(codexInput({ environmentId: 'devbox-7' }).input.environmentId, 'devbox-7');
  assert.equal(codexInput({ additionalPermissions: { fileSystem: '/' } }).input.additionalPermissions, {
    fileSystem: '/',
  });
  const stdin = codexInput({ kind: 'writeStdin' });
  assert.equal([stdin.title, stdin.input.kind], ['Type into a running program: ls', 'writeStdin']);
});

const patchOf = (...changes: unknown[]) =>
  openRequest('r', 'item/fileChange/requestApproval', { itemId: 'i' }, () => fileChanges(changes))!.request;
const update = (diff: string, move_path: string | null = null) => ({
  path: 'a',
  kind: { type: 'update', move_path },
  diff,
});

test('Codex: a usual change is its diff, and nothing stands beside it', () => {
  const { input, diffs } = patchOf(update('@@ -1 +1 @@\n-a\n+b\n'), { path: 'b', kind: { type: 'add' }, diff: 'x\n' });
  assert.equal(input, { files: [{ path: 'a', kind: 'update' }, { path: 'b', kind: 'add' }] });
  assert.equal(diffs.map(({ hunks }) => hunks.map(({ lines }) => lines)), [[['-a', '+b']], [['+x']]]);
});

test('Codex: where a file is moved to is shown, with and without its line in the diff', () => {
  const file = { path: 'a', kind: 'update', movePath: '/etc/x' };
  for (const diff of ['@@ -1 +1 @@\n-a\n+b\n', '@@ -1 +1 @@\n-a\n+b\n\n\nMoved to: /etc/x', '']) {
    assert.equal(patchOf(update(diff, '/etc/x')).input, { files: [file] });
  }
  const other = '@@ -1 +1 @@\n-a\n+b\n\n\nMoved to: /etc/y';
  assert.equal(patchOf(update(other, '/etc/x')).input, { files: [{ ...file, diff: other }] });
});

test('Codex: a diff with a line in no hunk is shown as its text', () => {
  const texts = [
    'evil\n@@ -1 +1 @@\n-a\n+b\n',
    '@@ -1 +1 @@\n-a\n+b\nevil\n',
    '@@ -1 +1 @@ evil\n-a\n+b\n',
    ' no head at all\n+b\n',
  ];
  for (const diff of texts) {
    const { input, diffs } = patchOf(update(diff));
    assert.equal([input, diffs[0]!.hunks], [{ files: [{ path: 'a', kind: 'update', diff }] }, []]);
  }
});

test('Codex: the patch that is asked about is the newest that was told', () => {
  const events: ProviderEvent[] = [];
  const thread = new ThreadEvents({ emit: (event) => events.push(event), turn() {}, taken() {} });
  const item = { type: 'fileChange', id: 'i', status: 'inProgress', changes: [update('@@ -1 +1 @@\n-a\n+b\n')] };
  thread.notify('item/started', { item, turnId: 't' });
  const changes = [...item.changes, { path: '/etc/x', kind: { type: 'add' }, diff: 'evil\n' }];
  thread.notify('item/fileChange/patchUpdated', { itemId: 'i', turnId: 't', changes });
  assert.equal(thread.blocks.changesOf('i').map(({ diff }) => diff.path), ['a', '/etc/x']);
  const shown = events.filter((event) => event.type === 'tool.input').at(-1)!;
  assert.equal((shown.input.files as JsonObject[]).map(({ path }) => path), ['a', '/etc/x']);
  thread.notify('item/fileChange/patchUpdated', { itemId: 'unknown', turnId: 't', changes });
});

test('Codex: only a shell of the system is taken off a command', () => {
  const titles = {
    "/bin/bash -lc 'ls'": 'ls',
    "/usr/local/bin/zsh -lc 'ls'": 'ls',
    "bash -lc 'ls'": 'ls',
    "/tmp/bin/bash -lc 'ls'": "/tmp/bin/bash -lc 'ls'",
    "/home/x/usr/bin/sh -c 'ls'": "/home/x/usr/bin/sh -c 'ls'",
    "./bin/sh -c 'ls'": "./bin/sh -c 'ls'",
  };
  for (const [command, title] of Object.entries(titles)) assert.is(codexInput({ command }).input.command, title);
});

test.run();
