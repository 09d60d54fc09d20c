/** What a service manager is told to run: the same for systemd and launchd. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { programCommand } from '../../core/installation.ts';
import { homeDirectory } from '../home.ts';

export interface ServiceDefinition {
  /** Program and arguments, absolute. */
  command: string[];
  directory: string;
  /** PATH is the installing shell's: a service manager's own would find neither claude nor git of a version manager. */
  env: Record<string, string>;
  logFile: string;
}

type Env = Readonly<Record<string, string | undefined>>;

export function serviceDefinition(env: Env): ServiceDefinition {
  const own = homeDirectory(env);
  const inherited = ['PATH', 'LANG', 'SHELL', 'NODE_EXTRA_CA_CERTS'].flatMap((name) =>
    env[name] ? [[name, env[name]]] : []
  );
  return {
    command: programCommand(['run']),
    directory: homedir(),
    env: { ...Object.fromEntries(inherited), AGENT_MONITOR_HOME: own },
    logFile: join(own, 'agent-monitor.log'),
  };
}
