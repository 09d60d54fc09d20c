/**
 * An agent's session that goes on in a terminal ("Open Claude Code itself"): the real CLIs' own interfaces ask as the agent
 * does, whatever they would do by themselves or by the user's settings.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type IPty, spawn } from 'node-pty';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PermissionMode } from '../../core/api/agents.ts';
import type { OpenOptions } from '../../agent/provider/provider.ts';
import {
  CLAUDE_BIN,
  type ClaudeHarness,
  claudeHarness,
  passFirstQuestions,
} from '../support/harness/claude-harness.ts';
import { CODEX_BIN, type CodexHarness, codexHarness } from '../support/harness/codex-harness.ts';

const COMMAND = 'touch created.txt && echo done';
const TIMEOUT_MS = 30_000;

/** A program in a terminal, read as the text that it writes. */
class Screen {
  readonly #pty: IPty;
  #output = '';

  constructor(bin: string, args: string[], cwd: string, env: Record<string, string | undefined>) {
    this.#pty = spawn(bin, args, { cwd, env: { ...env, TERM: 'xterm-256color' }, cols: 120, rows: 40 });
    this.#pty.onData((data) => this.#output += data);
  }

  /** Without control sequences and spaces, which are often cursor movements. */
  get text(): string {
    // deno-lint-ignore no-control-regex
    return this.#output.replace(/\x1b\[[0-9;?<>=]*[a-zA-Z]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[()][A-Z0-9]|\s/g, '');
  }

  /** Waits for one of the texts. @returns which */
  async sees(...texts: string[]): Promise<string> {
    const end = Date.now() + TIMEOUT_MS;
    for (;;) {
      const seen = texts.find((text) => this.text.includes(text.replaceAll(' ', '')));
      if (seen) return seen;
      if (Date.now() > end) throw new Error(`not seen: ${texts.join(' | ')}; seen: ${this.text.slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async type(text: string): Promise<void> {
    this.#output = '';
    this.#pty.write(text);
    await new Promise((resolve) => setTimeout(resolve, 700));
    this.#pty.write('\r');
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#pty.onExit(resolve));
    this.#pty.kill('SIGKILL');
    await gone;
  }
}

const options = (cwd: string, resume: string, mode: PermissionMode): OpenOptions => ({
  agentId: 'a',
  cwd,
  resume,
  fork: false,
  flags: {},
  model: '',
  mode,
  effort: '',
});

async function claudeSession(): Promise<{ harness: ClaudeHarness; id: string; isMade: () => boolean }> {
  const bash = { tool: { name: 'Bash', input: { command: COMMAND, description: 'a command' } } };
  const harness = await claudeHarness({
    rules: [{ match: 'use bash', steps: [bash, { text: 'The command step is over.' }] }],
    default: { text: 'Stub answer.' },
  });
  passFirstQuestions(harness);
  const { session, seen, say } = harness.open();
  say('hello');
  await seen.type('turn.end');
  await session.stop();
  const created = join(harness.project, 'created.txt');
  return { harness, id: seen.of('session')[0]!.sessionId, isMade: () => existsSync(created) };
}

test('Claude Code: a command is asked for in the modes that ask, and runs in those that do not', async () => {
  const { harness, id, isMade } = await claudeSession();
  const { project, env, provider } = harness;
  const run = async (args: string[]): Promise<string> => {
    rmSync(join(project, 'created.txt'), { force: true });
    const screen = new Screen(CLAUDE_BIN, args, project, env);
    try {
      await screen.sees('for shortcuts', 'shift+tab', '/effort');
      await screen.type('use bash');
      return await screen.sees('Do you want to proceed?', 'The command step is over.');
    } finally {
      await screen.close();
    }
  };
  try {
    for (const mode of ['default', 'plan'] as const) {
      const seen = await run(provider.terminalArgs!(options(project, id, mode)));
      assert.equal([seen, isMade()], ['Do you want to proceed?', false], mode);
    }
    assert.is(await run(provider.terminalArgs!(options(project, id, 'acceptEdits'))), 'The command step is over.');
    assert.ok(isMade(), 'the mode of an agent that does not ask is passed too');
    // Why it must be passed: by itself the interface runs it unasked.
    assert.is(await run([`--resume=${id}`]), 'The command step is over.');
  } finally {
    await harness.close();
  }
});

async function codexSession(): Promise<{ harness: CodexHarness; id: string }> {
  const shell = { tool: { name: 'exec_command', arguments: { cmd: COMMAND } } };
  const harness = await codexHarness(
    {
      rules: [{ match: '^use bash', steps: [shell, { text: 'The command step is over.' }] }],
      default: { text: 'Stub answer.' },
    },
    // What the user has chosen for the own work.
    'approval_policy = "never"\nsandbox_mode = "danger-full-access"\n[features]\ndaemon_auto_start = false',
  );
  const { session, seen } = harness.open();
  session.send({ id: '11111111-1111-4111-8111-111111111111', text: 'hello', images: [] });
  await seen.type('turn.end');
  await session.stop();
  await harness.provider.close();
  return { harness, id: seen.of('session')[0]!.sessionId };
}

test('Codex: an agent that asks first writes nothing unasked, whatever the user’s own settings say', async () => {
  const { harness, id } = await codexSession();
  const { project, env, provider } = harness;
  const created = join(project, 'created.txt');
  const run = async (mode: PermissionMode): Promise<boolean> => {
    rmSync(created, { force: true });
    const screen = new Screen(CODEX_BIN, provider.terminalArgs!(options(project, id, mode)), project, env);
    try {
      if (await screen.sees('Use existing model', 'Stub answer') === 'Use existing model') {
        await screen.type('2');
        await screen.sees('for shortcuts');
      }
      await screen.type('use bash');
      await screen.sees('The command step is over.', 'Would you like to run');
      // The history, drawn again, may hold these words from an earlier run.
      for (let i = 0; !existsSync(created) && i < 30; i++) await new Promise((resolve) => setTimeout(resolve, 100));
      return existsSync(created);
    } finally {
      await screen.close();
    }
  };
  try {
    assert.is(await run('default'), false);
    assert.is(await run('plan'), false);
    assert.is(await run('bypassPermissions'), true, 'the command does run where the agent may');
  } finally {
    await harness.close();
  }
});

test.run();
