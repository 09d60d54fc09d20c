/** Ports on which the agent's processes listen, as chips below its name; a chip leads to its preview. */
import type { AgentInfo } from '../../core/api/agents.ts';
import { html } from '../html.ts';
import { Icon } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { PreviewDialog } from './preview-dialog.ts';
import { entriesOf, type PortEntry, usePreviews } from './preview-state.ts';

interface BarProps {
  agent: AgentInfo;
  /** The dialog is open. */
  isOpen: boolean;
  onToggle: (isOpen: boolean) => void;
}

export default function PreviewBar({ agent, isOpen, onToggle }: BarProps) {
  const { value, reload } = usePreviews(agent.id);
  const entries = value ? entriesOf(value) : [];
  const open = () => onToggle(true);
  // By hand too where the machine does not tell which ports there are.
  const other = value && !value.detects &&
    html`<${Chip} text=${t.previews.other} label=${t.previews.other} onClick=${open} />`;
  const chips = entries.map((entry) => html`<${PortChip} key=${entry.port} entry=${entry} onClick=${open} />`);
  const dialog = isOpen && value && html`
    <${PreviewDialog} agent=${agent.id} list=${value} onChange=${reload} onClose=${() => onToggle(false)} />
  `;
  if (!chips.length && !other) return dialog || null;
  return html`
    <div class="preview-bar" role="group" aria-label=${t.previews.label}>
      ${chips}
      ${other}
      ${dialog}
    </div>
  `;
}

function PortChip({ entry: { port, preview }, onClick }: { entry: PortEntry; onClick: () => void }) {
  const label = t.previews.chip(port, preview !== null);
  return html`<${Chip} text=${t.previews.port(port)} label=${label} isOpen=${preview !== null} onClick=${onClick} />`;
}

interface ChipProps {
  text: string;
  label: string;
  isOpen?: boolean;
  onClick: () => void;
}

function Chip({ text, label, isOpen = false, onClick }: ChipProps) {
  return html`
    <button
      type="button"
      class=${`preview-chip ${isOpen ? 'open' : ''}`}
      aria-haspopup="dialog"
      aria-label=${label}
      onClick=${onClick}
    >
      <${Icon} name="globe" size=${16} />
      <span>${text}</span>
    </button>
  `;
}
