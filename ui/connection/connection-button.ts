import type { AgentInfo } from '../../core/api/agents.ts';
import { useIsConnected } from '../app.ts';
import { lazy, LazyView } from '../hooks/lazy.ts';
import { html, useState } from '../html.ts';
import { t } from '../i18n/t.ts';
import { useTrouble } from './use-trouble.ts';

const dialog = lazy<{ agent?: AgentInfo; onClose: () => void }>(() => import('./connection-dialog.ts'));

/** A dot with a word; opens the list of the hops. */
export function ConnectionButton({ agent, word = true }: { agent?: AgentInfo; word?: boolean }) {
  const [open, setOpen] = useState(false);
  const trouble = useTrouble();
  const isUp = useIsConnected();
  const isDown = trouble && trouble.kind !== 'connecting';
  const text = isUp ? t.connection.ok : isDown ? t.connection.state.down : t.connection.trouble.connecting;
  return html`
    <button
      type="button"
      class=${`connection-button ${isUp ? 'up' : 'down'}`}
      aria-haspopup="dialog"
      aria-label=${`${t.connection.title}: ${text}`}
      onClick=${() => setOpen(true)}
    >
      <span class="dot"></span>
      ${word && html`<span>${text}</span>`}
    </button>
    ${open && html`<${LazyView} source=${dialog} agent=${agent} onClose=${() => setOpen(false)} />`}
  `;
}
