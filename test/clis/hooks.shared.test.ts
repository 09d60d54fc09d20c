/**
 * The real Claude Code in a terminal, with our hooks in its settings: what it asks is answered on the phone or at the desk. The first
 * answer counts, exactly once, and the other side goes away. Without a server the terminal is as if there were no hook.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deskChat, type DeskSession } from '../../core/api/handoff.ts';
import type { RequestMessage } from '../../core/api/messages.ts';
import { readConfig } from '../../agent/config.ts';
import { startAgentServer } from '../../agent/server.ts';
import { createLog } from '../../core/log.ts';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import {
  CLAUDE_BIN,
  type ClaudeHarness,
  claudeHarness,
  passFirstQuestions,
} from '../support/harness/claude-harness.ts';
import { ClaudeTerminal, DESK_MS, untilAtDesk } from '../support/harness/claude-terminal.ts';

const runs = (name: string) => ({
  match: name,
  steps: [{ tool: { name: 'Bash', input: { command: `echo ran >> ${name}`, description: 'a command' } } }, {
    text: `After ${name}.`,
  }],
});
const QUESTIONS = [{
  question: 'Which colour?',
  header: 'Colour',
  multiSelect: false,
  options: [{ label: 'Red', description: 'warm' }, { label: 'Blue', description: 'cool' }],
}];

let harness: ClaudeHarness;
let bench: Bench;
let settings: string;
let terminal: ClaudeTerminal | null = null;

test.before(async () => {
  harness = await claudeHarness({
    rules: [
      ...['phone-allows', 'phone-denies', 'desk-first', 'server-away', 'server-again', 'own-agent'].map(runs),
      {
        match: 'ask-me',
        steps: [{ tool: { name: 'AskUserQuestion', input: { questions: QUESTIONS } } }, { text: 'Thanks.' }],
      },
    ],
    default: { text: 'Stub answer.' },
  });
  settings = join(harness.directory, 'claude/settings.json');
  passFirstQuestions(harness);
  writeFileSync(settings, '{"env":{"TEST":"1"}}');
  Object.assign(process.env, harness.env);
  bench = await startBench({ CLAUDE_BIN, CLAUDE_CONFIG_DIR: harness.env.CLAUDE_CONFIG_DIR });
  assert.is((await bench.call('PUT', '/api/settings/hooks', {})).body.state, 'on');
});
test.after.each(() => terminal?.close());
test.after(async () => {
  await bench?.close();
  await harness?.close();
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const until = untilAtDesk;

function openTerminal(): ClaudeTerminal {
  terminal = new ClaudeTerminal(harness);
  return terminal;
}

const sessions = async (): Promise<DeskSession[]> => (await bench.call('GET', '/api/handoff')).body.sessions;
const ran = (name: string): string => {
  const file = join(harness.project, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

/** What the session asks. */
async function asked(): Promise<{ chat: string; request: RequestMessage }> {
  const { id, pending } = await until('a request', async () => (await sessions()).find((session) => session.pending));
  const { body } = await bench.call('GET', `/api/agents/${deskChat(id)}/requests/${pending![0]}`);
  return { chat: deskChat(id), request: body.request };
}
const nothingAsked = () => until('no request', async () => (await sessions()).every(({ pending }) => !pending));
const PROMPT = /Doyouwanttoproceed/;

test('the phone allows: the prompt in the terminal goes away, and the command has run once', async () => {
  const desk = openTerminal();
  await desk.say('phone-allows');
  const { chat, request } = await asked();
  assert.equal([request.request, request.tool, request.input.command], [
    'permission',
    'Bash',
    'echo ran >> phone-allows',
  ]);
  await desk.sees(PROMPT);
  const { status } = await bench.decide(chat, request.id, 'allow');
  assert.is(status, 200);
  await desk.sees(/Afterphone-allows\./);
  assert.is(ran('phone-allows'), 'ran\n');
  await nothingAsked();
  const late = await bench.decide(chat, request.id, 'deny');
  assert.equal([late.status, late.body.code], [409, 'already_decided']);
});

test('the phone denies: the program has the reason, and nothing has run', async () => {
  const desk = openTerminal();
  await desk.say('phone-denies');
  const { chat, request } = await asked();
  assert.is((await bench.decide(chat, request.id, 'deny', { message: 'not in this folder' })).status, 200);
  await desk.sees(/Afterphone-denies\./);
  assert.is(ran('phone-denies'), '');
  const last = JSON.stringify(harness.stub.requests.findLast(({ aux }) => !aux));
  assert.match(last, 'not in this folder');
});

test('the desk answers first: the card goes away at once, a late answer is refused, and it has run once', async () => {
  const desk = openTerminal();
  await desk.say('desk-first');
  const { chat, request } = await asked();
  await desk.sees(PROMPT);
  await sleep(500);
  desk.type('1');
  await nothingAsked();
  const late = await bench.decide(chat, request.id, 'deny');
  assert.equal([late.status, late.body.code, late.body.decision?.by], [409, 'already_decided', 'the desk']);
  await desk.sees(/Afterdesk-first\./);
  assert.is(ran('desk-first'), 'ran\n');
});

test('a question is answered on the phone', async () => {
  const desk = openTerminal();
  await desk.say('ask-me');
  const { chat, request } = await asked();
  assert.equal([request.request, request.questions[0]!.question], ['question', 'Which colour?']);
  assert.is((await bench.decide(chat, request.id, 'answer', { answers: { q0: ['Blue'] } })).status, 200);
  await desk.sees(/Thanks\./);
  const last = JSON.stringify(harness.stub.requests.findLast(({ aux }) => !aux));
  assert.match(last, 'Blue');
});

test('a server that is started again goes on with the request', async () => {
  const desk = openTerminal();
  await desk.say('server-again');
  const before = await asked();
  await restart(() => sleep(1500));
  const { chat, request } = await asked();
  assert.is(request.id, before.request.id);
  assert.is((await bench.decide(chat, request.id, 'allow')).status, 200);
  await desk.sees(/Afterserver-again\./);
  assert.is(ran('server-again'), 'ran\n');
});

test('without a server the terminal asks alone, and its answer counts', async () => {
  const desk = openTerminal();
  await restart(async () => {
    await desk.say('server-away');
    await desk.sees(PROMPT);
    await sleep(500);
    desk.type('1');
    await desk.sees(/Afterserver-away\./);
  });
  assert.is(ran('server-away'), 'ran\n');
});

/** On the port that the settings name. */
async function restart(meanwhile: () => Promise<unknown>): Promise<void> {
  const { port } = bench.server;
  await bench.server.close();
  await meanwhile();
  const env = { PORT: String(port), DATA_DIR: bench.dataDir, TERMINAL: 'off', CLAUDE_BIN };
  const config = readConfig({ ...env, CLAUDE_CONFIG_DIR: harness.env.CLAUDE_CONFIG_DIR });
  bench.server = await startAgentServer(config, { log: createLog({ write: () => {} }), version: 'test' });
}

test("an agent of ours asks as before, once: its process's hooks stay out of it", async () => {
  const agent = await bench.create('own-agent');
  const request = await bench.request(agent.id);
  await sleep(1000);
  assert.equal((await sessions()).filter(({ pending }) => pending), []);
  assert.is((await bench.info(agent.id)).pending.length, 1);
  assert.is((await bench.decide(agent.id, request.id, 'allow')).status, 200);
  await bench.until(agent.id, ({ state }) => state === 'idle', DESK_MS);
  assert.is(readFileSync(join(bench.project, 'own-agent'), 'utf8'), 'ran\n');
});

test('removed, the settings are as they were', async () => {
  assert.is((await bench.call('DELETE', '/api/settings/hooks')).body.state, 'off');
  assert.is(readFileSync(settings, 'utf8'), '{"env":{"TEST":"1"}}');
});

test.run();
