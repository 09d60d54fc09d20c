import { html, useEffect, useRef, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { DeskSession } from '../../core/api/handoff.ts';
import { useApp } from '../app.ts';
import { Button, Dialog } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { ApiError, newId } from '../net/api.ts';
import { go, path } from '../route.ts';

/** Between two tries while it is at work, ms. */
const AGAIN_MS = 1000;

interface Props {
  session: DeskSession;
  onClose: () => void;
}

/** Says what happens, and takes the session over. */
export default function TakeOverDialog({ session, onClose }: Props) {
  const { take, phase, error } = useTakeOver(session.id);
  const words = t.handoff.take;
  const isIdle = session.status === 'idle';
  const footer = html`
    <${Button} onClick=${onClose}>${t.common.cancel}<//>
    ${!isIdle &&
      html`<${Button} tone="danger" busy=${phase === 'interrupts'} onClick=${() => take(true)}>${words.interrupt}<//>`}
    <${Button} tone="primary" busy=${phase === 'waits'} disabled=${phase !== ''} onClick=${() => take(false)}>
      ${isIdle ? words.action : words.wait}
    <//>
  `;
  return html`
    <${Dialog} title=${words.title} onClose=${onClose} footer=${footer}>
      <p>${words.explained}</p>
      ${!isIdle && html`<p>${words.atWork}</p>`}
      ${phase === 'waits' && !isIdle && html`<${Note}>${words.waiting}<//>`}
      ${error && html`<${Note} tone="bad" alert>${error}<//>`}
    <//>
  `;
}

/** Waits for the end of the turn as long as the dialog is open, unless that is interrupted. */
function useTakeOver(id: string) {
  const { api, store } = useApp();
  const [phase, setPhase] = useState<'' | 'waits' | 'interrupts'>('');
  const [error, setError] = useState('');
  /** Counts what was begun: an earlier try ends when another begins, or the dialog is closed. */
  const turn = useRef(0);
  const clientId = useRef(newId());
  useEffect(() => () => void turn.current++, []);
  async function take(interrupt: boolean): Promise<void> {
    const mine = ++turn.current;
    setPhase(interrupt ? 'interrupts' : 'waits');
    setError('');
    while (mine === turn.current) {
      try {
        const body = { interrupt, clientId: clientId.current };
        const agent = await api.command<AgentInfo>(path`/api/handoff/${id}/take`, body);
        store.change({ type: 'agent', agent });
        return go(path`/agents/${agent.id}`, true);
      } catch (refused) {
        if (mine !== turn.current) return;
        if (refused instanceof ApiError && refused.code === 'desk_busy' && !interrupt) {
          await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
          continue;
        }
        setPhase('');
        return setError((refused as Error).message);
      }
    }
  }
  return { take: (interrupt: boolean) => void take(interrupt), phase, error };
}
