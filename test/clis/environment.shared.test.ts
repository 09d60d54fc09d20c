/**
 * What a tool of the real CLIs adds to the environment, and that nothing of it reaches the agents and terminals of a server
 * that was started there. Lists of names age: this test fails when a CLI adds one that is not dropped.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanEnvironment, type Environment } from '../../agent/process/environment.ts';
import { claudeHarness } from '../support/harness/claude-harness.ts';
import { codexHarness } from '../support/harness/codex-harness.ts';
import type { Recorder } from '../support/fakes/provider-recorder.ts';
import type { ProviderSession } from '../../agent/provider/provider.ts';

const DUMP = 'env -0 > env.out';
const MESSAGE = { id: '11111111-1111-4111-8111-111111111111', text: 'dump', images: [] };
/** Set by shells for themselves; LOGNAME by zsh, which Claude Code takes where it is installed. */
const SHELLS_OWN = ['PWD', 'OLDPWD', 'SHLVL', '_', 'SHELL', 'LOGNAME'];

async function runTool(session: ProviderSession, seen: Recorder): Promise<void> {
  session.send(MESSAGE);
  const { request } = await seen.type('request');
  assert.ok(session.decide(request.requestId, { decision: 'allow', clientId: 'c' }));
  await seen.type('turn.end');
}

/** What the tool saw, without what this server sets itself and what shells set. */
function dumped(project: string): Environment {
  const lines = readFileSync(join(project, 'env.out'), 'utf8').split('\0').filter(Boolean);
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

function compare(inherited: Environment, before: Environment, also: string[] = []): void {
  const clean = cleanEnvironment({ ...inherited, AGENT_MONITOR_PROCESS: undefined });
  const expected = cleanEnvironment(before);
  for (const name of [...SHELLS_OWN, ...also]) {
    delete clean[name];
    delete expected[name];
  }
  assert.equal(clean, expected);
}

test('a tool of Claude Code', async () => {
  const bash = { tool: { name: 'Bash', input: { command: DUMP, description: 'dump' } } };
  const harness = await claudeHarness({ rules: [{ match: 'dump', steps: [bash, { text: 'over' }] }] });
  try {
    const { session, seen } = harness.open();
    await runTool(session, seen);
    const inherited = dumped(harness.project);
    assert.is(inherited.CLAUDECODE, '1', 'the tool ran inside Claude Code');
    assert.ok(inherited.CLAUDE_CODE_MESSAGING_TOKEN, 'a token of another session is what must not go on');
    compare(inherited, harness.env);
  } finally {
    await harness.close();
  }
});

test('a command of Codex', async () => {
  const shell = { tool: { name: 'exec_command', arguments: { cmd: DUMP } } };
  const harness = await codexHarness({ rules: [{ match: '^dump', steps: [shell, { text: 'over' }] }] });
  try {
    const { session, seen } = harness.open();
    await runTool(session, seen);
    const inherited = dumped(harness.project);
    assert.ok(inherited.CODEX_THREAD_ID, 'the command ran inside Codex');
    // Its login shell makes a PATH of its own; the locale stays (see environment.ts).
    compare(inherited, harness.env, ['PATH', 'LANG', 'LC_ALL', 'LC_CTYPE']);
    assert.not.match(cleanEnvironment(inherited).PATH!, /codex/);
  } finally {
    await harness.close();
  }
});

test.run();
