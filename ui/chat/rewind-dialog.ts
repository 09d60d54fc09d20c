import { html, useEffect, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Rewind, RewindFile } from '../../core/api/rewind.ts';
import { useApp } from '../app.ts';
import { Button, Dialog, Skeleton, toast } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';

/** The CLI may have to be started for it, ms. */
const PATIENCE = { timeout: 120_000 };

export interface RewindProps {
  agent: AgentInfo;
  /** Id of a message of the user. */
  message: string;
  onClose: () => void;
}

/** Which files would change, before any does. */
export default function RewindDialog({ agent, message, onClose }: RewindProps) {
  const { api } = useApp();
  const [list, setList] = useState<Rewind | null>(null);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const url = path`/api/agents/${agent.id}/messages/${message}/rewind`;
  const refuse = (refusal: Error) => setError(refusal.message);
  const load = () => api.post<Rewind>(url, {}, PATIENCE).then(setList).catch(refuse);
  useEffect(() => void load(), [url]);
  async function rewind() {
    setBusy(true);
    setError('');
    try {
      toast(t.past.rewound((await api.post<Rewind>(url, { version: list!.version }, PATIENCE)).total));
      onClose();
    } catch (refusal) {
      setError((refusal as Error).message);
      setBusy(false);
      void load();
    }
  }
  const isEmpty = !list?.total;
  const action = html`
    <${Button} tone="danger" busy=${busy} onClick=${() => void rewind()}>${t.past.rewindAction(list?.total ?? 0)}<//>
  `;
  const footer = html`
    <${Button} onClick=${onClose}>${isEmpty ? t.common.close : t.common.cancel}<//>
    ${!isEmpty && action}
  `;
  return html`
    <${Dialog} title=${t.past.rewindTitle} onClose=${onClose} footer=${footer}>
      <div class="stack">
        ${error && html`<${Note} tone="bad" alert>${error}<//>`}
        ${!list && !error && html`<${Skeleton} lines=${3} />`}
        ${list && html`<${Files} list=${list} />`}
      </div>
      <//>
  `;
}

function Files({ list: { files, total, insertions, deletions } }: { list: Rewind }) {
  if (!total) return html`<p>${t.past.rewindNone}</p>`;
  const byHand = files.filter(({ changedSince }) => changedSince).length;
  const counts = insertions + deletions > 0 && html`<p class="faint">${t.past.lines(insertions, deletions)}</p>`;
  return html`
    <p>${t.past.rewindText}</p>
    <ul class="rewind-files">${files.map((file) => html`<${FileRow} key=${file.path} file=${file} />`)}</ul>
    ${total > files.length && html`<p class="faint">${t.past.more(total - files.length)}</p>`}
    ${counts}
    <${Note} tone="warn">${byHand > 0 && `${t.past.handWork(byHand)} `}${t.past.final}<//>
  `;
}

const FileRow = ({ file: { path, changedSince } }: { file: RewindFile }) =>
  html`
    <li>
      <span class="mono"><bdi>${path}</bdi></span>
      ${changedSince && html`<span class="faint">${t.past.changedSince}</span>`}
    </li>
  `;
