/**
 * A session of the real Claude Code goes from a terminal to an agent and back, round after round: HANDOFF_ROUNDS of them. Never are
 * there two processes, as /proc shows, and nothing that was said is lost or doubled.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { DeskSession } from '../../core/api/handoff.ts';
import { type ProcessStat, readStats } from '../../agent/process/proc-table.ts';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import {
  CLAUDE_BIN,
  type ClaudeHarness,
  claudeHarness,
  passFirstQuestions,
} from '../support/harness/claude-harness.ts';
import { ClaudeTerminal, DESK_MS, untilAtDesk } from '../support/harness/claude-terminal.ts';

const ROUNDS = Number(process.env.HANDOFF_ROUNDS ?? 2);

let harness: ClaudeHarness;
let bench: Bench;
const terminals: ClaudeTerminal[] = [];
const until = untilAtDesk;

function openTerminal(command?: string): ClaudeTerminal {
  const terminal = new ClaudeTerminal(harness, command);
  terminals.push(terminal);
  return terminal;
}

test.before(async () => {
  harness = await claudeHarness({
    rules: [{ match: 'slowly', steps: [{ text: 'word '.repeat(800), chunk: 5, delayMs: 60 }] }],
    default: { text: 'Stub answer.' },
  });
  passFirstQuestions(harness);
  Object.assign(process.env, harness.env);
  bench = await startBench({ CLAUDE_BIN, CLAUDE_CONFIG_DIR: harness.env.CLAUDE_CONFIG_DIR });
});
test.after(async () => {
  for (const terminal of terminals) await terminal.close();
  await bench?.close();
  await harness?.close();
});

const listed = async (): Promise<DeskSession[]> => (await bench.call('GET', '/api/handoff')).body.sessions;
const isSent = (text: string) => harness.stub.requests.some(({ aux, prompt }) => !aux && prompt === text);

/** The session at the desk, when the prompt was answered. */
const answered = (prompt: string, answers: number): Promise<DeskSession> =>
  until(`an answer to "${prompt}"`, async () => {
    const [session] = await listed();
    return isSent(prompt) && session?.status === 'idle' && answersOf(session.id) >= answers && session;
  });

/** Answers that are on disk. */
function answersOf(id: string): number {
  const projects = join(harness.directory, 'claude/projects');
  for (const slug of readdirSync(projects)) {
    const file = readdirSync(join(projects, slug)).find((name) => name === `${id}.jsonl`);
    if (file) return readFileSync(join(projects, slug, file), 'utf8').split('"text":"Stub answer."').length - 1;
  }
  return 0;
}

/** Processes of Claude Code in this test's folders that no other of them has started. */
function processes(): ProcessStat[] {
  const mark = `CLAUDE_CONFIG_DIR=${harness.env.CLAUDE_CONFIG_DIR}\0`;
  const isOurs = (pid: number) => {
    try {
      return /claude/.test(readlinkSync(`/proc/${pid}/exe`)) &&
        readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark);
    } catch {
      return false; // it has ended
    }
  };
  // Who has started one is read in the same look: a child that ends before it is asked for would have no parent.
  const found = readStats().filter(({ pid, isZombie }) => !isZombie && isOurs(pid));
  return found.filter(({ parent }) => !found.some(({ pid }) => pid === parent));
}

/** Looks at /proc as often as it can. @returns ends it: the most processes that were seen at once, and how often was looked */
function watchProcesses(): () => { most: ProcessStat[]; looks: number } {
  let most: ProcessStat[] = [];
  let looks = 0;
  const timer = setInterval(() => {
    const now = processes();
    if (now.length > most.length) most = now;
    looks++;
  }, 20).unref(); // a test that fails leaves it
  return () => {
    clearInterval(timer);
    return { most, looks };
  };
}

/** Nothing of an earlier test is left. */
test.after.each(async () => {
  for (const terminal of terminals) await terminal.close();
  for (const { id } of (await bench.call('GET', '/api/agents')).body) await bench.call('DELETE', `/api/agents/${id}`);
});

const userTexts = async (agent: string): Promise<string[]> =>
  (await bench.messages(agent)).flatMap((message) => message.kind === 'user' ? [message.text] : []);

test(`${ROUNDS} times from the terminal to an agent and back`, async () => {
  const end = watchProcesses();
  const expected: string[] = [];
  let terminal = openTerminal();
  let agent: AgentInfo | null = null;
  let answers = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await terminal.say(`desk-${round}-`);
    expected.push(`desk-${round}-`);
    const { id } = await answered(`desk-${round}-`, ++answers);
    if (agent) {
      const refused = await bench.call('POST', `/api/agents/${agent.id}/message`, { text: 'meanwhile' });
      assert.equal([refused.status, refused.body.code], [409, 'session_in_use']);
    }
    const taken = await bench.call('POST', `/api/handoff/${id}/take`, {});
    assert.is(taken.status, 201, JSON.stringify(taken.body));
    if (agent) assert.is(taken.body.id, agent.id, 'the agent that had the session goes on');
    agent = taken.body as AgentInfo;
    assert.equal([agent.sessionId ?? agent.flags.resume, agent.mode], [id, 'default']);
    await terminal.ended;
    await bench.call('POST', `/api/agents/${agent.id}/message`, { text: `here-${round}-` });
    expected.push(`here-${round}-`);
    answers++;
    const isAnswered = ({ state, queue }: AgentInfo) => state === 'idle' && !queue.length && answersOf(id) >= answers;
    await bench.until(agent.id, isAnswered, DESK_MS);
    assert.equal(await userTexts(agent.id), expected, `round ${round}`);
    const back = await bench.call('POST', `/api/agents/${agent.id}/give-back`, {});
    assert.equal([back.status, back.body.agent?.stateReason], [200, 'at_desk'], JSON.stringify(back.body));
    assert.is(processes().length, 0, 'nothing runs when the line is shown');
    terminal = openTerminal(back.body.command);
  }
  await until('the terminal', async () => (await listed())[0]?.status === 'idle');
  await terminal.close();
  await until('the end of the program', () => processes().length === 0);
  await bench.call('POST', `/api/agents/${agent!.id}/message`, { text: 'the last' });
  await until('the last answer', () => isSent('the last'));
  const last = harness.stub.requests.findLast(({ aux, prompt }) => !aux && prompt === 'the last')!;
  assert.equal(last.typed, [...expected, 'the last'], 'the model is sent all that was said, once');
  assert.equal(await userTexts(agent!.id), [...expected, 'the last']);
  const { most, looks } = end();
  console.log(
    `${ROUNDS} rounds, ${expected.length} prompts whole; at most ${most.length} process in ${looks} looks at /proc`,
  );
  assert.is(most.length, 1, JSON.stringify(most));
});

test('a session that is at work is not taken over but with an interruption; two who ask get one', async () => {
  const terminal = openTerminal();
  await terminal.say('Speak slowly');
  const session = await until('a turn', async () => (await listed()).find(({ status }) => status === 'busy'));
  const url = `/api/handoff/${session.id}/take`;
  const refused = await bench.call('POST', url, {});
  assert.equal([refused.status, refused.body.code], [409, 'desk_busy']);
  assert.is(processes().length, 1, 'it goes on');
  const both = await Promise.all([
    bench.call('POST', url, { interrupt: true }),
    bench.call('POST', url, { interrupt: true }),
  ]);
  assert.equal(both.map(({ status }) => status).sort(), [201, 409]);
  await terminal.ended;
  const { id } = both.find(({ status }) => status === 201)!.body;
  assert.equal(await userTexts(id), ['Speak slowly']);
  await until('the agent', () => processes().length === 1);
});

test.run();
