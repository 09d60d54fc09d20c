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
  return html`<div class="page">
    ${
    list.length
      ? html`<${TerminalList} terminals=${list} />`
      : html`<${EmptyState} icon="terminal" title=${tt.noneForAgent} text=${tt.noneForAgentText} />`
  }
    <div class="row">
      <${Button} tone="primary" icon="terminal" busy=${busy === 'shell'} onClick=${() =>
    void open('shell')}>${tt.shell}<//>
      ${
    agent.sessionId && !agent.demo &&
    html`<${Button} busy=${busy === agent.provider} onClick=${() => void open(agent.provider)}>${tt.cli(cli)}<//>`
  }
    </div>
    ${agent.sessionId && !agent.demo && html`<p class="hint">${tt.cliText}</p>`}
  </div>`;
}
