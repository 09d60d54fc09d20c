/** Codex on the settings page. */
import type { ToolInfo } from '../../../core/api/settings.ts';
import { run } from '../../process/run.ts';
import { absentTool, versionOf } from '../tool-status.ts';

/** Never rejects. */
export async function codexTool(bin: string): Promise<ToolInfo> {
  const version = await versionOf(bin);
  if (!version) return absentTool('codex', 'Install it: npm install -g @openai/codex, or set CODEX_BIN to its path.');
  const { code, stdout, stderr } = await run(bin, ['login', 'status']);
  const said = `${stdout}${stderr}`;
  const loggedIn = /not logged in/i.test(said) ? false : code === 0 && /logged in/i.test(said) ? true : null;
  const text = loggedIn === false ? 'Log in on the agent machine: run `codex login` there.' : '';
  return { name: 'codex', installed: true, version, loggedIn, text };
}
