import { html, useState } from '../html.ts';
import type { TerminalProgram } from '../../core/api/terminals.ts';
import { providerData } from '../../core/api/providers.ts';
import { Button, EmptyState, toastError } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { go, path } from '../route.ts';
import { useApp, useStore } from '../app.ts';
import { openTerminal } from '../terminal/commands.ts';
import { TerminalList } from '../terminal/list.ts';
import type { TabProps } from './tab-props.ts';

/** The agent's terminals: a shell where it works, or its CLI itself. */
export default function TerminalTab({ agent }: TabProps) {
  const terminals = useStore((state) => state.terminals);
  const own = Object.values(terminals).filter(({ agentId }) => agentId === agent.id);
  const buttons = html`<${OpenButtons} agent=${agent} />`;
  if (own.length) {
    return html`
      <div class="page">
        <${TerminalList} terminals=${own} />
        <div class="row">${buttons}</div>
      </div>
    `;
  }
  return html`
    <div class="page">
      <${EmptyState} icon="terminal" title=${t.terminal.noneForAgent} text=${t.terminal.noneForAgentText}>
        ${buttons}
      <//>
    </div>
  `;
}

/** Longest name of a terminal, characters. */
const MAX_NAME = 100;

function OpenButtons({ agent }: TabProps) {
  const app = useApp();
  const [busy, setBusy] = useState<TerminalProgram | null>(null);
  async function open(command: TerminalProgram) {
    setBusy(command);
    try {
      const name = command === 'shell' ? agent.name : `${agent.name} · ${t.terminal.programs[command]}`;
      const terminal = await openTerminal(app, { agentId: agent.id, command, name: name.slice(0, MAX_NAME) });
      go(path`/terminals/${terminal.id}`);
    } catch (error) {
      toastError(error);
      setBusy(null);
    }
  }
  const cli = agent.provider;
  const hasCli = providerData(cli).features.terminal && agent.sessionId !== null && !agent.demo;
  const cliButton = hasCli && html`
    <${Button} busy=${busy === cli} onClick=${() => void open(cli)}>${t.terminal.cli(
      t.terminal.programs[cli] ?? cli,
    )}<//>
    <p class="hint">${t.terminal.cliText}</p>
  `;
  return html`
    <${Button} tone="primary" icon="terminal" busy=${busy === 'shell'} onClick=${() => void open('shell')}>
      ${t.terminal.shell}
    <//>
    ${cliButton}
  `;
}
