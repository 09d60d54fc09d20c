/** The table of subcommands. A command's code is loaded when it is run. */
import type { CommandEntry } from './command.ts';

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  run: {
    summary: 'serve the dashboard on this machine and connect to the relay (also without a command)',
    load: async () => (await import('./commands/run.ts')).command,
  },
  setup: {
    summary: 'set the folder, the relay and its token',
    load: async () => (await import('./commands/setup.ts')).command,
  },
  join: {
    summary: 'join a relay with the line that its dashboard shows under "Add a machine"',
    load: async () => (await import('./commands/join.ts')).command,
  },
  pair: {
    summary: 'show the QR code that logs a phone in at the relay',
    load: async () => (await import('./commands/pair.ts')).command,
  },
  ls: {
    summary: 'list the agents, their state and what waits for you',
    load: async () => (await import('./commands/ls.ts')).command,
  },
  new: {
    summary: 'start an agent and print its id',
    load: async () => (await import('./commands/new.ts')).command,
  },
  send: {
    summary: 'send a message to an agent',
    load: async () => (await import('./commands/send.ts')).command,
  },
  wait: {
    summary: 'wait until agents are ready, need you, or failed',
    load: async () => (await import('./commands/wait.ts')).command,
  },
  approve: {
    summary: 'show what an agent asks for, and allow it',
    load: async () => (await import('./commands/approve.ts')).command,
  },
  deny: {
    summary: 'deny what an agent asks for',
    load: async () => (await import('./commands/deny.ts')).command,
  },
  logs: {
    summary: "print an agent's conversation, and follow it",
    load: async () => (await import('./commands/logs.ts')).command,
  },
  stop: {
    summary: "end an agent's program; the next message goes on where it was",
    load: async () => (await import('./commands/stop.ts')).command,
  },
  attach: {
    summary: 'show a terminal of the machine, or of an agent, in this terminal',
    load: async () => (await import('./commands/attach.ts')).command,
  },
  claude: {
    summary: 'run Claude Code here, in a terminal that the dashboard shows too',
    load: async () => (await import('./commands/claude.ts')).command,
  },
  codex: {
    summary: 'run Codex here, in a terminal that the dashboard shows too',
    load: async () => (await import('./commands/codex.ts')).command,
  },
  hooks: {
    summary: 'answer sessions in terminals on the dashboard too: hooks install | remove | status',
    load: async () => (await import('./commands/hooks.ts')).command,
  },
  hook: {
    summary: 'run by Claude Code as its hook; "hooks" enters it',
    load: async () => (await import('./commands/hook.ts')).command,
  },
  open: {
    summary: "open the dashboard, or an agent's page of it, in the browser",
    load: async () => (await import('./commands/open.ts')).command,
  },
  login: {
    summary: 'log in at a relay, to use the machine behind it from here',
    load: async () => (await import('./commands/login.ts')).command,
  },
  logout: {
    summary: 'end a login at a relay; without logins, commands speak to this machine',
    load: async () => (await import('./commands/logout.ts')).command,
  },
  service: {
    summary: 'keep it running: service install | uninstall | status | logs | restart',
    load: async () => (await import('./commands/service.ts')).command,
  },
  deploy: {
    summary: 'put the relay on a server by ssh, with https where that is possible',
    load: async () => (await import('./commands/deploy.ts')).command,
  },
  doctor: {
    summary: 'check what must work, and say what to do where it does not',
    load: async () => (await import('./commands/doctor.ts')).command,
  },
  update: {
    summary: 'install a newer version in the place of this one',
    load: async () => (await import('./commands/update.ts')).command,
  },
  completion: {
    summary: 'print the completion script of a shell: bash, zsh or fish',
    load: async () => (await import('./commands/completion.ts')).command,
  },
};
