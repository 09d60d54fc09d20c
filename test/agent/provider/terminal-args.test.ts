/** How the CLIs' own interfaces go on with an agent's session. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PermissionMode } from '../../../core/api/agents.ts';
import { claudeTerminalArgs } from '../../../agent/provider/claude/args.ts';
import { codexTerminalArgs } from '../../../agent/provider/codex/params.ts';
import type { OpenOptions } from '../../../agent/provider/provider.ts';

const options = (more: Partial<OpenOptions> = {}): OpenOptions => ({
  agentId: 'a',
  cwd: '/p',
  resume: 's-1',
  fork: false,
  flags: {},
  model: '',
  mode: 'default',
  effort: '',
  ...more,
});

const CLAUDE: [PermissionMode, string][] = [
  ['default', 'manual'],
  ['plan', 'plan'],
  ['acceptEdits', 'acceptEdits'],
  ['auto', 'auto'],
  ['dontAsk', 'dontAsk'],
  ['bypassPermissions', 'bypassPermissions'],
];
for (const [mode, argument] of CLAUDE) {
  test(`Claude Code in mode ${mode}`, () => {
    assert.equal(claudeTerminalArgs(options({ mode })), [`--permission-mode=${argument}`, '--resume=s-1']);
  });
}

test('Claude Code keeps the rules of the agent', () => {
  const flags = { disallowedTools: ['WebFetch'], allowedTools: ['Read'], addDirs: ['/more'], maxBudgetUsd: 3 };
  assert.equal(claudeTerminalArgs(options({ flags, model: 'opus', effort: 'high', resume: null })), [
    '--permission-mode=manual',
    '--model=opus',
    '--effort=high',
    '--allowedTools=Read',
    '--disallowedTools=WebFetch',
    '--add-dir=/more',
  ]);
});

const CODEX: [PermissionMode, string, string][] = [
  ['default', 'on-request', 'read-only'],
  ['plan', 'on-request', 'read-only'],
  ['acceptEdits', 'on-request', 'workspace-write'],
  ['dontAsk', 'never', 'workspace-write'],
  ['bypassPermissions', 'never', 'danger-full-access'],
];
for (const [mode, approval, sandbox] of CODEX) {
  test(`Codex in mode ${mode}`, () => {
    const settings = ['-c', `approval_policy="${approval}"`, '-c', `sandbox_mode="${sandbox}"`];
    assert.equal(codexTerminalArgs(options({ mode })), ['resume', ...settings, '--', 's-1']);
    assert.equal(codexTerminalArgs(options({ mode, resume: null })), settings);
  });
}

test('a session id that looks like an option stays a value', () => {
  const resume = '--dangerously-skip-permissions';
  assert.equal(claudeTerminalArgs(options({ resume })).at(-1), `--resume=${resume}`);
  assert.equal(codexTerminalArgs(options({ resume })).slice(-2), ['--', resume]);
});

test.run();
