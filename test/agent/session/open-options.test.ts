/** With what an agent's next CLI is opened: the mode that was chosen last, whatever the agent was made with. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openOptions } from '../../../agent/session/cli-run.ts';
import type { AgentRecord } from '../../../agent/session/record.ts';
import type { AgentFlags, PermissionMode } from '../../../core/api/agents.ts';

const flagsOf = (flags: AgentFlags, mode: PermissionMode, sessionId: string | null) => {
  const info = { id: 'a', flags, mode, sessionId, model: '', effort: '' };
  return openOptions({ info, cwd: '/x', isResumeLost: false } as unknown as AgentRecord).flags;
};

test('a flag that skips permissions ends with the mode that was chosen instead', () => {
  const flags = { dangerouslySkipPermissions: true, model: 'm' };
  assert.equal(flagsOf(flags, 'bypassPermissions', null), flags);
  assert.equal(flagsOf(flags, 'bypassPermissions', 's'), flags);
  for (const mode of ['default', 'plan', 'acceptEdits', 'dontAsk'] as const) {
    for (const session of ['s', null]) {
      assert.equal(flagsOf(flags, mode, session), { dangerouslySkipPermissions: false, model: 'm' }, mode);
    }
  }
});

test('so does one that accepts edits, once the agent has run', () => {
  assert.equal(flagsOf({ fullAuto: true }, 'default', null), { fullAuto: true });
  assert.equal(flagsOf({ fullAuto: true }, 'acceptEdits', 's'), { fullAuto: true });
  assert.equal(flagsOf({ fullAuto: true }, 'default', 's'), { fullAuto: false });
});

test.run();
