/**
 * The hook as Claude Code runs it, by a shell, with the settings that were really entered; this process stands in for the CLI.
 * The first answer counts, and whatever is wrong the terminal's prompt goes on alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deskChat } from '../../core/api/handoff.ts';
import { MAX_HOOK_BODY } from '../../core/api/hooks.ts';
import { LOCAL_TOKEN_FIELD, readLocalToken } from '../../agent/access/local-token.ts';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import { type DeskFiles, deskFiles, sessionId } from '../support/harness/desk-files.ts';

const ID = sessionId(1);
const CHAT = deskChat(ID);
const ASKS = {
  session_id: ID,
  hook_event_name: 'PermissionRequest',
  tool_name: 'Bash',
  tool_input: { command: 'touch x' },
};

let files: DeskFiles;
let bench: Bench;
const children: ChildProcess[] = [];

test.before(async () => {
  files = deskFiles();
  files.live({ status: 'waiting', waitingFor: 'permission prompt' });
  bench = await startBench({ CLAUDE_CONFIG_DIR: files.directory });
  await bench.call('PUT', '/api/settings/hooks', {});
});
test.after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await bench?.close();
  files?.remove();
});

const settings = () => join(files.directory, 'settings.json');
const commandOf = (event: string): string =>
  JSON.parse(readFileSync(settings(), 'utf8')).hooks[event][0].hooks[0].command;

interface Hook {
  child: ChildProcess;
  /** What it printed, when it has ended. */
  ended: Promise<{ output: string; code: number | null; signal: string | null; ms: number }>;
}

function hook(payload: object | string, { command = commandOf('PermissionRequest'), env = {} } = {}): Hook {
  const since = Date.now();
  const child = spawn('/bin/sh', ['-c', command], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  let output = '';
  child.stdout!.setEncoding('utf8').on('data', (text) => output += text);
  child.stdin!.on('error', () => {});
  child.stdin!.end(typeof payload === 'string' ? payload : JSON.stringify(payload));
  const ended = new Promise<Awaited<Hook['ended']>>((resolve) =>
    child.once('close', (code, signal) => resolve({ output, code, signal, ms: Date.now() - since }))
  );
  return { child, ended };
}

async function until<T>(what: string, find: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 20_000;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`not seen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

const pending = async (): Promise<string[]> =>
  (await bench.call('GET', '/api/handoff')).body.sessions.find(({ id }: { id: string }) => id === ID)?.pending ?? [];
const asked = (count = 1) =>
  until(`${count} requests`, async () => {
    const ids = await pending();
    return ids.length === count ? ids : undefined;
  });
const decide = (request: string, decision: string, more = {}) => bench.decide(CHAT, request, decision, more);
const nothing = { output: '', code: 0, signal: null };
const ending = async ({ ended }: Hook) => {
  const { ms: _, ...rest } = await ended;
  return rest;
};

test('the phone is first: the hook prints the decision, the request is over, and nobody answers it again', async () => {
  const client = await bench.live();
  await client.wait(({ type }) => type === 'snapshot');
  const asking = hook(ASKS);
  const [request] = await asked();
  const { body } = await bench.call('GET', `/api/agents/${CHAT}/requests/${request}`);
  assert.equal([body.agent.name, body.request.title, body.request.status], ['project-09', 'touch x', 'pending']);
  const answers = await Promise.all(['a', 'b', 'c'].map((n) => decide(request!, 'allow', { clientId: uuid(n) })));
  assert.equal(answers.map(({ status }) => status).sort(), [200, 409, 409], 'of three at once');
  const { output, code } = await asking.ended;
  assert.is(code, 0);
  assert.equal(JSON.parse(output).hookSpecificOutput.decision, {
    behavior: 'allow',
    updatedInput: { command: 'touch x' },
    updatedPermissions: [],
  });
  assert.equal(await pending(), []);
  const winner = answers.findIndex(({ status }) => status === 200);
  const again = await decide(request!, 'allow', { clientId: uuid('abc'[winner]!) });
  assert.equal([again.status, again.body.duplicate], [200, true], 'the same answer once more is harmless');
  const changes = client.changes().flatMap((change) => change.type === 'handoff' ? [change.session.pending ?? []] : []);
  assert.equal(changes.slice(-2), [[request], []], 'every dashboard has seen it come and go');
  client.socket.terminate();
});

const uuid = (n: string) => `00000000-0000-4000-8000-${n.padStart(12, '0')}`;

test('the terminal is first: the request goes away at once, and a late answer is refused', async () => {
  const asking = hook(ASKS);
  const [request] = await asked();
  const since = Date.now();
  asking.child.kill('SIGTERM'); // as Claude Code does; the shell has become the hook
  assert.equal(await ending(asking), nothing);
  await asked(0);
  assert.ok(Date.now() - since < 900, `${Date.now() - since} ms: sooner than a blank shows it`);
  const late = await decide(request!, 'allow');
  assert.equal([late.status, late.body.code, late.body.decision.by], [409, 'already_decided', 'the desk']);
});

test('a hook that is killed outright is seen to be gone', async () => {
  const asking = hook(ASKS);
  const [request] = await asked();
  asking.child.kill('SIGKILL');
  await asked(0);
  assert.is((await decide(request!, 'allow')).status, 409);
});

test('a question is answered in the form that the CLI takes', async () => {
  const questions = [{ header: 'Colour', question: 'Which colour?', options: [{ label: 'Blue' }], multiSelect: false }];
  const asking = hook({ ...ASKS, tool_name: 'AskUserQuestion', tool_input: { questions } });
  const [request] = await asked();
  assert.is((await decide(request!, 'answer', { answers: { q0: ['Blue'] } })).status, 200);
  const { decision } = JSON.parse((await asking.ended).output).hookSpecificOutput;
  assert.equal([decision.behavior, decision.updatedInput.answers], ['allow', { 'Which colour?': 'Blue' }]);
});

test('a server that is started again goes on with the request', async () => {
  const asking = hook(ASKS);
  const [request] = await asked();
  const { port } = bench.server;
  await bench.server.close();
  const again = await startBenchAt(port);
  try {
    assert.equal(await asked(), [request]);
    assert.is((await decide(request!, 'deny', { message: 'not now' })).status, 200);
    const { decision } = JSON.parse((await asking.ended).output).hookSpecificOutput;
    assert.equal(decision, { behavior: 'deny', message: 'not now' });
  } finally {
    await again();
  }
});

/** On the port that the settings name. @returns starts the bench's own again */
async function startBenchAt(port: number): Promise<() => Promise<void>> {
  const { createLog } = await import('../../core/log.ts');
  const { readConfig } = await import('../../agent/config.ts');
  const { startAgentServer } = await import('../../agent/server.ts');
  const env = { PORT: String(port), DATA_DIR: bench.dataDir, CLAUDE_CONFIG_DIR: files.directory, TERMINAL: 'off' };
  bench.server = await startAgentServer(readConfig(env), { log: createLog({ write: () => {} }), version: 'test' });
  return () => Promise.resolve();
}

test("no server, another program on its port, another user's data: nothing is printed, soon, and with 0", async () => {
  const { port } = bench.server;
  const command = commandOf('PermissionRequest');
  const impostor = createServer((req, res) => {
    seen.push(String(req.headers[LOCAL_TOKEN_FIELD] ?? ''));
    res.end('{"proof":"00"}');
  });
  const seen: string[] = [];
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
  const at = (other: number) => command.replace(`127.0.0.1:${port}`, `127.0.0.1:${other}`);
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  for (
    const wrong of [
      at(1),
      at((impostor.address() as AddressInfo).port),
      at((silent.address() as AddressInfo).port),
      command.replace(bench.dataDir, '/nonexistent'),
      command.replaceAll(process.execPath, '/nonexistent/node'),
    ]
  ) {
    assert.not.equal(wrong, command);
    const { ms, ...end } = await hook(ASKS, { command: wrong }).ended;
    assert.equal(end, nothing, wrong);
    assert.ok(ms < 8000, `${ms} ms`);
  }
  assert.equal(seen.filter(Boolean), [], 'what does not prove itself is not sent the token');
  for (const server of [impostor, silent]) {
    server.closeAllConnections();
    server.close();
  }
});

test("strangers are refused: another session, a program's own CLI, no token, what is no payload, what is too large", async () => {
  const large = { ...ASKS, tool_input: { command: 'x'.repeat(MAX_HOOK_BODY) } };
  for (
    const payload of [
      { ...ASKS, session_id: sessionId(2) },
      '',
      '{',
      '[]',
      'null',
      large,
      JSON.stringify(large).slice(0, -1),
    ]
  ) {
    assert.equal(await ending(hook(payload)), nothing);
  }
  assert.equal(
    await ending(hook(ASKS, { env: { CLAUDE_CODE_ENTRYPOINT: 'sdk-cli' } })),
    nothing,
    "as our own agents' CLIs are",
  );
  files.live({ entrypoint: 'sdk-cli' });
  assert.equal(await ending(hook(ASKS)), nothing, 'what a program runs asks that program');
  files.live({ status: 'waiting', waitingFor: 'permission prompt' });
  const body = { id: uuid('1'), pid: process.pid, payload: ASKS };
  for (const headers of [{}, { [LOCAL_TOKEN_FIELD]: 'ab'.repeat(32) }] as Record<string, string>[]) {
    assert.is((await bench.call('POST', '/api/hooks', body, headers)).body.code, 'local_only');
    assert.is((await bench.call('POST', `/api/hooks/${uuid('1')}/taken`, {}, headers)).body.code, 'local_only');
  }
  const own = { [LOCAL_TOKEN_FIELD]: readLocalToken(bench.dataDir) };
  const stranger = await bench.call('POST', '/api/hooks', { ...body, pid: 1 }, own);
  assert.equal(
    [stranger.status, stranger.body.code],
    [403, 'local_only'],
    'of a process that the session has not started',
  );
  assert.equal(await pending(), []);
});

test('taken out, the settings are gone as they were', async () => {
  assert.is((await bench.call('GET', '/api/settings/hooks')).body.state, 'on');
  assert.is((await bench.call('DELETE', '/api/settings/hooks')).body.state, 'off');
  assert.not.ok(existsSync(settings()));
  writeFileSync(settings(), '{"model":');
  const { status, body } = await bench.call('PUT', '/api/settings/hooks', {});
  assert.equal([status, body.code], [409, 'settings_unusable']);
});

test.run();
