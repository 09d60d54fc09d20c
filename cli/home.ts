/**
 * The program's own directory, `~/.agent-monitor` (AGENT_MONITOR_HOME): settings in `.env`, the data in `data/`. The current
 * directory's .env is not read: it may be a stranger's project.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { withEnvFiles } from '../core/dotenv.ts';
import { expandHome } from '../core/home.ts';

type Env = Readonly<Record<string, string | undefined>>;

export const homeDirectory = (env: Env): string =>
  resolve(expandHome(env.AGENT_MONITOR_HOME?.trim() || join(homedir(), '.agent-monitor')));

export const settingsFile = (env: Env): string => join(homeDirectory(env), '.env');

/**
 * The environment completed from the settings file, with DATA_DIR set: what agent/config.ts reads.
 * @throws a sentence when the file cannot be used
 */
export function programEnv(env: Env): Record<string, string | undefined> {
  const merged = withEnvFiles({ ...env }, [homeDirectory(env)]);
  return { ...merged, DATA_DIR: merged.DATA_DIR?.trim() || join(homeDirectory(env), 'data') };
}
