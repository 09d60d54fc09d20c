import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createClaude } from '../../../agent/provider/claude/claude.ts';
import { createCodex } from '../../../agent/provider/codex/codex.ts';
import { processIdentity } from '../../../agent/process/identity.ts';
import { sessionRoutes } from '../../../agent/api/sessions.ts';
import { createDiskSessions } from '../../../agent/session/history.ts';
import { listClaudeSessions, readClaudeHistory } from '../../../agent/provider/claude/history.ts';
import { readCodexHistory } from '../../../agent/provider/codex/history.ts';
import type { HistoryMessage } from '../../../agent/provider/history-message.ts';
import { Router } from '../../../core/http/router.ts';
import { silentLog } from '../../../core/log.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

const SAMPLE = new URL('../../vectors/sessions/claude-session.jsonl', import.meta.url);
const SAMPLE_ID = '22222222-2222-4333-8444-555555555555';
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const roots: string[] = [];
test.after(() => roots.forEach((root) => rmSync(root, { recursive: true, force: true })));

/** A Claude configuration folder with these session files. */
function config(files: Record<string, string | object[]> = {}): { dir: string; project: string } {
  const dir = mkdtempSync(join(tmpdir(), 'history-test-'));
  roots.push(dir);
  const project = join(dir, 'projects', '-home-dev-project');
  mkdirSync(project, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === 'string' ? content : content.map((line) => `${JSON.stringify(line)}\n`).join('');
    writeFileSync(join(project, `${name}.jsonl`), text);
  }
  return { dir, project };
}

let clock = Date.parse('2026-01-01T00:00:00Z');
const line = (
  type: 'user' | 'assistant',
  uuid: string,
  parentUuid: string | null,
  content: unknown,
  more: object = {},
) => ({
  type,
  uuid,
  parentUuid,
  cwd: '/p',
  timestamp: new Date(clock += 1000).toISOString(),
  message: { role: type, content },
  ...more,
});
const texts = (messages: HistoryMessage[] | null) =>
  (messages ?? []).map((message) => 'text' in message ? message.text : message.kind);

test('a recorded session is listed with title, folder, time and cost', async () => {
  const { dir, project } = config();
  copyFileSync(SAMPLE, join(project, `${SAMPLE_ID}.jsonl`));
  const [session] = await listClaudeSessions(dir, 10);
  assert.equal({ ...session, updatedAt: 0, costUsd: session!.costUsd!.toFixed(3) }, {
    provider: 'claude',
    id: SAMPLE_ID,
    title: 'first prompt',
    directory: '/home/dev/project',
    createdAt: Date.parse('2026-11-22T10:52:13.986Z'),
    updatedAt: 0,
    costUsd: '0.030',
    inUse: false,
  });
});

test('a recorded session is read: prompts, answers, a tool with its result, along the current branch', async () => {
  const { dir, project } = config();
  copyFileSync(SAMPLE, join(project, `${SAMPLE_ID}.jsonl`));
  const messages = (await readClaudeHistory(dir, SAMPLE_ID, 100))!;
  assert.equal(messages.slice(0, 7).map((message) => message.kind), [
    'user',
    'text',
    'user',
    'tool',
    'text',
    'user',
    'text',
  ]);
  const tool = messages[3] as Extract<HistoryMessage, { kind: 'tool' }>;
  assert.equal([tool.tool, tool.title, tool.status, tool.result?.text], ['Bash', 'echo hi', 'done', 'hi']);
  assert.ok(texts(messages).includes('q says'));
  assert.not.ok(texts(messages).includes('p says'), 'the other branch is not the current one');
});

test('a session of the real title, newest first, without those never used', async () => {
  const { dir, project } = config({
    [id(1)]: [line('user', 'a', null, 'old one')],
    [id(2)]: [line('user', 'a', null, 'new one'), { type: 'custom-title', customTitle: 'My  name\nfor it' }],
    [id(3)]: [{ type: 'mode', mode: 'normal' }],
  });
  utimesSync(join(project, `${id(1)}.jsonl`), 1000, 1000);
  assert.equal((await listClaudeSessions(dir, 10)).map((session) => session.title), ['My name for it', 'old one']);
  assert.equal((await listClaudeSessions(dir, 1)).length, 1);
});

test('inserted lines, results and local commands are no prompts', async () => {
  const { dir } = config({
    [id(1)]: [
      line('user', 'a', null, 'inserted', { isMeta: true }),
      line('user', 'b', 'a', '<command-name>/clear</command-name>'),
      line('user', 'c', 'b', 'of a subagent', { isSidechain: true }),
      line('user', 'd', 'b', [{ type: 'text', text: 'the prompt' }, {
        type: 'image',
        source: { media_type: 'image/png', data: 'AAAA' },
      }]),
    ],
  });
  assert.is((await listClaudeSessions(dir, 10))[0]!.title, 'the prompt\n[image]'.replace('\n', ' '));
  const messages = (await readClaudeHistory(dir, id(1), 10))!;
  assert.equal(messages.map((message) => message.kind), ['user']);
  assert.equal((messages[0] as Extract<HistoryMessage, { kind: 'user' }>).images, [{
    mediaType: 'image/png',
    size: 3,
  }]);
});

test('results of tools that ran side by side reach their tools; one without a result is cancelled', async () => {
  const use = (n: number) => [{ type: 'tool_use', id: `t${n}`, name: 'Bash', input: { command: `echo ${n}` } }];
  const result = (n: number) => [{ type: 'tool_result', tool_use_id: `t${n}`, content: `${n}`, is_error: n === 2 }];
  const { dir } = config({
    [id(1)]: [
      line('user', 'p', null, 'go'),
      line('assistant', 'a', 'p', use(1)),
      line('assistant', 'b', 'a', use(2)),
      line('user', 'r1', 'a', result(1)),
      line('user', 'r2', 'b', result(2)),
      line('assistant', 'c', 'r2', use(3)),
    ],
  });
  const tools = (await readClaudeHistory(dir, id(1), 10))!.filter((message) => message.kind === 'tool');
  assert.equal(tools.map((tool) => tool.kind === 'tool' && tool.status), ['done', 'error', 'cancelled']);
});

test('more messages than wanted: the newest, and a word that there are older ones', async () => {
  const lines = Array.from({ length: 30 }, (_, i) => line('user', `u${i}`, i ? `u${i - 1}` : null, `message ${i}`));
  const { dir } = config({ [id(1)]: lines });
  const messages = (await readClaudeHistory(dir, id(1), 10))!;
  assert.is(messages.length, 11);
  assert.equal([messages[0]!.kind, texts(messages).at(-1)], ['notice', 'message 29']);
});

test('a session that a living Claude has open is in use; a stale record does not count', async () => {
  const { dir } = config({
    [id(1)]: [line('user', 'a', null, 'x')],
    [id(2)]: [line('user', 'a', null, 'y')],
    [id(3)]: [line('user', 'a', null, 'z')],
  });
  mkdirSync(join(dir, 'sessions'));
  const { startTime } = processIdentity(process.pid)!;
  writeFileSync(
    join(dir, 'sessions', `${process.pid}.json`),
    JSON.stringify({ pid: process.pid, sessionId: id(1), procStart: startTime }),
  );
  writeFileSync(join(dir, 'sessions', `${process.ppid}.json`), JSON.stringify({ sessionId: id(2), procStart: '1' }));
  writeFileSync(join(dir, 'sessions', '999999999.json'), JSON.stringify({ sessionId: id(3) }));
  writeFileSync(join(dir, 'sessions', '5.json'), 'no json');
  const inUse = (await listClaudeSessions(dir, 10)).filter((session) => session.inUse).map((session) => session.id);
  assert.equal(inUse, [id(1)]);
});

test('FIFOs, links, folders, huge lines and garbage neither hang nor break the list', async () => {
  const { dir, project } = config({
    [id(1)]: [line('user', 'a', null, 'the good one')],
    [id(2)]: 'garbage\n\0\xff\n{"type":"user"}\n[]\nnull\n',
    [id(3)]: `${'x'.repeat(20 * 1024 * 1024)}\n`,
    'not-an-id': [line('user', 'a', null, 'no')],
  });
  appendFileSync(join(project, `${id(3)}.jsonl`), `${JSON.stringify(line('user', 'a', null, 'after a huge line'))}\n`);
  execFileSync('mkfifo', [join(project, `${id(4)}.jsonl`)]);
  symlinkSync('/etc/passwd', join(project, `${id(5)}.jsonl`));
  symlinkSync('/dev/zero', join(project, `${id(6)}.jsonl`));
  mkdirSync(join(project, `${id(7)}.jsonl`));
  symlinkSync('/', join(dir, 'projects', 'link'));
  const started = cpuMs();
  const listed = await listClaudeSessions(dir, 10);
  assert.ok(cpuMs() - started < 500, `${cpuMs() - started} ms`);
  assert.equal(listed.map((session) => session.title).sort(), ['after a huge line', 'the good one']);
  for (let n = 4; n <= 7; n++) assert.is(await readClaudeHistory(dir, id(n), 10), null);
  assert.equal(texts(await readClaudeHistory(dir, id(3), 10)).at(-1), 'after a huge line');
  assert.equal(await readClaudeHistory(dir, id(2), 10), []);
});

test('an id is no path', async () => {
  const { dir } = config({ [id(1)]: [line('user', 'a', null, 'x')] });
  for (const hostile of ['../../../etc/passwd', '', '..', `${id(1)}/../x`, '%2e%2e', 'a'.repeat(5000)]) {
    assert.is(await readClaudeHistory(dir, hostile, 10), null);
  }
});

const LOST = 'A part of this session is missing here: its file is damaged. The agent may not know it either.';
for (const damage of ['{"type":"user","uuid":"c","parentUu', '\0\0\0\0', 'garbage\n[]\nnull']) {
  test(`a damaged line (${JSON.stringify(damage).slice(0, 12)}) hides nothing but itself`, async () => {
    const text = (lines: object[]) => lines.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    const before = [
      line('user', 'a', null, 'first'),
      line('assistant', 'b', 'a', [{ type: 'text', text: 'second' }]),
      line('user', 's', 'x', 'of a subagent', { isSidechain: true }),
    ];
    const after = [line('assistant', 'd', 'c', [{ type: 'text', text: 'fourth' }]), line('user', 'e', 'd', 'fifth')];
    const { dir } = config({ [id(1)]: `${text(before)}${damage}\n${text(after)}` });
    const messages = await readClaudeHistory(dir, id(1), 10);
    assert.equal(texts(messages), ['first', 'second', LOST, 'fourth', 'fifth']);
    assert.equal([messages![2]!.kind, (messages![2] as { code: string }).code], ['notice', 'lost']);
  });
}

test('damage is said where it is: at the beginning, before a line that shows nothing, twice; not where nothing is missing', async () => {
  const lines = (...entries: (object | string)[]) =>
    entries.map((entry) => `${typeof entry === 'string' ? entry : JSON.stringify(entry)}\n`).join('');
  const hidden = { ...line('user', 'h', 'gone', ''), type: 'attachment' };
  for (
    const [name, file, expected] of [
      ['beginning', lines('{"torn', line('user', 'b', 'a', 'x')), [LOST, 'x']],
      ['hidden', lines(line('user', 'a', null, 'x'), '\0', hidden, line('user', 'c', 'h', 'y')), ['x', LOST, 'y']],
      [
        'twice',
        lines(line('user', 'a', null, 'x'), '{', line('user', 'c', 'b', 'y'), '{', line('user', 'e', 'd', 'z')),
        ['x', LOST, 'y', LOST, 'z'],
      ],
      // The program that has the session open may be in the middle of a line.
      ['end', `${lines(line('user', 'a', null, 'x'))}{"type":"assis`, ['x']],
      ['of no conversation', lines(line('user', 'a', null, 'x'), '{', line('user', 'b', 'a', 'y')), ['x', 'y']],
    ] as const
  ) {
    const { dir } = config({ [id(1)]: file });
    assert.equal(texts(await readClaudeHistory(dir, id(1), 10)), expected, name);
  }
});

test('a parent that is missing without damage begins another conversation', async () => {
  const { dir } = config({ [id(1)]: [line('user', 'a', null, 'old'), line('user', 'b', 'elsewhere', 'new')] });
  assert.equal(texts(await readClaudeHistory(dir, id(1), 10)), ['new']);
});

test('a loop of parents ends', async () => {
  const { dir } = config({ [id(1)]: [line('user', 'a', 'b', 'x'), line('user', 'b', 'a', 'y')] });
  assert.is((await readClaudeHistory(dir, id(1), 10))!.length, 2);
});

test('no configuration folder is an empty list', async () => {
  assert.equal(await listClaudeSessions(join(tmpdir(), 'no-such-folder'), 10), []);
});

test('a thousand sessions are listed quickly', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 1000 }, (_, i) => [id(i), [line('user', 'a', null, `prompt ${i}`)]]),
  );
  const { dir } = config(files);
  const started = cpuMs();
  assert.is((await listClaudeSessions(dir, 50)).length, 50);
  assert.ok(cpuMs() - started < 1000, `${cpuMs() - started} ms`);
});

const noCodex = () => createCodex({ bin: '/no/such/codex', env: {}, log: silentLog });

async function get(url: string, dir: string): Promise<{ status: number; body: any }> {
  const router = new Router();
  sessionRoutes(
    router,
    createDiskSessions([createClaude({ bin: '/no/such/claude', configDir: dir }), noCodex()]),
    (_, entry) => entry === id(1) ? 'agent-1' : null,
  );
  let status = 0;
  let body = '';
  const res = {
    headersSent: false,
    writeHead: (code: number) => status = code,
    end: (chunk: Uint8Array) => body = new TextDecoder().decode(chunk),
  };
  await router.handle({ method: 'GET', url, headers: {} } as never, res as never);
  return { status, body: JSON.parse(body) };
}

test('GET /api/sessions lists with the agent that has it; a provider that is not installed is left out', async () => {
  const { dir } = config({ [id(1)]: [line('user', 'a', null, 'x')] });
  const { status, body } = await get('/api/sessions', dir);
  assert.is(status, 200);
  assert.equal(body.sessions.map((session: any) => [session.id, session.agentId]), [[id(1), 'agent-1']]);
  assert.equal(body.notes, []);
  assert.equal((await get('/api/sessions?provider=codex', dir)).body.sessions, []);
});

test('GET /api/sessions/:provider/:id gives the messages, numbered; unknown ones are 404, wrong words 400', async () => {
  const { dir } = config({
    [id(1)]: [line('user', 'a', null, 'x'), line('assistant', 'b', 'a', [{ type: 'text', text: 'y' }])],
  });
  const { body } = await get(`/api/sessions/claude/${id(1)}`, dir);
  assert.equal(body.messages.map((message: any) => [message.seq, message.kind, message.text]), [[1, 'user', 'x'], [
    2,
    'text',
    'y',
  ]]);
  assert.is((await get(`/api/sessions/claude/${id(9)}`, dir)).status, 404);
  assert.is((await get('/api/sessions?provider=other', dir)).status, 400);
  for (const limit of ['0', '-1', 'x', '1e3', '']) {
    assert.is((await get(`/api/sessions?limit=${limit}`, dir)).status, 400);
  }
});

test('a thread of Codex becomes messages', async () => {
  const turns = [{
    id: 't1',
    status: 'failed',
    startedAt: 100,
    completedAt: 101,
    error: { message: 'boom' },
    items: [
      { type: 'userMessage', id: 'u', content: [{ type: 'text', text: 'do it' }] },
      { type: 'reasoning', id: 'r', summary: [], content: [] },
      {
        type: 'commandExecution',
        id: 'c',
        command: "/bin/bash -lc 'echo hi'",
        status: 'completed',
        aggregatedOutput: 'hi\n',
        exitCode: 0,
      },
      { type: 'agentMessage', id: 'm', text: 'done' },
      { type: 'somethingNew', id: 'n' },
    ],
  }];
  const codex = { ...noCodex(), readTurns: async () => turns } as never;
  const messages = await readCodexHistory(codex, 't', 100);
  assert.equal(messages.map((message) => message.kind), ['user', 'tool', 'text', 'notice']);
  assert.is(messages[0]!.at, 100_000);
  assert.equal((messages[1] as Extract<HistoryMessage, { kind: 'tool' }>).result, {
    text: 'hi\n',
    truncated: false,
    exitCode: 0,
  });
});

test.run();
