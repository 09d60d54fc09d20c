import { html } from '../html.ts';
import { EmptyState, LinkButton, Skeleton } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import type { PageProps } from '../route.ts';
import { path } from '../route.ts';
import { useStore } from '../app.ts';
import { TerminalView } from '../terminal/view.ts';

/** One terminal, as large as the window. */
export default function TerminalPage({ params }: PageProps) {
  const info = useStore((state) => state.terminals[params.id ?? '']);
  const loaded = useStore((state) => state.loaded);
  if (info) {
    const back = info.agentId ? path`/agents/${info.agentId}/terminals` : '/terminals';
    return html`<${TerminalView} key=${info.id} info=${info} back=${back} />`;
  }
  return html`
    <div class="page">
      ${loaded ? html`<${Gone} />` : html`<${Skeleton} lines=${6} />`}
    </div>
  `;
}

const Gone = () =>
  html`
    <${EmptyState} icon="terminal" title=${t.terminal.gone} text=${t.terminal.goneText}>
      <${LinkButton} to="/terminals" tone="primary">${t.terminal.toList}<//>
    <//>
  `;
