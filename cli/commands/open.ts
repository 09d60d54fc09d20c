/** `agent-monitor open`: the dashboard, or an agent's page of it, in the browser. */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { type Command, hasFlag } from '../command.ts';
import { connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { agentOf } from '../client/find-agent.ts';
import { note, printJsonLine, printLine } from '../client/output.ts';

export const command: Command = {
  name: 'open',
  summary: "open the dashboard, or an agent's page of it, in the browser",
  usage: `open [agent] [options]
  <agent>       its name, its id or the beginning of one
  --print       only print the address${serverUsage(14)}
  --json        {"url"}`,
  options: { ...SERVER_OPTIONS, print: { type: 'boolean' } },
  async run(context) {
    const api = connect(context);
    const [word] = context.positionals;
    const page = word === undefined ? '' : `#/agents/${encodeURIComponent((await agentOf(api, word)).id)}`;
    const url = `${api.origin}/${page}`;
    if (context.json) printJsonLine(context, { url });
    else printLine(context, url);
    if (context.json || hasFlag(context, 'print')) return 0;
    if (!await openBrowser(url)) note(context, 'No browser could be started: open the address yourself.');
    return 0;
  },
};

/** Programs that open an address, by platform. None is a shell: the address is one argument. */
const OPENERS: Partial<Record<NodeJS.Platform, string[]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** @returns false when there is no such program here */
function openBrowser(url: string): Promise<boolean> {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  return new Promise((resolve) => {
    const child = spawn(program!, [...args, url], { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
