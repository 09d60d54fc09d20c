/** Claude Code on the settings page. */
import type { ToolInfo } from '../../../core/api/settings.ts';
import { run } from '../../process/run.ts';
import { absentTool, versionOf } from '../tool-status.ts';

/** Never rejects. */
export async function claudeTool(bin: string): Promise<ToolInfo> {
  const version = await versionOf(bin);
  if (!version) {
    return absentTool('claude', 'Install it: npm install -g @anthropic-ai/claude-code, or set CLAUDE_BIN to its path.');
  }
  const { stdout } = await run(bin, ['auth', 'status']);
  const loggedIn = /"loggedIn"\s*:\s*true/.test(stdout) ? true : /"loggedIn"\s*:\s*false/.test(stdout) ? false : null;
  const text = loggedIn === false ? 'Log in on the agent machine: run `claude` there and type /login.' : '';
  return { name: 'claude', installed: true, version, loggedIn, text };
}
