import { html } from '../html.ts';
import { EmptyState, LinkButton, Skeleton } from '../components/mod.ts';
import { tt } from '../i18n/en-terminal.ts';
import type { PageProps } from '../route.ts';
import { path } from '../route.ts';
import { useStore } from '../services.ts';
import { TerminalView } from '../terminal/view.ts';

/** One terminal, as large as the window. */
export default function TerminalPage({ params }: PageProps) {
  const info = useStore((state) => state.terminals[params.id ?? '']);
  const loaded = useStore((state) => state.loaded);
  if (info) {
    const back = info.agentId ? path`/agents/${info.agentId}/terminals` : '/terminals';
    return html`<${TerminalView} key=${info.id} info=${info} back=${back} />`;
  }
  return html`<div class="page">${
    loaded
      ? html`
        <${EmptyState} icon="terminal" title=${tt.gone} text=${tt.goneText}>
          <${LinkButton} to="/terminals" tone="primary">${tt.toList}<//><//>
      `
      : html`<${Skeleton} lines=${6} />`
  }</div>`;
}
