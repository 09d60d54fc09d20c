import { html, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { GiveBackReply } from '../../core/api/handoff.ts';
import { useApp } from '../app.ts';
import { CopyButton } from '../chat/copy.ts';
import { Button, Dialog } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';

interface Props {
  agent: AgentInfo;
  onClose: () => void;
}

/** Ends the agent's program here and shows what to type in a terminal. */
export default function GiveBackDialog({ agent, onClose }: Props) {
  const { api, store } = useApp();
  const [command, setCommand] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const words = t.handoff.giveBack;
  async function giveBack() {
    setBusy(true);
    setError('');
    try {
      const reply = await api.command<GiveBackReply>(path`/api/agents/${agent.id}/give-back`);
      store.change({ type: 'agent', agent: reply.agent });
      setCommand(reply.command);
    } catch (refused) {
      setError((refused as Error).message);
    }
    setBusy(false);
  }
  const action = html`
    <${Button} onClick=${onClose}>${t.common.cancel}<//>
    <${Button} tone="primary" busy=${busy} onClick=${() => void giveBack()}>${words.action}<//>
  `;
  const footer = command ? html`<${Button} tone="primary" onClick=${onClose}>${t.common.close}<//>` : action;
  return html`
    <${Dialog} title=${words.title} onClose=${onClose} footer=${footer}>
      <p>${command ? words.done : words.explained}</p>
      ${command && html`<${CommandLine} command=${command} />`}
      ${error && html`<${Note} tone="bad" alert>${error}<//>`}
    <//>
  `;
}

const CommandLine = ({ command }: { command: string }) =>
  html`
    <div class="command-line">
      <code dir="ltr">${command}</code>
      <${CopyButton} text=${command} />
    </div>
  `;
