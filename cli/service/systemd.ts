/** A systemd user unit (systemd.service(5), systemd.exec(5), systemd.kill(5)). */
import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { ServiceDefinition } from './definition.ts';
import type { ServiceManager, Step } from './manager.ts';

export const UNIT = 'agent-monitor.service';

/**
 * The unit's text. It is no sandbox: agents and terminals are the owner's own shell and must be able to do what he can, sudo
 * too, so there is no NoNewPrivileges and nothing that implies it.
 */
export function unitText({ command, directory, env }: ServiceDefinition): string {
  return `[Unit]
Description=Agent Monitor
StartLimitIntervalSec=0

[Service]
ExecStart=${command.map((word) => quoted(word, true)).join(' ')}
WorkingDirectory=${directory.replaceAll('%', '%%')}
${Object.entries(env).map(([name, value]) => `Environment=${quoted(`${name}=${value}`, false)}`).join('\n')}
Restart=always
RestartSec=2
# The server ends what it started by itself; what is to outlive a restart must not be killed with it.
KillMode=process
TimeoutStopSec=30
# A program of an agent that runs out of memory is no reason to stop all the others.
OOMPolicy=continue
# A core of the server would have its secrets; programs may raise the limit for their own.
LimitCORE=0:infinity

[Install]
WantedBy=default.target
`;
}

/** One word of a unit file's line: "%" begins a specifier, "$" a variable (in command lines only). */
function quoted(word: string, isCommand: boolean): string {
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f]/.test(word)) {
    throw new Error(`a service cannot be made of a path with control characters: ${word}`);
  }
  const escaped = word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%');
  return `"${isCommand ? escaped.replaceAll('$', '$$$$') : escaped}"`;
}

export const systemd: ServiceManager = {
  name: 'systemd',
  path: () => join(homedir(), '.config/systemd/user', UNIT),
  text: unitText,
  probe: ['systemctl', '--user', 'show-environment'],
  unavailable:
    'systemd answers no "systemctl --user" here (a container, WSL without systemd, or a shell made by su). ' +
    'Log in as this user, or keep agent-monitor running by other means: pm2, tmux, an init script.',
  install: () => [
    { command: ['systemctl', '--user', 'daemon-reload'] },
    { command: ['systemctl', '--user', 'enable', UNIT] },
    { command: ['systemctl', '--user', 'restart', UNIT] },
    ...lingerSteps(),
  ],
  restart: () => [{ command: ['systemctl', '--user', 'restart', UNIT] }],
  uninstall: () => [{ command: ['systemctl', '--user', 'disable', '--now', UNIT], onFailure: '' }],
  uninstalled: () => [{ command: ['systemctl', '--user', 'daemon-reload'] }],
  status: ['systemctl', '--user', 'is-active', UNIT],
  logs: (lines, isFollowed) => [
    'journalctl',
    '--user-unit',
    UNIT,
    '--output=cat',
    '--no-pager',
    '--lines',
    String(lines),
    ...(isFollowed ? ['--follow'] : []),
  ],
};

/** Without lingering a user's services end with the last logout. An administrator may have switched it on already. */
function lingerSteps(): Step[] {
  const { username } = userInfo();
  if (existsSync(`/var/lib/systemd/linger/${username}`)) return [];
  const onFailure = 'But it ends when you log out and does not start at boot until this is done: ' +
    `sudo loginctl enable-linger ${username}`;
  return [{ command: ['loginctl', 'enable-linger', username], onFailure }];
}
