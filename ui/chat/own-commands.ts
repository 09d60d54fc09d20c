/** Commands of the dashboard itself, typed as those of the agent are. They work whether or not the agent has ever run. */
import type { AgentInfo, Capabilities } from '../../core/api/agents.ts';
import type { App } from '../app.ts';
import { toast, toastError } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { go, path } from '../route.ts';
import { find } from '../state/store.ts';
import { setTheme, theme } from '../theme.ts';
import { lastAnswer } from './copy-answer.ts';
import { exportChat } from './export-chat.ts';

type Command = Capabilities['commands'][number];

export interface CommandContext {
  app: App;
  agent: AgentInfo;
  /** Shows the list of all commands. */
  showHelp(): void;
}

interface OwnCommand {
  /** Missing: it takes nothing, and with something behind it the text is a message. */
  argument?: string;
  run(context: CommandContext, argument: string): void | Promise<void>;
}

const toTab = (tab: string): OwnCommand => ({ run: ({ agent }) => go(`${path`/agents/${agent.id}`}/${tab}`) });

const OWN = {
  help: { run: ({ showHelp }) => showHelp() },
  copy: { run: copyAnswer },
  export: {
    argument: '[json]',
    run: ({ app, agent }, argument) => exportChat(app.api, agent, argument === 'json' ? 'json' : 'md'),
  },
  diff: toTab('changes'),
  files: toTab('files'),
  cost: toTab('details'),
  search: { argument: '<…>', run: (_, words) => go(words ? path`/search/${words}` : '/search') },
  theme: { argument: '[light|dark|system]', run: (_, name) => chooseTheme(name) },
  rename: { argument: '<…>', run: rename },
  stop: { run: ({ app, agent }) => app.api.command(path`/api/agents/${agent.id}/stop`) },
} satisfies Record<string, OwnCommand>;

type OwnName = keyof typeof OWN;

const isOwn = (name: string): name is OwnName => Object.hasOwn(OWN, name);

export const ownCommands = (): Command[] =>
  (Object.keys(OWN) as OwnName[]).map((name) => ({
    name,
    description: t.commands.what[name],
    argumentHint: (OWN[name] as OwnCommand).argument ?? '',
  }));

/** Those of the agent, as before there were any of ours, then ours. */
export const allCommands = (capabilities: Capabilities | null): Command[] => [
  ...agentCommands(capabilities),
  ...ownCommands(),
];

/** Those that have no name of ours. */
export const agentCommands = (capabilities: Capabilities | null): Command[] =>
  (capabilities?.commands ?? []).filter(({ name }) => !isOwn(name));

/** @returns false when the text is none of our commands: it is a message */
export function runOwn(text: string, context: CommandContext): boolean {
  const [, name = '', argument = ''] = /^\/([a-z]+)(?:\s+([^]*))?$/.exec(text.trim()) ?? [];
  if (!isOwn(name)) return false;
  const command: OwnCommand = OWN[name];
  if (argument.trim() && !command.argument) return false;
  void run(command, context, argument.trim()).catch(toastError);
  return true;
}

/** What it throws at once is a refusal too. */
async function run(command: OwnCommand, context: CommandContext, argument: string): Promise<void> {
  await command.run(context, argument);
}

async function copyAnswer({ app, agent }: CommandContext): Promise<void> {
  const answer = lastAnswer(find(app.store.value.chats, agent.id)?.messages ?? []);
  if (!answer) return toast(t.commands.nothingSaid);
  try {
    await navigator.clipboard.writeText(answer);
  } catch {
    throw new Error(t.common.copyFailed);
  }
  toast(t.commands.copied);
}

/** Without a name: light becomes dark, and dark light. */
function chooseTheme(name: string): void {
  const isDark = document.documentElement.dataset.theme === 'dark';
  const next = name || (isDark ? 'light' : 'dark');
  if (next !== 'light' && next !== 'dark' && next !== 'system') throw new Error(t.commands.themes);
  if (theme.value !== next) setTheme(next);
}

async function rename({ app, agent }: CommandContext, name: string): Promise<void> {
  if (!name) throw new Error(t.commands.nameMissing);
  await app.api.put(path`/api/agents/${agent.id}/rename`, { name });
}
