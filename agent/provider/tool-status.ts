/** What the settings page shows of a program: is it there, and is it logged in? */
import type { ToolInfo } from '../../core/api/settings.ts';
import { run } from '../process/run.ts';

/** '' when it is not there. */
export async function versionOf(program: string): Promise<string> {
  const { code, stdout } = await run(program, ['--version']);
  return code === 0 ? /\d+(\.\d+)+[^\s)]*/.exec(stdout)?.[0] ?? stdout.trim().slice(0, 100) : '';
}

/** @param text what to do */
export const absentTool = (name: ToolInfo['name'], text: string): ToolInfo => ({
  name,
  installed: false,
  version: '',
  loggedIn: null,
  text,
});
