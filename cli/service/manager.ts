/** What a service manager can do, as command lines. */
import process from 'node:process';
import type { ServiceDefinition } from './definition.ts';

export interface Step {
  command: string[];
  /** The step may fail: a sentence for people, '' when there is nothing to say. Without it a failure ends everything. */
  onFailure?: string;
}

export interface ServiceManager {
  name: string;
  /** The file that defines the service. */
  path(): string;
  text(definition: ServiceDefinition): string;
  /** Succeeds where the manager runs. */
  probe: string[];
  unavailable: string;
  /** After the file was written. */
  install(): Step[];
  restart(): Step[];
  /** Before the file is deleted, and after. */
  uninstall(): Step[];
  uninstalled(): Step[];
  /** Succeeds while the service runs. */
  status: string[];
  logs(lines: number, isFollowed: boolean): string[];
}

/** The environment in which `systemctl --user` finds its manager: ssh sets it, su and cron do not. */
export function managerEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return { ...env, XDG_RUNTIME_DIR: env.XDG_RUNTIME_DIR || `/run/user/${process.getuid?.() ?? 0}` };
}
