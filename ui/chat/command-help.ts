import { html } from '../html.ts';
import type { Capabilities } from '../../core/api/agents.ts';
import { Dialog } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { agentCommands, ownCommands } from './own-commands.ts';

interface Props {
  /** null: the agent has not said what it can. */
  capabilities: Capabilities | null;
  onClose: () => void;
}

/** Every command that can be typed, and what it does. The list takes the focus: it is scrolled by keys. */
export default function CommandHelp({ capabilities, onClose }: Props) {
  const theirs = agentCommands(capabilities);
  return html`
    <${Dialog} title=${t.composer.commands} onClose=${onClose}>
      <div tabindex="0" role="group" aria-label=${t.composer.commands}>
        <h3>${t.commands.ofDashboard}</h3>
        <${Commands} commands=${ownCommands()} />
        <h3>${t.commands.ofAgent}</h3>
        ${theirs.length > 0 ? html`<${Commands} commands=${theirs} />` : html`<p class="hint">${t.commands.none}</p>`}
      </div>
      <//>
  `;
}

function Commands({ commands }: { commands: Capabilities['commands'] }) {
  const rows = commands.map(({ name, argumentHint, description }) =>
    html`
      <dt key=${name} class="mono">/${name} ${argumentHint && html`<span class="faint">${argumentHint}</span>`}</dt>
      <dd>${description}</dd>
    `
  );
  return html`<dl class="command-help">${rows}</dl>`;
}
