import { html, useState } from '../html.ts';
import type { TerminalProgram } from '../../core/wire/terminal.ts';
import { Button, EmptyState, toastError } from '../components/mod.ts';
import { tt } from '../i18n/en-terminal.ts';
import { go, path } from '../route.ts';
import { useStore } from '../services.ts';
import { openTerminal } from '../terminal/commands.ts';
import { TerminalList } from '../terminal/list.ts';
import type { TabProps } from './agent-tabs.ts';

/** The agent's terminals: a shell where it works, or its CLI itself. */
export default function TerminalTab({ agent }: TabProps) {
  const terminals = useStore((state) => state.terminals);
  const [busy, setBusy] = useState<TerminalProgram | null>(null);
  const list = Object.values(terminals).filter(({ agentId }) => agentId === agent.id);
  const open = async (command: TerminalProgram) => {
    setBusy(command);
    try {
      const name = command === 'shell' ? agent.name : `${agent.name} · ${tt.programs[command]}`;
      const made = await openTerminal({ agentId: agent.id, command, name: name.slice(0, 100) });
      go(path`/terminals/${made.id}`);
    } catch (error) {
      toastError(error);
      setBusy(null);
    }
  };
  const cli = tt.programs[agent.provider];
  const hasCli = agent.sessionId !== null && !agent.demo;
  const buttons = html`
    <${Button} tone="primary" icon="terminal" busy=${busy === 'shell'}
      onClick=${() => void open('shell')}>${tt.shell}<//>
        ${hasCli &&
          html`<${Button} busy=${busy === agent.provider} onClick=${() => void open(agent.provider)}>${
            tt.cli(cli)
          }<//>`}
        ${hasCli && html`<p class="hint">${tt.cliText}</p>`}
  `;
  return html`<div class="page">${
    list.length
      ? html`
        <${TerminalList} terminals=${list} />
        <div class="row">${buttons}</div>
      `
      : html`<${EmptyState} icon="terminal" title=${tt.noneForAgent} text=${tt.noneForAgentText}>${buttons}<//>`
  }</div>`;
}
