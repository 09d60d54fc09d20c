/** A launchd agent of macOS (launchd.plist(5), launchctl(1)). */
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { homeDirectory } from '../home.ts';
import type { ServiceDefinition } from './definition.ts';
import type { ServiceManager } from './manager.ts';

const LABEL = 'io.github.agent-monitor';

type Plist = string | boolean | number | string[] | Record<string, string>;

/** The plist's text. AbandonProcessGroup: what is to outlive a restart is not killed with the server. */
export function plistText({ command, directory, env, logFile }: ServiceDefinition): string {
  const entries: Record<string, Plist> = {
    Label: LABEL,
    ProgramArguments: command,
    WorkingDirectory: directory,
    EnvironmentVariables: env,
    RunAtLoad: true,
    KeepAlive: true,
    ThrottleInterval: 5,
    ExitTimeOut: 30,
    AbandonProcessGroup: true,
    ProcessType: 'Interactive',
    StandardOutPath: logFile,
    StandardErrorPath: logFile,
  };
  const body = Object.entries(entries).map(([key, value]) => `  <key>${key}</key>\n  ${element(value)}`).join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
${body}
</dict>
</plist>
`;
}

function element(value: Plist): string {
  if (typeof value === 'boolean') return `<${value}/>`;
  if (typeof value === 'number') return `<integer>${value}</integer>`;
  if (typeof value === 'string') return `<string>${escaped(value)}</string>`;
  if (Array.isArray(value)) return `<array>${value.map(element).join('')}</array>`;
  const pairs = Object.entries(value).map(([key, entry]) => `<key>${escaped(key)}</key>${element(entry)}`);
  return `<dict>${pairs.join('')}</dict>`;
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const domain = () => `gui/${process.getuid?.() ?? 0}`;
const plistPath = () => join(homedir(), 'Library/LaunchAgents', `${LABEL}.plist`);

export const launchd: ServiceManager = {
  name: 'launchd',
  path: plistPath,
  text: plistText,
  probe: ['launchctl', 'managername'],
  unavailable: 'launchctl does not answer. Log in to the Mac as this user and try again.',
  install: () => [
    // Loaded already when it is installed again.
    { command: ['launchctl', 'bootout', `${domain()}/${LABEL}`], onFailure: '' },
    { command: ['launchctl', 'bootstrap', domain(), plistPath()] },
  ],
  restart: () => [{ command: ['launchctl', 'kickstart', '-k', `${domain()}/${LABEL}`] }],
  uninstall: () => [{ command: ['launchctl', 'bootout', `${domain()}/${LABEL}`], onFailure: '' }],
  uninstalled: () => [],
  status: ['launchctl', 'print', `${domain()}/${LABEL}`],
  logs: (lines, isFollowed) => [
    'tail',
    '-n',
    String(lines),
    ...(isFollowed ? ['-F'] : []),
    join(homeDirectory(process.env), 'agent-monitor.log'),
  ],
};
